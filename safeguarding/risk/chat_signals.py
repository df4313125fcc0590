"""The signals of a pasted chat: one a sign, on the line that shows it best."""

from __future__ import annotations

from safeguarding.risk.assessment import Signal
from safeguarding.risk.dialogues import SIGNS

KIND = "chat"
_SOURCE = "chat-"


def source_of(sign: str) -> str:
    """The permanent id of a sign as the source of a signal."""
    return f"{_SOURCE}{sign}"


def sign_of(signal: Signal) -> str | None:
    """The sign that a signal is of; None for every other signal."""
    sign = signal.source.removeprefix(_SOURCE)
    return sign if signal.kind == KIND and sign in SIGNS else None
