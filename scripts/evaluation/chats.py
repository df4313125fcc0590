"""Invented chats pasted as one message: the pattern heard, and quiet where there is none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from safeguarding.risk.dialogues import Chat
from safeguarding.taxonomy import Severity
from scripts.evaluation.assessing import Hearing, Said
from scripts.evaluation.shares import share

_DATE = "12/03/2026"
_STARTS = 21 * 60 + 4
"""Four minutes past nine in the evening; a line a minute."""
_NAMES = {"me": "me", "them": "alex", "them2": "sam", "them3": "jo"}
_OTHERS = {"me": "me", "them": "him", "them2": "her", "them3": "other"}


def said(chat: Chat) -> Said:
    """The message that a pasted chat makes."""
    return Said(rendered(chat))


def rendered(chat: Chat) -> str:
    """The chat as somebody would paste it, in its layout."""
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


def chats_report(chats: Iterable[Chat], hearing: Hearing) -> dict[str, Any]:
    """Recall of harmful chats and false alarms: whole, by layout, category and length."""
    found = [(chat, hearing[said(chat)].severity) for chat in chats]
    return {
        **_counts(found),
        "by": {
            "layout": _by(found, lambda chat: [chat.layout]),
            "category": _by(found, lambda chat: chat.categories),
            "length": _by(found, lambda chat: [_length(chat)]),
        },
    }


def _counts(found: Sequence[tuple[Chat, Severity]]) -> dict[str, Any]:
    harmful = [(chat, severity) for chat, severity in found if chat.harmful]
    harmless = [severity for chat, severity in found if not chat.harmful]
    return {
        "chats": len(found),
        "harmful, at least concern": share(s >= Severity.CONCERN for _, s in harmful).record(),
        "due urgent, at least urgent": share(
            severity >= Severity.URGENT
            for chat, severity in harmful
            if Severity.named(chat.severity) >= Severity.URGENT
        ).record(),
        "harmless, at least urgent": share(s >= Severity.URGENT for s in harmless).record(),
        "harmless, at least concern": share(s >= Severity.CONCERN for s in harmless).record(),
    }


def _by(
    found: Iterable[tuple[Chat, Severity]], grouping: Callable[[Chat], Iterable[str]]
) -> dict[str, Any]:
    groups: dict[str, list[tuple[Chat, Severity]]] = defaultdict(list)
    for chat, severity in found:
        for name in grouping(chat):
            groups[name].append((chat, severity))
    return {name: _counts(group) for name, group in sorted(groups.items())}


_SHORT, _MIDDLE = 8, 15


def _length(chat: Chat) -> str:
    lines = len(chat.lines)
    if lines <= _SHORT:
        return f"up to {_SHORT} lines"
    return f"{_SHORT + 1} to {_MIDDLE} lines" if lines <= _MIDDLE else f"over {_MIDDLE} lines"
