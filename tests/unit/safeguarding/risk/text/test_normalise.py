"""Messages as typed become canonical words with their places."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.text.normalise import READ_HEAD, READ_TAIL, plain_text


def words(lexicon: Lexicon, text: str) -> list[str]:
    return lexicon.normaliser(text).words


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("I don’t wanna", "i do not want to"),
        ("hes 24yo", "he is 24 year old"),
        ("im 14 yo", "i am 14 year old"),
        ("im 13f", "i am 13 female"),
        ("ill kill him", "i will kill him"),
        ("im so ill", "i am so ill"),
        ("hell post it", "he will post it"),
        ("what the hell", "what the hell"),
        ("he'll tell", "he will tell"),
        ("i feel ill today", "i feel ill today"),
        ("my uncle's mate", "my uncle mate"),
        ("mum'll go mad", "mum will go mad"),
        ("ur mums bf", "your mum boyfriend"),
        ("heyyyy pleeease", "hey please"),
        ("self-harm", "self harm"),
        ("jsut wnat", "just want"),
    ],
)
def test_says_what_was_meant(lexicon: Lexicon, typed: str, canonical: str) -> None:
    assert words(lexicon, typed) == canonical.split()


def test_a_pronoun_keeps_its_form(lexicon: Lexicon) -> None:
    norms = [token.norm for token in lexicon.normaliser("he hits me, I hit him").tokens]

    assert norms == ["he", "hit", "me", "i", "hit", "him"]


def test_a_new_sentence_and_a_new_speaker_are_breaks(lexicon: Lexicon) -> None:
    assert lexicon.normaliser("my dog has died. i want to sleep").breaks == {4}
    chat = lexicon.normaliser("Friend: send proof\nYou: no")
    assert chat.words == ["send", "proof", "no"]
    assert chat.breaks == {2}


def test_a_stop_after_one_word_is_emphasis(lexicon: Lexicon) -> None:
    assert lexicon.normaliser("He. Hits. Me.").breaks == frozenset()


def test_he_said_before_a_colon_is_no_speaker(lexicon: Lexicon) -> None:
    assert words(lexicon, "my uncle: he touches me")[:2] == ["my", "uncle"]


def test_reads_the_beginning_and_the_end_of_an_endless_text(lexicon: Lexicon) -> None:
    text = "help " + "la " * READ_HEAD + " me"

    canonical = lexicon.normaliser(text)

    assert canonical.words[0] == "help"
    assert canonical.words[-1] == "me"
    assert canonical.tokens[-1].end == len(text)
    assert len(canonical.tokens) < READ_HEAD + READ_TAIL


@given(st.text(max_size=400))
@settings(max_examples=200)
def test_every_word_knows_a_place_inside_the_text(lexicon: Lexicon, text: str) -> None:
    ends = [0]
    for token in lexicon.normaliser(text).tokens:
        assert 0 <= token.start < token.end <= len(text)
        assert token.word
        assert token.norm
        ends.append(token.end)

    assert ends == sorted(ends)


@settings(max_examples=50)
@given(st.text())
def test_a_canonical_text_knows_what_was_typed(lexicon: Lexicon, text: str) -> None:
    assert lexicon.normaliser(text).typed == text


def test_of_a_huge_text_all_is_known_as_it_was_typed(lexicon: Lexicon) -> None:
    text = "I was here. " * 6_000 + "Then I left!"
    message = lexicon.normaliser(text)

    assert message.typed == text
    last = message.tokens[-1]
    assert message.typed[last.start : last.end] == "left"


@pytest.mark.parametrize(
    "typed",
    [
        "kill me",
        "KILL ME",
        "ｋｉｌｌ ｍｅ",
        "𝓀𝒾𝓁𝓁 𝓂𝑒",
        "𝐤𝐢𝐥𝐥 𝐦𝐞",
        "ⓚⓘⓛⓛ ⓜⓔ",
        "🅚🅘🅛🅛 🅜🅔",
        "kіll mе",
        "k\u200bi\u200dl\ufeffl m\u00ade",
        "k̷i̷l̷l̷ m̷e̷",
        "kíll mé",
    ],
)
def test_reads_letters_in_fancy_alphabets_and_look_alikes(typed: str) -> None:
    assert plain_text(typed, {}).text == "kill me"


def test_keeps_the_place_of_each_letter_in_the_typed_text() -> None:
    typed = "a\u200b\u200bﬁx"

    found = plain_text(typed, {})

    assert found.text == "afix"
    assert [typed[s:e] for s, e in zip(found.starts, found.ends, strict=True)] == [
        "a",
        "ﬁ",
        "ﬁ",
        "x",
    ]


def test_names_an_emoji_that_is_listed() -> None:
    assert plain_text("he has a 🔪", {"🔪": "knife"}).text.split() == ["he", "has", "a", "knife"]


@pytest.mark.parametrize("odd", ["\x00", "\ud800", "\u202e", "\U000e0001", "\ufdd0"])
def test_drops_invisible_characters(odd: str) -> None:
    assert plain_text(f"he{odd}lp", {}).text == "help"


def means_suicide(lexicon: Lexicon, text: str) -> bool:
    return "kill myself" in " ".join(lexicon.normaliser(text).words)


@pytest.mark.parametrize(
    "text",
    [
        "its 12 kms to nans",
        "ran 5kms",
        "ran 5 kms",
        "five kms to go",
        "its about 3 kms away",
        "we did 20 more kms",
        "how many kms is it to leeds",
        "a few kms",
        "couple of kms down the road",
        "convert 3 miles to kms",
        "is it kms or miles",
        "the limit is 100 kms an hour",
        "how far in kms",
    ],
)
def test_kms_beside_a_number_or_in_a_conversion_is_a_distance(lexicon: Lexicon, text: str) -> None:
    assert not means_suicide(lexicon, text)


@pytest.mark.parametrize(
    "text",
    [
        "kms",
        "im gonna kms",
        "kms lol",
        "told me to kms",
        "i want to kms",
        "if he says no again kms",
        "give me 5 mins then kms",
        "im 13 kms",
        "i got 2 out of 10 kms",
        "failed 3 kms",
        "im gonna kms away from everyone",
        "ill kms an hour from now",
    ],
)
def test_kms_everywhere_else_is_about_suicide(lexicon: Lexicon, text: str) -> None:
    assert means_suicide(lexicon, text)
