"""The labelled corpus, data/risk, and the examples of intents, data/nlu.

data/risk/<part>/<theme>.yml holds `groups` of sentences, `chats` or `conversations`;
data/risk/writers.yml says who wrote them and for which part. All problems are reported at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, get_args

import msgspec
import yaml

from safeguarding.records import ContentError, Problem, YamlDocument, read_yaml, sound
from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import CORPUS, ROOT, SIGNS, Severity, taxonomy

NLU = ROOT / "data" / "nlu"
WRITERS = "writers.yml"
RETOLD = "reviewed"
"""The writer of the sentences that retell real messages (lab/review)."""
Label = Literal["none", "concern", "urgent", "immediate"]
Part = Literal["training", "development", "test"]
Register = Literal[
    "plain", "slang", "typos", "emoji", "esl", "regional", "indirect", "formal", "long", "child",
    "short",
]  # fmt: skip
Kind = Literal[
    "near_miss", "idiom", "gaming", "school", "food", "sport", "family", "fiction", "news",
    "relationship", "health", "question", "small_talk", "errand", "work", "online", "feelings",
]  # fmt: skip
EVERYDAY = frozenset(
    {"idiom", "gaming", "school", "food", "sport", "family", "fiction", "errand", "work"}
)
"""Kinds of harmless talk that no article is about. Small talk has intents of its own; feelings,
health and relationships may well have an article."""
EVERYDAY_MOST = 4000
"""Number of such sentences that Rasa learns from; more only make its training longer."""
Item = TypeVar("Item")


class SentenceGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Sentences of one situation that carry the same labels (docs/labelling.md)."""

    writer: str
    number: int = 0
    """Position among the writer's groups; examples are read in this order, whatever the file."""
    situation: str
    voice: Literal["young_person", "parent", "professional"]
    severity: Label
    categories: list[str]
    """The main one first; for a near miss, the categories that it only seems to be about."""
    subject: Literal["self", "friend", "own_child", "other_child", "unknown"] = "unknown"
    register: list[Register] = msgspec.field(default_factory=lambda: ["plain"])
    kind: Kind | None = None
    """The sort of harmless message; only if the severity is none."""
    sentences: list[str]


class LabelledChatLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One message of a chat."""

    by: str
    """ "me" is the person who pastes the chat; "them", "them2", … are the others."""
    text: str
    signs: tuple[str, ...] = ()


class Chat(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A chat as a person may paste it."""

    id: str
    writer: str
    harmful: bool
    severity: Label
    categories: tuple[str, ...] = ()
    layout: Literal["names", "times", "whatsapp", "quotes", "me_him", "prose"]
    handles: dict[str, str] = msgspec.field(default_factory=dict)
    lines: tuple[LabelledChatLine, ...]


class WrittenTurn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One turn of a conversation with the assistant."""

    by: Literal["user", "assistant"]
    text: str


class LabelledConversation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A conversation with the assistant, and the turn at which its hand-off is due."""

    id: str
    writer: str
    harmful: bool
    due: int | None
    """Number of the user's turn, from 1; None if no hand-off is due."""
    severity: Label
    categories: tuple[str, ...] = ()
    shape: str
    turns: tuple[WrittenTurn, ...]

    def history(self, before: int) -> list[Turn]:
        """Return the turns before this index."""
        return [Turn(turn.by, turn.text) for turn in self.turns[:before]]


class Writer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The part for which a writer wrote, and the briefs they followed."""

    part: Part
    briefs: list[str]


class _CorpusFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    groups: list[SentenceGroup] = msgspec.field(default_factory=list)
    chats: list[Chat] = msgspec.field(default_factory=list)
    conversations: list[LabelledConversation] = msgspec.field(default_factory=list)


@dataclass(frozen=True)
class Example:
    """One labelled sentence."""

    text: str
    severity: Severity
    categories: tuple[str, ...]
    """Risk categories, the main one first; empty if the severity is none."""
    near: tuple[str, ...]
    """For a harmless sentence, the categories that it only seems to be about."""
    subject: str
    voice: str
    register: tuple[str, ...]
    kind: str
    """For a harmless sentence, its sort; else empty."""
    writer: str
    situation: str
    part: Part


@dataclass(frozen=True)
class Dialogues:
    """The chats and conversations of one part."""

    chats: tuple[Chat, ...]
    conversations: tuple[LabelledConversation, ...]


def read_examples(folder: Path = CORPUS) -> list[Example]:
    """Read every sentence, ordered by writer and number, whatever its file.

    Raises ContentError with all problems of the corpus.
    """
    found = [
        (group, part) for part, files in _read(folder).items() for f in files for group in f.groups
    ]
    found.sort(key=lambda each: (each[0].writer, each[0].number))
    return [example for group, part in found for example in _examples(group, part)]


def read_dialogues(part: Part, folder: Path = CORPUS) -> Dialogues:
    """Read every chat and conversation of `part`, ordered by file and position.

    Raises ContentError with all problems of the corpus.
    """
    files = _read(folder)[part]
    return Dialogues(
        tuple(chat for file in files for chat in file.chats),
        tuple(conversation for file in files for conversation in file.conversations),
    )


def is_due(conversation: LabelledConversation, user_turn: int) -> Severity | None:
    """Return the severity due at a user's turn (from 1); None if the labels do not say."""
    if conversation.due is None:
        return Severity.NONE if not conversation.harmful else None
    if user_turn == conversation.due:
        return Severity.named(conversation.severity)
    return None


