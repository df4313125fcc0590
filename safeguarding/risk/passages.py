"""A long message in pieces that the encoders can read: a disclosure must not drown in a story."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from safeguarding.risk.normalise import Canonical, Token

WHOLE = 45
"""Words that are read in one piece."""
_PIECE, _STEP = 36, 24
_MOST = 120
"""Passages read of one message: of a book, its beginning and its end."""


@dataclass(frozen=True)
class Passage:
    """Some neighbouring words of a message."""

    tokens: tuple[Token, ...]
    is_whole: bool

    @property
    def text(self) -> str:
        """Its canonical words between single spaces: what the encoders read."""
        return " ".join(token.word for token in self.tokens)

    def typed(self, start: int, end: int) -> tuple[int, int]:
        """From a stretch of `text` to the characters as typed; (0, 0) when there are none."""
        at, inside = 0, []
        for token in self.tokens:
            if at < end and at + len(token.word) > start:
                inside.append(token)
            at += len(token.word) + 1
        if not inside:
            return 0, 0
        return min(token.start for token in inside), max(token.end for token in inside)


def passages(message: Canonical) -> list[Passage]:
    """The whole message and, of a long one, overlapping pieces of about three dozen words."""
    whole = Passage(message.tokens, is_whole=True)
    if len(message.tokens) <= WHOLE:
        return [whole]
    pieces = list(_pieces(message))
    if len(pieces) > _MOST:
        pieces = pieces[: _MOST // 2] + pieces[-_MOST // 2 :]
    return [whole, *pieces]


def _pieces(message: Canonical) -> Iterator[Passage]:
    """Pieces that begin where a sentence does, when one begins near."""
    start, last = 0, len(message.tokens)
    while start < last:
        yield Passage(message.tokens[start : start + _PIECE], is_whole=False)
        if start + _PIECE >= last:
            return
        near = range(start + _STEP, max(start + _STEP // 2, start), -1)
        start = next((at for at in near if at in message.breaks), start + _STEP)
