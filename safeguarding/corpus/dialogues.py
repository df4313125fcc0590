"""Labelled chats as people paste them, and labelled conversations with the assistant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import msgspec

from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity

Label = Literal["none", "concern", "urgent", "immediate"]


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


def is_due(conversation: LabelledConversation, user_turn: int) -> Severity | None:
    """Return the severity due at a user's turn (from 1); None if the labels do not say."""
    if conversation.due is None:
        return Severity.NONE if not conversation.harmful else None
    if user_turn == conversation.due:
        return Severity.named(conversation.severity)
    return None


_DATE = "12/03/2026"
_STARTS = 21 * 60 + 4
"""Four minutes past nine in the evening; a line a minute."""
_NAMES = {"me": "me", "them": "alex", "them2": "sam", "them3": "jo"}
_OTHERS = {"me": "me", "them": "him", "them2": "her", "them3": "other"}


def rendered(chat: Chat) -> str:
    """Return the chat as text in its layout."""
    return "\n".join(_LAYOUTS[chat.layout](chat))


def _names(chat: Chat) -> Iterator[str]:
    return (f"{_name(chat, line.by)}: {line.text}" for line in chat.lines)


def _times(chat: Chat) -> Iterator[str]:
    return (f"[{_clock(at)}] {line}" for at, line in enumerate(_names(chat)))


def _whatsapp(chat: Chat) -> Iterator[str]:
    return (f"{_DATE}, {_clock(at)} - {line}" for at, line in enumerate(_names(chat)))


def _quotes(chat: Chat) -> Iterator[str]:
    return (line.text if line.by == "me" else f"> {line.text}" for line in chat.lines)


def _me_him(chat: Chat) -> Iterator[str]:
    return (f"{_OTHERS.get(line.by, line.by)}: {line.text}" for line in chat.lines)


def _prose(chat: Chat) -> Iterator[str]:
    return (line.text for line in chat.lines)


_LAYOUTS: Mapping[str, Callable[[Chat], Iterator[str]]] = {
    "names": _names,
    "times": _times,
    "whatsapp": _whatsapp,
    "quotes": _quotes,
    "me_him": _me_him,
    "prose": _prose,
}


def _name(chat: Chat, by: str) -> str:
    return chat.handles.get(by) or _NAMES.get(by, by)


def _clock(at: int) -> str:
    hours, minutes = divmod(_STARTS + at, 60)
    return f"{hours % 24:02}:{minutes:02}"
