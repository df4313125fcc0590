"""Evaluation of chats pasted as one message, and of conversations turn by turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from lab.evaluation.assessing import Results, TimedMessage
from lab.evaluation.measures import share
from safeguarding.corpus import Chat, LabelledConversation
from safeguarding.taxonomy import Severity


def pasted(chat: Chat) -> TimedMessage:
    """Return the message that a pasted chat makes."""
    return TimedMessage(rendered(chat))


def chats_report(chats: Iterable[Chat], results: Results) -> dict[str, Any]:
    """Compute recall and false alarms of chats: in all, by layout, category and length."""
    found = [(chat, results[pasted(chat)].severity) for chat in chats]
    return {
        **_chat_counts(found),
        "by": {
            "layout": _by(found, lambda chat: [chat.layout]),
            "category": _by(found, lambda chat: chat.categories),
            "length": _by(found, lambda chat: [_length(chat)]),
        },
    }


def _chat_counts(found: Sequence[tuple[Chat, Severity]]) -> dict[str, Any]:
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
    return {name: _chat_counts(group) for name, group in sorted(groups.items())}


_SHORT, _MIDDLE = 8, 15


def _length(chat: Chat) -> str:
    lines = len(chat.lines)
    if lines <= _SHORT:
        return f"up to {_SHORT} lines"
    return f"{_SHORT + 1} to {_MIDDLE} lines" if lines <= _MIDDLE else f"over {_MIDDLE} lines"


def turns(conversation: LabelledConversation) -> Iterator[TimedMessage]:
    """Return each message of the user with the turns before it."""
    for at, turn in enumerate(conversation.turns):
        if turn.by == "user":
            yield TimedMessage(turn.text, tuple(conversation.history(at)))


def handed_off(conversation: LabelledConversation, results: Results) -> int | None:
    """Return the user's turn, from 1, at which the hand-off happens, or None."""
    for number, message in enumerate(turns(conversation), start=1):
        if results[message].severity >= Severity.URGENT:
            return number
    return None


def conversations_report(held: Iterable[LabelledConversation], results: Results) -> dict[str, Any]:
    """Count hand-offs that are in time, early or not due: in all and by shape."""
    listed = list(held)
    shapes: dict[str, list[LabelledConversation]] = defaultdict(list)
    for conversation in listed:
        shapes[conversation.shape].append(conversation)
    return {
        **_conversation_counts(listed, results),
        "by": {
            "shape": {
                name: _conversation_counts(group, results) for name, group in sorted(shapes.items())
            },
        },
    }


def _conversation_counts(held: Sequence[LabelledConversation], results: Results) -> dict[str, Any]:
    due, worried, harmless = [], [], []
    early = 0
    for conversation in held:
        at, wanted = handed_off(conversation, results), conversation.due
        if wanted is not None:
            due.append(at is not None and at <= wanted)
            early += at is not None and at < wanted
        elif conversation.harmful:
            worried.append(at is not None)
        else:
            harmless.append(at is not None)
    return {
        "conversations": len(held),
        "handed off by the turn it is due": share(due).record(),
        "of these, before that turn": early,
        "worry without a due hand-off, handed off": share(worried).record(),
        "harmless, handed off": share(harmless).record(),
    }


# ---- a chat as text ------------------------------------------------------------------------------
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
