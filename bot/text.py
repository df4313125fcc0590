"""Free text on its way through Rasa, which reads a leading "/" as a command."""

from __future__ import annotations

GUARD = "\u2060"  # WORD JOINER: invisible, and not stripped as white space
COMMAND = "/"


def as_text(typed: str) -> str:
    """What a person typed, so that Rasa takes it for text and never for one of its commands."""
    return GUARD + typed if typed.lstrip().startswith(COMMAND) else typed


def as_typed(text: str) -> str:
    """The inverse of `as_text`."""
    return text.removeprefix(GUARD)
