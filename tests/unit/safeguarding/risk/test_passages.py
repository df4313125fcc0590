"""A long message is read whole and in pieces; no word is left out, and places stay as typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.passages import MOST, WHOLE, Passage, passages, read_whole, without_repeats
from safeguarding.risk.text.normalise import Canonical, Token

PIECE, LEAST_STEP = 36, 13


def message(words: int, breaks: Collection[int] = ()) -> Canonical:
    """Return a message of numbered words; each stands at ten times its number."""
    tokens = (Token(f"w{at}", f"w{at}", at * 10, at * 10 + 5) for at in range(words))
    return Canonical(tuple(tokens), frozenset(breaks))


def stretches(found: list[Passage]) -> list[tuple[int, int]]:
    """Return the first and last word of each passage, by number."""
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


def at_most_nine_pieces() -> st.SearchStrategy[int]:
    """So many words that no piece is left out, wherever sentences begin."""
    return st.integers(WHOLE + 1, PIECE + 8 * LEAST_STEP)


@settings(max_examples=60)
@given(words=at_most_nine_pieces(), breaks=st.sets(st.integers(1, 300), max_size=100))
def test_the_pieces_cover_every_word_and_overlap(words: int, breaks: set[int]) -> None:
    pieces = stretches(passages(message(words, breaks)))[1:]

    assert pieces[0][0] == 0
    assert pieces[-1][1] == words - 1
    for (first, last), (following, _) in pairwise(pieces):
        assert last - first == PIECE - 1
        assert first < following <= last - PIECE // 4


def test_of_the_whole_no_more_is_read_than_the_encoder_reads() -> None:
    whole, *_ = passages(message(400))

    assert whole.is_whole
    assert [token.word for token in whole.tokens] == [f"w{at}" for at in range(128)]


def typed(words: int) -> Canonical:
    """Return a message of numbered words as somebody typed it, with capitals and more spaces."""
    text, tokens = "", []
    for at in range(words):
        text += "  "
        tokens.append(Token(f"w{at}", f"w{at}", len(text), len(text) + len(f"W{at}")))
        text += f"W{at}"
    return Canonical(tuple(tokens), frozenset(), text)


def around(word: int) -> Callable[[str], float]:
    """Find what holds this word, as typed, grave."""
    return lambda text: float(f"W{word}" in text.split())


def numbers(found: Passage) -> range:
    """Return the words of a passage, by number."""
    return range(int(found.tokens[0].word[1:]), int(found.tokens[-1].word[1:]) + 1)


@settings(max_examples=60)
@given(
    words=st.integers(PIECE + MOST * 24, 2_000),
    grave=st.floats(0, 1, exclude_max=True),
    alarming=st.sets(st.floats(0, 1, exclude_max=True), max_size=40),
)
def test_a_grave_passage_and_both_ends_are_read_of_any_long_text(
    words: int, grave: float, alarming: set[float]
) -> None:
    """However many alarming words stand elsewhere, and no more is read than the bound allows."""
    at = int(grave * words)
    decoys = sorted({int(each * words) for each in alarming})

    whole, *pieces = passages(typed(words), decoys, around(at))

    assert whole.is_whole
    assert len(pieces) == MOST
    assert any(at in numbers(piece) for piece in pieces)
    for end in (0, 24, words - 1, words - PIECE):
        assert any(end in numbers(piece) for piece in pieces)


def test_the_gravest_are_read_and_come_in_their_order() -> None:
    weights = {at: float(at) for at in range(100, 2_300, 100)}

    def gravity(text: str) -> float:
        return sum(weights.get(int(word[1:]), 0.0) for word in text.split())

    _, *pieces = passages(typed(2_400), (), gravity)

    read = {at for at in weights if any(at in numbers(piece) for piece in pieces)}
    assert set(range(1_600, 2_300, 100)) <= read
    assert not {200, 300, 400} & read
    firsts = [numbers(piece).start for piece in pieces]
    assert firsts == sorted(firsts)


def test_a_short_message_and_one_of_which_all_is_read_are_not_weighed() -> None:
    def never(_text: str) -> float:
        raise AssertionError

    for words in (1, WHOLE, PIECE + (MOST - 1) * 24):
        passages(typed(words), (), never)


def test_each_piece_is_weighed_once_by_its_words_as_typed() -> None:
    weighed: list[str] = []

    def gravity(text: str) -> float:
        weighed.append(text)
        return 0.0

    passages(typed(PIECE + 40 * 24), (), gravity)

    assert len(weighed) == len(set(weighed)) == 41
    assert weighed[0] == "  " + "  ".join(f"W{at}" for at in range(PIECE))
    assert weighed[1] == "  ".join(f"W{at}" for at in range(24, 24 + PIECE))


def test_a_passage_as_typed_is_what_stands_in_the_message() -> None:
    message = typed(10)

    assert Passage(message.tokens[3:5], is_whole=False).as_typed(message) == "W3  W4"


def sent(text: str, *words: str) -> Canonical:
    """Return a message as typed, of which these words are canonical."""
    starts = [text.index(word) for word in words]
    tokens = (Token(w, w, at, at + len(w)) for w, at in zip(words, starts, strict=True))
    return Canonical(tuple(tokens), frozenset(), text)


def test_what_stands_before_the_first_word_and_after_the_last_is_read_as_typed() -> None:
    """A smiley or a row of stops is no word, and yet says something."""
    message = sent("😬 ... he hurt me !! 💔", "he", "hurt", "me")

    (whole,) = passages(message)

    assert whole.as_typed(message) == "😬 ... he hurt me !! 💔"


def test_only_the_first_and_the_last_passage_take_what_stands_outside() -> None:
    message = sent("😬 he hurt me !! 💔", "he", "hurt", "me")
    he, hurt, me = message.tokens

    assert Passage((he,), is_whole=False).as_typed(message) == "😬 he"
    assert Passage((hurt,), is_whole=False).as_typed(message) == "hurt"
    assert Passage((hurt, me), is_whole=False).as_typed(message) == "hurt me !! 💔"


def test_a_message_without_words_is_all_typed() -> None:
    message = Canonical((), frozenset(), "😬 !!")

    assert Passage((), is_whole=True).as_typed(message) == "😬 !!"


@settings(max_examples=60)
@given(words=at_most_nine_pieces())
def test_the_pieces_as_typed_leave_nothing_of_the_message_out(words: int) -> None:
    message = typed(words)
    around = Canonical(message.tokens, frozenset(), message.typed + " ... 💔")

    _, *pieces = passages(around)

    texts = [piece.as_typed(around) for piece in pieces]
    assert texts[0].startswith("  W0")
    assert texts[-1].endswith(f"W{words - 1} ... 💔")
    assert {word for text in texts for word in text.split()} == set(around.typed.split())


def test_of_a_book_the_two_pieces_with_most_alarming_words_are_read() -> None:
    words = 24 * 500
    found = stretches(passages(message(words), [3_000, 6_000, 6_001, 7_100, 7_101, 7_102]))

    assert len(found) == 1 + MOST
    assert all(any(first <= at <= last for first, last in found[1:]) for at in (6_001, 7_101))
    assert not any(first <= 3_000 <= last for first, last in found[1:])


def test_without_anything_grave_the_beginning_and_the_end_are_read() -> None:
    words = 24 * 500
    found = stretches(passages(message(words)))

    assert len(found) == 1 + MOST
    assert [first for first, _ in found[1:3]] == [0, 24]
    assert found[-1][1] == words - 1
    assert found[-2][1] == found[-1][0] + 11


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


def partly_unknown(words: int, unknown: Collection[int]) -> Canonical:
    """Return a message as typed in which nobody knows the words of these numbers."""
    message = typed(words)
    tokens = (replace(token, is_known=at not in unknown) for at, token in enumerate(message.tokens))
    return replace(message, tokens=tuple(tokens))


@pytest.mark.parametrize(("unknown", "is_strange"), [(0, False), (12, False), (13, True)])
def test_a_passage_is_strange_if_more_than_a_third_of_its_words_are_unknown(
    unknown: int, is_strange: bool
) -> None:
    message = partly_unknown(PIECE, range(unknown))

    assert Passage(message.tokens, is_whole=False).is_strange == is_strange


def test_a_few_very_long_unknown_words_make_a_passage_strange() -> None:
    long = Token("x" * 40, "x" * 40, 0, 40, is_known=False)
    known = tuple(Token(f"w{at}", f"w{at}", 50 + at, 51 + at) for at in range(34))

    assert not Passage((long, *known), is_whole=False).is_strange
    assert Passage((long, long, *known), is_whole=False).is_strange


def test_of_strange_passages_one_with_alarming_words_and_the_gravest_other_are_read() -> None:
    message = partly_unknown(PIECE + 9 * 24, range(1_000))

    _, *pieces = passages(message, [100], around(200))

    assert len(pieces) == 2
    assert any(100 in numbers(piece) for piece in pieces)
    assert any(200 in numbers(piece) for piece in pieces)


def test_a_message_of_which_strange_passages_are_left_out_is_not_read_whole() -> None:
    message = partly_unknown(PIECE + 9 * 24, range(1_000))

    assert not read_whole(message, passages(message))


@pytest.mark.parametrize("words", [PIECE + 9 * 24, 2_000])
def test_strange_passages_take_no_place_from_those_that_are_understood(words: int) -> None:
    unknown = range(100, 200)
    message = partly_unknown(words, unknown)

    _, *pieces = passages(message)

    understood = [piece for piece in pieces if not set(numbers(piece)) & set(unknown)]
    assert len(understood) >= min(MOST, len(passages(typed(words))) - 1 - 6)
    assert len(pieces) <= MOST


def repeated(sentence: str, times: int) -> Canonical:
    """Return a message that says the same again and again."""
    text = " ".join([sentence] * times)
    found = (match for match in re.finditer(r"\S+", text))
    return Canonical(tuple(Token(m[0], m[0], *m.span()) for m in found), frozenset(), text)


def test_a_passage_in_which_nothing_new_stands_is_left_out() -> None:
    message = repeated("he hit me and i ran off", 60)
    found = passages(message)

    kept = list(without_repeats(message, found))

    assert kept[0].is_whole
    assert kept == [*found[:2]]
    assert read_whole(message, found)


def test_one_other_word_is_enough_to_be_read() -> None:
    message = repeated("he hit me and i ran off", 30)
    at = 150
    tokens = [*message.tokens]
    tokens[at] = replace(tokens[at], word="knife", norm="knife")
    start, end = tokens[at].start, tokens[at].end
    changed = "knife".ljust(end - start)[: end - start]
    other = replace(
        message,
        tokens=tuple(tokens),
        typed=message.typed[:start] + changed + message.typed[end:],
    )

    kept = list(without_repeats(other, passages(other)))

    assert any(tokens[at] in piece.tokens for piece in kept[1:])


@settings(max_examples=30)
@given(words=st.integers(1, 1_000))
def test_of_a_message_that_repeats_nothing_every_passage_is_read(words: int) -> None:
    found = passages(typed(words))

    assert list(without_repeats(typed(words), found)) == found
