"""Cuts a message into the passages that the encoder reads."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from safeguarding.risk.text.normalise import Canonical, Token

WHOLE = 45
"""Number of words up to which a message is one passage."""
_PIECE, _STEP = 36, 24
MOST = 18
"""Largest number of passages read of a message beside the whole, which bounds the time. About 440
words are read whole."""
_ENDS, _ALARMING = 2, 2
"""Of a longer message, number of passages always read at either end, and number of passages with
the most alarming words. The second witness chooses the rest."""
_RUN = 6
"""Number of neighbouring words by which a repetition is recognised."""
WHOLE_MOST = 128
"""Number of words read of the whole; the encoder stops there too."""
_STRANGE = 2
"""Largest number of passages read in words that the encoder does not know: one that the lexicon and
one that the second witness points at. The encoder cuts such words into pieces of a few letters, so
that a passage takes up to three times as long and means little to it."""
_KNOWN, _LETTERS = 2 / 3, 2
"""A passage is strange if a smaller share of its words is known, or if it has more letters of
unknown words for each of its words. In every passage of the development part at least 0.83 of the
words are known, and there is at most 0.6 of such a letter for each."""


@dataclass(frozen=True)
class Passage:
    """A run of neighbouring words of a message."""

    tokens: tuple[Token, ...]
    is_whole: bool

    @property
    def is_strange(self) -> bool:
        """Whether it is in no language that the encoder knows, or in none at all."""
        unknown = [len(token.word) for token in self.tokens if not token.is_known]
        known = len(self.tokens) - len(unknown)
        return known < _KNOWN * len(self.tokens) or sum(unknown) > _LETTERS * len(self.tokens)

    @property
    def text(self) -> str:
        """Its canonical words between single spaces, as the encoder reads them."""
        return " ".join(token.word for token in self.tokens)

    def as_typed(self, message: Canonical) -> str:
        """Return its words as typed; at the ends of the message, to the first or last character."""
        if not self.tokens:
            return message.typed
        first, last = self.tokens[0], self.tokens[-1]
        start = 0 if first is message.tokens[0] else first.start
        end = None if last is message.tokens[-1] else last.end
        return message.typed[start:end]

    def typed(self, start: int, end: int) -> tuple[int, int]:
        """Map a stretch of `text` to the characters as typed; (0, 0) if there are none."""
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
    """Return the whole message and, of a long one, overlapping pieces of about 36 words, in order.

    Of a very long message: its ends, the pieces that hold most of the words whose indices are
    `alarming`, and the pieces of the highest `gravity` as typed. Of strange pieces, the one that
    holds most of these words, and the gravest other.
    """
    whole = Passage(message.tokens[:WHOLE_MOST], is_whole=True)
    if len(message.tokens) <= WHOLE:
        return [whole]
    pieces = list(_pieces(message))
    strange = [at for at, (_, piece) in enumerate(pieces) if piece.is_strange]
    if len(pieces) > MOST or len(strange) > _STRANGE:
        held = _held(pieces, sorted(alarming))
        grave = [gravity(piece.as_typed(message)) if gravity else 0.0 for _, piece in pieces]
        left_out = _left_out(strange, held, grave)
        kept = [at for at in range(len(pieces)) if at not in left_out]
        chosen = _chosen([held[at] for at in kept], [grave[at] for at in kept])
        pieces = [pieces[kept[at]] for at in chosen]
    return [whole, *(piece for _, piece in pieces)]


def without_repeats(message: Canonical, found: Sequence[Passage]) -> Iterator[Passage]:
    """Yield the passages in which something is typed that stands in none before.

    A passage repeats others if each run of _RUN words in it, as typed, stands in one of them.
    """
    seen: set[tuple[str, ...]] = set()
    for each in found:
        if each.is_whole:
            yield each
            continue
        words = each.as_typed(message).split()
        runs = {tuple(words[at : at + _RUN]) for at in range(max(len(words) - _RUN + 1, 1))}
        if not runs <= seen:
            yield each
        seen |= runs


def read_whole(message: Canonical, found: Sequence[Passage]) -> bool:
    """Return whether the passages hold every word of the message."""
    read = {id(token) for passage in found for token in passage.tokens}
    return all(id(token) in read for token in message.tokens)


def _held(pieces: Sequence[tuple[int, Passage]], words: Sequence[int]) -> list[int]:
    """Return how many of the sorted word indices each piece holds."""
    return [
        bisect_left(words, start + len(piece.tokens)) - bisect_left(words, start)
        for start, piece in pieces
    ]


def _left_out(strange: Iterable[int], held: Sequence[int], grave: Sequence[float]) -> set[int]:
    """Return the indices of the strange pieces that are not read."""
    rest = set(strange)
    if len(rest) <= _STRANGE:
        return set()
    rest.remove(max(rest, key=lambda at: (held[at], grave[at])))
    rest.remove(max(rest, key=lambda at: grave[at]))
    return rest


def _chosen(held: Sequence[int], grave: Sequence[float]) -> list[int]:
    """Return the indices of the pieces to read, in their order."""
    last = len(held)
    if last <= MOST:
        return list(range(last))
    chosen = {*range(_ENDS), *range(last - _ENDS, last)}
    alarming = sorted((at for at in range(last) if held[at]), key=lambda at: -held[at])
    chosen |= {*[at for at in alarming if at not in chosen][:_ALARMING]}
    rest = sorted(set(range(last)) - chosen, key=lambda at: -grave[at])
    return sorted({*chosen, *rest[: MOST - len(chosen)]})


def _pieces(message: Canonical) -> Iterator[tuple[int, Passage]]:
    """Yield pieces, each with the index of its first word; they begin with a near sentence."""
    start, last = 0, len(message.tokens)
    while start < last:
        yield start, Passage(message.tokens[start : start + _PIECE], is_whole=False)
        if start + _PIECE >= last:
            return
        near = range(start + _STEP, max(start + _STEP // 2, start), -1)
        start = next((at for at in near if at in message.breaks), start + _STEP)
