"""The labelled sentences of data/risk: what the classifier learns from and is measured on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from safeguarding.records import ContentError, Document, Problem, read_yaml
from safeguarding.taxonomy import ROOT, Severity, taxonomy

EXAMPLES = ROOT / "data" / "risk"
PARTS = "parts.yml"
NUMBERS = {"calibration.yml", "chat_signs.yml"}
"""Files beside the sentences that hold none: what was fitted on them."""
Part = Literal["training", "development", "test"]
Register = Literal[
    "plain", "slang", "typos", "emoji", "esl", "regional", "indirect", "formal", "long", "child",
    "short",
]  # fmt: skip
Kind = Literal[
    "near_miss", "idiom", "gaming", "school", "food", "sport", "family", "fiction", "news",
    "relationship", "health", "question", "small_talk", "errand", "work", "online", "feelings",
]  # fmt: skip


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Sentences of one situation that carry the same labels (docs/labelling.md)."""

    situation: str
    voice: Literal["young_person", "parent", "professional"]
    severity: Literal["none", "concern", "urgent", "immediate"]
    categories: list[str]
    """The main one first; of a near miss, those that it only seems to be about."""
    subject: Literal["self", "friend", "own_child", "other_child", "unknown"] = "unknown"
    register: list[Register] = msgspec.field(default_factory=lambda: ["plain"])
    kind: Kind | None = None
    """What sort of harmless message; only when the severity is none."""
    sentences: list[str]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    writer: str
    brief: str
    groups: list[Group]


@dataclass(frozen=True)
class Example:
    """One labelled sentence."""

    text: str
    severity: Severity
    categories: tuple[str, ...]
    """Risk categories, the main one first; empty when the severity is none."""
    near: tuple[str, ...]
    """Of a harmless sentence, the categories that it only seems to be about."""
    subject: str
    voice: str
    register: tuple[str, ...]
    kind: str
    """Of a harmless sentence, what sort it is; else empty."""
    writer: str
    situation: str
    part: Part


def read_examples(folder: Path = EXAMPLES) -> list[Example]:
    """Every sentence of `folder`, by file and place. Raises ContentError with all that is wrong."""
    part_of = parts(folder / PARTS)
    found: list[Example] = []
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yml")):
        if path.name == PARTS or path.name in NUMBERS:
            continue
        try:
            document = read_yaml(path)
            file = document.convert(_File)
        except ContentError as error:
            problems += error.problems
            continue
        problems += _unsound(document, file.groups)
        part = part_of.get(file.writer, "training")
        for group in file.groups:
            found += _of_group(group, file.writer, part)
    if problems:
        raise ContentError(problems)
    return found


def _of_group(group: Group, writer: str, part: Part) -> Iterator[Example]:
    severity = Severity.named(group.severity)
    risky = severity > Severity.NONE
    for text in group.sentences:
        yield Example(
            text=text,
            severity=severity,
            categories=tuple(group.categories) if risky else (),
            near=() if risky else tuple(group.categories),
            subject=group.subject,
            voice=group.voice,
            register=tuple(group.register),
            kind=group.kind or "",
            writer=writer,
            situation=group.situation,
            part=part,
        )


EVERYDAY = frozenset(
    {"idiom", "gaming", "school", "food", "sport", "family", "fiction", "errand", "work"}
)
"""Kinds of harmless talk that no answer of ours is about. Not small talk, which has intents of its
own, nor feelings, health, relationships and the like, to which an answer may well be right."""


def everyday(examples: Iterable[Example]) -> list[str]:
    """The training sentences that are about nothing we answer."""
    return [
        example.text
        for example in examples
        if example.part == "training" and example.kind in EVERYDAY
    ]


def parts(path: Path) -> dict[str, Part]:
    """The writers whose sentences are kept back, and for what."""
    listed = read_yaml(path).convert(dict[Part, list[str]])
    return {writer: part for part, writers in listed.items() for writer in writers}


def _unsound(document: Document, groups: Sequence[Group]) -> Iterator[Problem]:
    known = taxonomy().risk_categories
    for index, group in enumerate(groups):

        def problem(what: str, field: str, at: int = index) -> Problem:
            return document.problem(what, "groups", at, field)

        for name in group.categories:
            if name not in known:
                yield problem(f"`{name}` is not a risk category of the taxonomy", "categories")
        if group.severity != "none" and not group.categories:
            yield problem("a risk needs a category", "categories")
        if (group.severity == "none") != (group.kind is not None):
            yield problem("`kind` belongs to severity none, and only to it", "kind")
        if not all(sentence.strip() for sentence in group.sentences):
            yield problem("an empty sentence", "sentences")
