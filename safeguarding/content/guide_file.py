"""The files of content/guides read strictly, and what of them is signed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from safeguarding.content.articles.sections import word_count
from safeguarding.content.guides import GuideRecord
from safeguarding.content.items import Block, Item
from safeguarding.content.yaml_items import read_by_staff, yaml_item
from safeguarding.records import ContentError, Problem, YamlDocument, read_yaml
from safeguarding.taxonomy import PARENT, PROFESSIONAL, YOUNG_PERSON, taxonomy

MOST_WORDS, FEWEST_STEPS, MOST_STEPS = 40, 2, 7


def guide_item(content_id: str, title: str, path: Path) -> Item:
    """A guide, each step for its readers. Raises ContentError."""
    whole, record = yaml_item(content_id, title, path), read_guide(path)
    readers = {YOUNG_PERSON: (YOUNG_PERSON,), "adult": (PARENT, PROFESSIONAL)}
    blocks = [
        Block(f"{record.title}: {getattr(each, 'id', 'end')}", (text,), audiences)
        for each in (*record.steps, record.end)
        for reader, audiences in readers.items()
        if (text := getattr(each, reader))
    ]
    said = msgspec.to_builtins(record)
    rest = {name: said[name] for name in said if name not in {"provenance", "end"}}
    dates = whole.reviewed_on, whole.review_due, whole.signed_on_paper
    return Item(content_id, record.title, (*blocks, read_by_staff("The file", rest)), *dates)


def read_guide(path: Path) -> GuideRecord:
    """One guide. Raises ContentError with all that is wrong with it."""
    document = read_yaml(path)
    record = document.convert(GuideRecord)
    problems = list(_unsound(document, record))
    if problems:
        raise ContentError(problems)
    return record


def read_guides(folder: Path) -> dict[str, GuideRecord]:
    """Every guide of a folder. Raises ContentError with all that is wrong."""
    found, problems = {}, []
    for path in sorted(folder.glob("*.yml")):
        try:
            found[path.stem] = read_guide(path)
        except ContentError as error:
            problems += error.problems
    if problems:
        raise ContentError(problems)
    return found


def _unsound(document: YamlDocument, record: GuideRecord) -> Iterator[Problem]:
    known = taxonomy()
    if record.id != document.path.stem:
        yield document.problem(f"the file is called {document.path.stem}", "id")
    for field, names in (("needs", known.needs), ("categories", known.risk_categories)):
        for index, name in enumerate(getattr(record, field)):
            if name not in names:
                yield document.problem(f"no such word: {name}", field, index)
    if not record.sources:
        yield document.problem("no source", "sources")
    yield from _unsound_steps(document, record)


def _unsound_steps(document: YamlDocument, record: GuideRecord) -> Iterator[Problem]:
    """Too few or too many steps, one too long or without words, a reader without an end."""
    if not FEWEST_STEPS <= len(record.steps) <= MOST_STEPS:
        what = f"{len(record.steps)} steps; {FEWEST_STEPS} to {MOST_STEPS}"
        yield document.problem(what, "steps")
    for index, step in enumerate(record.steps):
        if not (step.young_person or step.adult):
            yield document.problem("says nothing", "steps", index)
        for reader in (YOUNG_PERSON, "adult"):
            if word_count(getattr(step, reader) or "") > MOST_WORDS:
                yield document.problem(f"over {MOST_WORDS} words", "steps", index, reader)
    for reader in (YOUNG_PERSON, "adult"):
        walks = any(getattr(step, reader) for step in record.steps)
        if walks != bool(getattr(record.end, reader)):
            yield document.problem(f"{reader}: steps and an end, or neither", "end")
