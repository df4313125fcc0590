"""From a message as typed to the chat that was pasted into it, and the words around it."""

from __future__ import annotations

from dataclasses import dataclass

from safeguarding.risk.chat_inline import inline
from safeguarding.risk.chat_layouts import headed, labelled, plain, quoted
from safeguarding.risk.chat_lines import Found, Line, rows

__all__ = ["Line", "PastedChat", "pasted_chat"]


@dataclass(frozen=True)
class PastedChat:
    """A chat between others, or with others, that somebody shows us."""

    lines: tuple[Line, ...]
    own_words: str
    """The message with the chat blanked out: what the person says about it, where it stood. All
    of the message when the chat is guessed."""
    guessed: bool
    """Whether only the shape speaks for a chat: lines without names, or one voice alone. Then it
    may just as well be somebody's own story, and must be heard as one too."""


def pasted_chat(text: str) -> PastedChat | None:
    """The chat in a message, or None. Never raises; the time it takes grows with the length."""
    found = _found(text)
    if found is None:
        return None
    own = text if found.guessed else _only(text, found.own)
    return PastedChat(found.lines, own, found.guessed)


def _found(text: str) -> Found | None:
    lines = rows(text)
    with_a_guess = [labelled(lines), headed(lines), quoted(lines), inline(text), plain(lines)]
    found = [each for each in with_a_guess if each]
    return next((each for each in found if not each.guessed), found[0] if found else None)


def _only(text: str, spans: tuple[tuple[int, int], ...]) -> str:
    kept, at = [], 0
    for start, end in spans:
        kept += [_blank(start - at), text[start:end]]
        at = end
    return "".join([*kept, _blank(len(text) - at)])


def _blank(length: int) -> str:
    """White space that parts what stands before it from what stands after."""
    return ("\n\n" + " " * length)[:length]
