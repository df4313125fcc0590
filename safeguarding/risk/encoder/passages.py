"""A long message in pieces that the encoders can read: a disclosure must not drown in a story."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from safeguarding.risk.text.normalise import Canonical, Token

WHOLE = 45
"""Words that are read in one piece."""
_PIECE, _STEP = 36, 24
MOST = 18
"""Passages read of one message beside the whole: what bounds the time that it takes. About 440
words are read whole."""
_ENDS, _ALARMING = 2, 2
"""Of a longer message, so many of its first and of its last passages are always read, and of those
with the most alarming words; then those that the second witness finds gravest, wherever."""
_WHOLE_MOST = 128
"""Words read of the whole: the encoder cuts there too."""


@dataclass(frozen=True)
class Passage:
    """Some neighbouring words of a message."""

    tokens: tuple[Token, ...]
    is_whole: bool

    @property
    def text(self) -> str:
        """Its canonical words between single spaces: what the encoders read."""
        return " ".join(token.word for token in self.tokens)

    def as_typed(self, message: Canonical) -> str:
        """Its words as they stand in the message, with what stands before its first one and after
        its last."""
        if not self.tokens:
            return message.typed
        first, last = self.tokens[0], self.tokens[-1]
        start = 0 if first is message.tokens[0] else first.start
        end = None if last is message.tokens[-1] else last.end
        return message.typed[start:end]

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


def passages(
    message: Canonical,
    alarming: Sequence[int] = (),
    gravity: Callable[[str], float] | None = None,
) -> list[Passage]:
    """The whole message and, of a long one, overlapping pieces of about three dozen words.

    Of a very long one: the beginning, the end, pieces that hold most of the `alarming` words (given
    by their index), and those of the highest `gravity` by their words as typed. In their order.
    """
    whole = Passage(message.tokens[:_WHOLE_MOST], is_whole=True)
    if len(message.tokens) <= WHOLE:
        return [whole]
    pieces = list(_pieces(message))
    if len(pieces) > MOST:
        held = _held(pieces, sorted(alarming))
        grave = [gravity(piece.as_typed(message)) if gravity else 0.0 for _, piece in pieces]
        pieces = [pieces[at] for at in _chosen(held, grave)]
    return [whole, *(piece for _, piece in pieces)]


def read_whole(message: Canonical, found: Sequence[Passage]) -> bool:
    """Whether every word of the message stands in one of the passages."""
    read = {id(token) for passage in found for token in passage.tokens}
    return all(id(token) in read for token in message.tokens)


def _held(pieces: Sequence[tuple[int, Passage]], words: Sequence[int]) -> list[int]:
    """How many of the `words`, given by their index and in order, each piece holds."""
    return [
        bisect_left(words, start + len(piece.tokens)) - bisect_left(words, start)
        for start, piece in pieces
    ]


def _chosen(held: Sequence[int], grave: Sequence[float]) -> list[int]:
    """The numbers of the pieces to read, in their order."""
    last = len(held)
    chosen = {*range(_ENDS), *range(last - _ENDS, last)}
    alarming = sorted((at for at in range(last) if held[at]), key=lambda at: -held[at])
    chosen |= {*[at for at in alarming if at not in chosen][:_ALARMING]}
    rest = sorted(set(range(last)) - chosen, key=lambda at: -grave[at])
    return sorted({*chosen, *rest[: MOST - len(chosen)]})


def _pieces(message: Canonical) -> Iterator[tuple[int, Passage]]:
    """Pieces that begin where a sentence does, when one begins near; each with the number of its
    first word."""
    start, last = 0, len(message.tokens)
    while start < last:
        yield start, Passage(message.tokens[start : start + _PIECE], is_whole=False)
        if start + _PIECE >= last:
            return
        near = range(start + _STEP, max(start + _STEP // 2, start), -1)
        start = next((at for at in near if at in message.breaks), start + _STEP)
