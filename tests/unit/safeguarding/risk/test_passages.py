"""A long message is read whole and in pieces; no word is left out, and places stay as typed."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safeguarding.risk.lexicon import Lexicon
from safeguarding.risk.normalise import Canonical, Token
from safeguarding.risk.passages import WHOLE, Passage, passages

PIECE, MOST = 36, 120


def message(words: int, breaks: Collection[int] = ()) -> Canonical:
    """A message of numbered words; each stands at ten times its number."""
    tokens = (Token(f"w{at}", f"w{at}", at * 10, at * 10 + 5) for at in range(words))
    return Canonical(tuple(tokens), frozenset(breaks))


def stretches(found: list[Passage]) -> list[tuple[int, int]]:
    """The first and last word of each passage, by number."""
    return [(p.tokens[0].start // 10, p.tokens[-1].start // 10) for p in found]


@pytest.mark.parametrize("words", [1, 2, WHOLE])
def test_a_short_message_is_one_passage(words: int) -> None:
    (only,) = passages(message(words, {1}))

    assert only.is_whole
    assert only.tokens == message(words).tokens


def test_the_text_of_a_passage_is_its_words() -> None:
    (only,) = passages(message(3))

    assert only.text == "w0 w1 w2"


def test_a_long_message_is_read_whole_and_in_overlapping_pieces() -> None:
    found = passages(message(100))

    assert stretches(found) == [(0, 99), (0, 35), (24, 59), (48, 83), (72, 99)]
    assert [passage.is_whole for passage in found] == [True, False, False, False, False]


def test_a_piece_begins_where_a_sentence_does() -> None:
    assert stretches(passages(message(80, {20})))[1:] == [(0, 35), (20, 55), (44, 79)]


def test_of_several_beginnings_the_last_is_taken() -> None:
    assert stretches(passages(message(60, {14, 17, 23})))[1:] == [(0, 35), (23, 58), (47, 59)]


@pytest.mark.parametrize("break_at", [5, 12, 25, 35])
def test_a_sentence_that_begins_far_off_does_not_count(break_at: int) -> None:
    assert stretches(passages(message(50, {break_at})))[1:] == [(0, 35), (24, 49)]


@settings(deadline=None, max_examples=60)
@given(words=st.integers(WHOLE + 1, 1200), breaks=st.sets(st.integers(1, 1200), max_size=200))
def test_the_pieces_cover_every_word_and_overlap(words: int, breaks: set[int]) -> None:
    pieces = stretches(passages(message(words, breaks)))[1:]

    assert pieces[0][0] == 0
    assert pieces[-1][1] == words - 1
    for (first, last), (following, _) in pairwise(pieces):
        assert last - first == PIECE - 1
        assert first < following <= last - PIECE // 4


def test_of_a_book_the_beginning_and_the_end_are_read() -> None:
    words = 24 * 500
    found = stretches(passages(message(words)))

    assert len(found) == 1 + MOST
    assert found[0] == (0, words - 1)
    assert [first for first, _ in found[1:4]] == [0, 24, 48]
    assert found[MOST // 2 + 1][0] - found[MOST // 2][0] > words // 2
    assert found[-1][1] == words - 1


TOLD = Passage(
    (
        Token("i", "i", 2, 4),
        Token("am", "am", 2, 4),
        Token("scared", "scared", 5, 10),
        Token("now", "now", 14, 17),
    ),
    is_whole=True,
)
"""Of "  im scard ... now"."""


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        ("i", (2, 4)),
        ("scared", (5, 10)),
        ("am scared", (2, 10)),
        ("care", (5, 10)),
        ("scared now", (5, 17)),
        ("i am scared now", (2, 17)),
    ],
)
def test_canonical_words_are_found_where_they_were_typed(
    words: str, typed: tuple[int, int]
) -> None:
    at = TOLD.text.index(words)

    assert TOLD.typed(at, at + len(words)) == typed


@pytest.mark.parametrize("stretch", [(0, 0), (1, 2), (4, 5), (11, 12), (90, 99)])
def test_nothing_a_gap_and_what_lies_beyond_the_end_stand_nowhere(stretch: tuple[int, int]) -> None:
    assert not TOLD.text[slice(*stretch)].strip()
    assert TOLD.typed(*stretch) == (0, 0)


def test_a_piece_of_a_real_message_knows_where_it_was_typed(lexicon: Lexicon) -> None:
    text = "we had a lovely walk by the sea. " * 8 + "Im soooo  SCARED of him!"
    last = passages(lexicon.normaliser(text))[-1]
    at = last.text.index("scared")

    start, end = last.typed(at, at + len("scared"))

    assert not last.is_whole
    assert text[start:end] == "SCARED"
