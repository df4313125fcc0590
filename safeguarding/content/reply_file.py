"""Reads content/replies/<theme>.yml: replies, buttons, what is signed, and what is unsound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from safeguarding.content.choices import ChoiceRecord, Choices
from safeguarding.content.contacts import ContactDirectory
from safeguarding.content.items import Block, Item, read_by_staff, word_count, yaml_item
from safeguarding.content.replies import ENTITY, INTENT, PREFIX, ReplyFile, ReplyRecord
from safeguarding.records import Problem, YamlDocument, read_yaml, sound
from safeguarding.taxonomy import TOPIC_PREFIX, YOUNGER, taxonomy

FEWEST_ASKED, MOST_WORDS, MOST_WORDS_YOUNGER = 8, 78, 45


def reply_choices(folder: Path) -> list[ChoiceRecord]:
    """Return the button of every reply in `folder`; of a file that is unsound, none.

    Raises ContentError if two replies have one id.
    """
    found: dict[str, ChoiceRecord] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yml")):
        document = read_yaml(path)
        for each in document.convert_each(ReplyRecord, "replies")[0]:
            if each.id in found:
                problems.append(document.problem(f"{each.id!r} stands twice", "replies"))
            found[each.id] = ChoiceRecord(PREFIX + each.id, each.label, INTENT, {ENTITY: each.id})
    return sound([*found.values()], problems)


def reply_item(content_id: str, title: str, path: Path) -> Item:
    """Return what is signed of a file: each answer for its reader. Raises ContentError."""
    whole = yaml_item(content_id, title, path)
    records = sound(*read_yaml(path).convert_each(ReplyRecord, "replies"))
    readers = (*taxonomy().audiences, YOUNGER)
    blocks = [
        Block(each.id, (text,), (reader,))
        for each in records
        for reader in readers
        if (text := getattr(each, reader))
    ]
    rest = []
    for each in records:
        fields = msgspec.to_builtins(each)
        others = {name: fields[name] for name in fields if name not in readers}
        rest.append(read_by_staff(f"{each.id}: asked by, after what, sources", others))
    return replace(whole, blocks=(*blocks, *rest))


def read_replies(
    path: Path, choices: Choices, contacts: ContactDirectory | None = None
) -> ReplyFile:
    """Read one file. Raises ContentError with all that is wrong with it.

    Without `contacts` the ids of contacts are not checked.
    """
    document = read_yaml(path)
    record = document.convert(ReplyFile)
    problems = [
        problem
        for index, each in enumerate(record.replies)
        for problem in _unsound(document, each, choices, contacts, index)
    ]
    return sound(record, problems)


def _unsound(
    document: YamlDocument,
    record: ReplyRecord,
    choices: Choices,
    contacts: ContactDirectory | None,
    index: int,
) -> Iterator[Problem]:
    where, known = ("replies", index), taxonomy()
    names = [
        (record.needs, known.needs),
        (record.categories, known.risk_categories),
        (record.acts, known.dialogue_acts),
    ]
    for used, allowed in names:
        for name in used:
            if name not in allowed:
                yield document.problem(f"no such word: {name}", *where)
    for topic in [*record.topics, *([record.topic] if record.topic else [])]:
        if f"{TOPIC_PREFIX}{topic}" not in choices:
            yield document.problem(f"no such topic: {topic}", *where)
    yield from choices.unknown(document, record.choices, *where, "choices")
    for contact in record.contacts:
        if contacts is not None and contact not in contacts.records():
            yield document.problem(f"no such contact: {contact}", *where)
    if not record.acts:
        yield document.problem("names no dialogue act", *where)
    if len({text.casefold() for text in record.asked}) < max(FEWEST_ASKED, len(record.asked)):
        yield document.problem(f"{FEWEST_ASKED} ways to ask it or more, none twice", *where)
    yield from _unsound_words(document, record, index)


def _unsound_words(document: YamlDocument, record: ReplyRecord, index: int) -> Iterator[Problem]:
    where, audiences = ("replies", index), taxonomy().audiences
    if not any(getattr(record, audience) for audience in audiences):
        yield document.problem("says nothing", *where)
    for reader in (*audiences, YOUNGER):
        most = MOST_WORDS_YOUNGER if reader == YOUNGER else MOST_WORDS
        if word_count(getattr(record, reader) or "") > most:
            yield document.problem(f"{reader}: over {most} words", *where)