def everyday(examples: Iterable[Example]) -> list[str]:
    """Return training sentences that no article is about: EVERYDAY_MOST, spread over all."""
    found = [
        example.text
        for example in examples
        if example.part == "training" and example.kind in EVERYDAY
    ]
    return spread(found, EVERYDAY_MOST)


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """Return at most `most` of the items, in order and evenly spaced."""
    if len(items) <= most:
        return list(items)
    return [items[at * len(items) // most] for at in range(most)]


def _examples(group: SentenceGroup, part: Part) -> Iterator[Example]:
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
            writer=group.writer,
            situation=group.situation,
            part=part,
        )


def _read(folder: Path) -> dict[Part, list[_CorpusFile]]:
    """Read all files by part. Raises ContentError."""
    writers = read_yaml(folder / WRITERS).convert(dict[str, Writer])
    read: dict[Part, list[_CorpusFile]] = {part: [] for part in get_args(Part)}
    problems: list[Problem] = []
    for part, files in read.items():
        for path in sorted((folder / part).glob("*.yml")):
            try:
                document = read_yaml(path)
                file = document.convert(_CorpusFile)
            except ContentError as error:
                problems += error.problems
                continue
            files.append(file)
            problems += _unsound_groups(document, file.groups)
            problems += _unsound_signs(document, file.chats)
            problems += _unsound_writers(document, file, part, writers)
    return sound(read, problems)


def _unsound_groups(document: YamlDocument, groups: Sequence[SentenceGroup]) -> Iterator[Problem]:
    known = taxonomy().risk_categories
    for at, group in enumerate(groups):
        for name in group.categories:
            if name not in known:
                what = f"`{name}` is not a risk category of the taxonomy"
                yield document.problem(what, "groups", at, "categories")
        if group.severity != "none" and not group.categories:
            yield document.problem("a risk needs a category", "groups", at, "categories")
        if (group.severity == "none") != (group.kind is not None):
            what = "`kind` belongs to severity none, and only to it"
            yield document.problem(what, "groups", at, "kind")
        if not all(sentence.strip() for sentence in group.sentences):
            yield document.problem("an empty sentence", "groups", at, "sentences")


def _unsound_signs(document: YamlDocument, chats: Sequence[Chat]) -> Iterator[Problem]:
    for at, chat in enumerate(chats):
        for number, line in enumerate(chat.lines):
            for sign in line.signs:
                if sign not in SIGNS:
                    what = f"{chat.id}: `{sign}` is not a sign"
                    yield document.problem(what, "chats", at, "lines", number, "signs")


def _unsound_writers(
    document: YamlDocument, file: _CorpusFile, part: Part, writers: Mapping[str, Writer]
) -> Iterator[Problem]:
    """Yield a problem for each writer that is unknown or listed for another part.

    Each writer writes for one part, so that nothing is learned from the writers of the test part.
    """
    kinds: Mapping[str, Sequence[SentenceGroup | Chat | LabelledConversation]] = {
        "groups": file.groups,
        "chats": file.chats,
        "conversations": file.conversations,
    }
    for key, written in kinds.items():
        for at, each in enumerate(written):
            known = writers.get(each.writer)
            if known is None:
                what = f"`{each.writer}` is not in {WRITERS}"
                yield document.problem(what, key, at, "writer")
            elif known.part != part:
                what = f"`{each.writer}` writes for the {known.part} part"
                yield document.problem(what, key, at, "writer")


_MARKUP = re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\{[^}]*\})")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser is ten times as fast


def intent_examples(folder: Path = NLU) -> list[tuple[str, str]]:
    """Read (intent, text) of every example of Rasa's training data, without entity markup."""
    found = []
    for path in sorted(folder.glob("*.yml")):
        read = yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader
        for block in read.get("nlu", []):
            if "intent" in block:
                lines = block["examples"].splitlines()
                texts = [line.removeprefix("- ").strip() for line in lines if line.strip()]
                found += [(block["intent"], _plain(text)) for text in texts]
    return found


def _plain(text: str) -> str:
    """Remove markup: "[Swindon](area)" and "[Swindon]{"entity": "area"}" become "Swindon"."""
    return _MARKUP.sub(r"\1", text)
