"""The list of six words: easy to tell apart, never upsetting, and read back with small slips."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from safeguarding.content.six_words import NUMBER, SixWords, is_one_slip, read_six_words
from safeguarding.records import ContentError
from tests.content import real_content

WORDS = real_content().six_words
ABOUT_BODIES_HARM_AND_HOME = {
    "arm", "back", "blood", "body", "bone", "breast", "chest", "face", "finger", "foot", "hand",
    "head", "heart", "knee", "leg", "lip", "mouth", "neck", "nose", "skin", "tongue", "tooth",
    "attack", "beat", "blade", "bomb", "bullet", "cut", "dead", "death", "fight", "gun", "hit",
    "hurt", "kill", "knife", "pain", "punch", "rape", "shot", "stab", "sword", "threat", "war",
    "bathroom", "bed", "bedroom", "brother", "dad", "family", "father", "home", "house", "kitchen",
    "mother", "mum", "sister", "uncle", "drug", "drunk", "naked", "nude", "sex", "sexy", "vodka",
    "alone", "cry", "fear", "lost", "sad", "secret", "stranger", "trap", "victim", "weapon",
}  # fmt: skip


def sound_of(word: str) -> str:
    """Return a word as it sounds, roughly: what a child who heard it might write otherwise."""
    sound = word
    for spelt, said in (
        ("^kn|^gn", "n"), ("^wr", "r"), ("^ps", "s"), ("mb$", "m"), ("ph", "f"), ("wh", "w"),
        ("ck", "k"), ("c(?=[eiy])", "s"), ("c(?!h)", "k"), ("q", "k"), ("x", "ks"), ("z", "s"),
        ("dge|ge$", "j"), ("tch", "ch"), ("[ts]ion", "shun"), (r"(.)\1", r"\1"), ("e$", ""),
        ("ai|ay|ei", "a"), ("ea|ee|ie", "i"), ("oa|ow|oe", "o"), ("er$|or$|ar$|re$", "a"),
    ):  # fmt: skip
        sound = re.sub(spelt, said, sound)
    return sound


def test_six_of_them_are_more_than_two_to_the_sixtieth_phrases() -> None:
    assert len(set(WORDS.words)) ** NUMBER >= 2**60


def test_every_word_is_short_and_in_small_letters() -> None:
    assert all(re.fullmatch("[a-z]{3,8}", word) for word in WORDS.words)


def test_no_two_words_are_one_slip_apart() -> None:
    # Each pair, by the plain definition: the list's own index is what is tested.
    known = list(WORDS.words)
    near = [
        (one, other)
        for place, one in enumerate(known)
        for other in known[place + 1 :]
        if abs(len(one) - len(other)) < 2 and is_one_slip(one, other)
    ]
    assert near == []


def test_no_two_words_sound_alike() -> None:
    sounds = Counter(map(sound_of, WORDS.words))
    twice = {sound for sound, number in sounds.items() if number > 1}
    assert [word for word in WORDS.words if sound_of(word) in twice] == []


def test_no_word_is_about_a_body_harm_or_home() -> None:
    assert ABOUT_BODIES_HARM_AND_HOME.isdisjoint(WORDS.words)


@pytest.mark.parametrize(
    ("one", "other", "is_near"),
    [
        ("apple", "aple", True),
        ("apple", "appple", True),
        ("apple", "opple", True),
        ("apple", "aplpe", True),
        ("apple", "apple", False),
        ("apple", "ppael", False),
        ("apple", "ape", False),
        ("", "a", True),
    ],
)
def test_a_slip_is_one_letter_or_two_that_are_swapped(
    one: str, other: str, *, is_near: bool
) -> None:
    assert is_one_slip(one, other) is is_near
    assert is_one_slip(other, one) is is_near


def test_every_phrase_is_read_back_in_any_case_and_spacing() -> None:
    for _ in range(50):
        phrase = WORDS.phrase()
        assert len(phrase.split()) == NUMBER
        for typed in (phrase, phrase.upper(), phrase.replace(" ", " , "), f" {phrase}.\n"):
            assert WORDS.read(typed) == phrase


def test_every_word_with_one_slip_is_that_word_or_none() -> None:
    for word in WORDS.words[::40]:
        for place in range(len(word)):
            for slip in (word[:place] + word[place + 1 :], word[:place] + "x" + word[place:]):
                assert WORDS.meant(slip) in {word, None} or slip in WORDS.words


def test_a_slip_that_may_mean_two_words_is_not_forgiven() -> None:
    few = SixWords(["hill", "hulk", "mango"])

    assert few.meant("hilk") is None
    assert few.meant("mangoo") == "mango"


def test_a_phrase_without_spaces_is_read_where_it_can_be_one_only() -> None:
    few = SixWords(["sun", "flower", "sunflower", "abc", "def", "ghi", "jkl", "mno"])

    assert few.read("abcdefghijklmnosun") == "abc def ghi jkl mno sun"
    assert few.read("abcdefghijklsunflower") == "abc def ghi jkl sun flower"
    assert few.read("abcdef") is None


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "i want to talk to you now", "he hurt me last night at the park",
        "apple", "🐉🐉🐉🐉🐉🐉", "a" * 10_000, "apple " * 60, "ab" * 50,
    ],
)  # fmt: skip
def test_what_is_no_phrase_is_none(text: str) -> None:
    assert WORDS.read(text) is None
    assert not WORDS.is_try(text)


def test_most_of_a_phrase_is_a_try() -> None:
    first, *rest = WORDS.phrase().split()

    assert WORDS.is_try(" ".join(rest))
    assert WORDS.is_try(" ".join(["zzzzzz", *rest]))
    assert not WORDS.is_try(f"{first} is what he calls me at night")


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["apple", "apples"], "one slip"),
        (["apple", "apple"], "twice"),
        (["Apple"], "small letters"),
        (["ox"], "small letters"),
        (["elephantine"], "small letters"),
        (["apple"], "fewer than"),
    ],
)
def test_a_list_that_breaks_a_rule_is_refused(tmp_path: Path, words: list[str], wrong: str) -> None:
    path = tmp_path / "six_words.yml"
    provenance = "{owner: O, reviewed_on: 2026-11-30, review_due: 2027-05-30, approved_by: null}"
    path.write_text(f"provenance: {provenance}\nwords: [{', '.join(words)}]\n", "utf-8")

    with pytest.raises(ContentError, match=wrong):
        read_six_words(path)
