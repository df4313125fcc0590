"""The labelled chats and conversations of data/risk: what people paste, what they say in turn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from safeguarding.records import ContentError, Problem, read_yaml
from safeguarding.risk.assessment import Turn
from safeguarding.risk.examples import EXAMPLES, PARTS, Part, parts
from safeguarding.taxonomy import Severity

SIGNS = (
    "secrecy", "flattery", "gifts", "moving_apps", "asking_age", "being_alone", "pictures",
    "meeting", "guilt", "threats", "money", "sexual_talk", "isolation", "testing_limits",
    "requests_job",
)  # fmt: skip
"""What a line of a chat may show of grooming or exploitation; alone, none of them proves it."""
Label = Literal["none", "concern", "urgent", "immediate"]


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One message of a chat."""

    by: str
    """ "me" is the one whose chat it is; "them", "them2", … the others."""
    text: str
    signs: tuple[str, ...] = ()


class Chat(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A chat as somebody may paste it."""

    id: str
    harmful: bool
    severity: Label
    categories: tuple[str, ...] = ()
    layout: Literal["names", "times", "whatsapp", "quotes", "me_him", "prose"]
    handles: dict[str, str] = msgspec.field(default_factory=dict)
    lines: tuple[Line, ...]


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One turn of a conversation with the assistant."""

    by: Literal["user", "assistant"]
    text: str


class Conversation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A conversation with the assistant, and the turn by which it is due to be handed over."""

    id: str
    harmful: bool
    due: int | None
    """Number of the user's turn, from 1; None when no hand-off is due."""
    severity: Label
    categories: tuple[str, ...] = ()
    shape: str
    turns: tuple[Said, ...]

    def history(self, before: int) -> list[Turn]:
        """What was said before the turn at this index."""
        return [Turn(turn.by, turn.text) for turn in self.turns[:before]]


class _Chats(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    writer: str
    brief: str
    chats: list[Chat]


class _Conversations(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    writer: str
    brief: str
    conversations: list[Conversation]


@dataclass(frozen=True)
class Dialogues:
    """All of one part."""

    chats: tuple[Chat, ...]
    conversations: tuple[Conversation, ...]


def read_dialogues(part: Part, folder: Path = EXAMPLES) -> Dialogues:
    """Every chat and conversation of `part`. Raises ContentError with all that is wrong."""
    part_of = parts(folder / PARTS)
    problems: list[Problem] = []
    chats: list[Chat] = []
    conversations: list[Conversation] = []
    for path in sorted((folder / "chats").glob("*.yml")):
        try:
            file = read_yaml(path).convert(_Chats)
        except ContentError as error:
            problems += error.problems
            continue
        problems += [
            Problem(path, 1, f"{chat.id}: `{sign}` is not a sign")
            for chat in file.chats
            for line in chat.lines
            for sign in line.signs
            if sign not in SIGNS
        ]
        if part_of.get(file.writer, "training") == part:
            chats += file.chats
    for path in sorted((folder / "conversations").glob("*.yml")):
        try:
            talks = read_yaml(path).convert(_Conversations)
        except ContentError as error:
            problems += error.problems
            continue
        if part_of.get(talks.writer, "training") == part:
            conversations += talks.conversations
    if problems:
        raise ContentError(problems)
    return Dialogues(tuple(chats), tuple(conversations))


def is_due(conversation: Conversation, user_turn: int) -> Severity | None:
    """The severity due at a user's turn (from 1); None where the labels do not say."""
    if conversation.due is None:
        return Severity.NONE if not conversation.harmful else None
    if user_turn == conversation.due:
        return Severity.named(conversation.severity)
    return None
