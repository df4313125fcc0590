"""Invented conversations, turn by turn: whether the hand-off comes by the turn it is due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from safeguarding.risk.dialogues import Conversation
from safeguarding.taxonomy import Severity
from scripts.evaluation.assessing import Hearing, Said
from scripts.evaluation.shares import share


def said(conversation: Conversation) -> Iterator[Said]:
    """Each message of the user, with all that was said before it."""
    for at, turn in enumerate(conversation.turns):
        if turn.by == "user":
            yield Said(turn.text, tuple(conversation.history(at)))


def handed_off(conversation: Conversation, hearing: Hearing) -> int | None:
    """The user's turn, counted from 1, at which the hand-off comes; None if it never does."""
    for number, message in enumerate(said(conversation), start=1):
        if hearing[message].severity >= Severity.URGENT:
            return number
    return None


def conversations_report(held: Iterable[Conversation], hearing: Hearing) -> dict[str, Any]:
    """Hand-offs by the turn they are due, too early, never due: whole and by shape."""
    listed = list(held)
    shapes: dict[str, list[Conversation]] = defaultdict(list)
    for conversation in listed:
        shapes[conversation.shape].append(conversation)
    return {
        **_counts(listed, hearing),
        "by": {
            "shape": {name: _counts(group, hearing) for name, group in sorted(shapes.items())},
        },
    }


def _counts(held: Sequence[Conversation], hearing: Hearing) -> dict[str, Any]:
    due, worried, harmless = [], [], []
    early = 0
    for conversation in held:
        at, wanted = handed_off(conversation, hearing), conversation.due
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
