from __future__ import annotations

import pytest

from safeguarding.risk.lexicon.setting import is_general, is_told


@pytest.mark.parametrize(
    "sentence",
    [
        "what happens if someone sends nudes",
        "is it illegal to send nudes",
        "how do i know if a child is being groomed",
        "what does grooming mean",
        "why do people abuse children",
        "can a child be trafficked",
        "grooming is when an adult tricks a child",
        "hi can you tell me what are the signs of abuse",
    ],
)
def test_a_question_about_anyone_is_general(sentence: str) -> None:
    words = sentence.split()

    assert is_general(words, words[-3:])


@pytest.mark.parametrize(
    ("sentence", "fired"),
    [
        ("what happens if he hits me again", "hits me"),
        ("is it illegal if my uncle touches me", "uncle touches me"),
        ("how do i know if my daughter is being groomed", "being groomed"),
        ("can someone help she is being raped", "she is being raped"),
        ("someone sends nudes of my sister", "sends nudes"),
    ],
)
def test_a_question_about_somebody_near_is_not(sentence: str, fired: str) -> None:
    assert not is_general(sentence.split(), fired.split())


@pytest.mark.parametrize(
    ("sentence", "fired"),
    [
        ("in the film she gets kidnapped", "she gets kidnapped"),
        ("we watched a documentary about girls being trafficked", "girls being trafficked"),
        ("my main character is raped", "raped"),
        ("i have an essay about a boy who carries drugs", "boy carries drugs"),
        ("we did county lines in pshe", "county lines"),
    ],
)
def test_a_story_or_a_lesson_is_told(sentence: str, fired: str) -> None:
    assert is_told(sentence.split(), fired.split())


@pytest.mark.parametrize(
    ("sentence", "fired"),
    [
        ("he touched me in the film", "touched me"),
        ("we were watching a film and he touched her", "he touched her"),
        ("he hits her like in that film", "he hits her"),
        ("a guy on fortnite wants pictures", "guy wants pictures"),
        ("i did my homework but then he hit her", "he hit her"),
        ("my friend cut herself in english today", "cut herself"),
    ],
)
def test_a_life_is_not_a_story(sentence: str, fired: str) -> None:
    assert not is_told(sentence.split(), fired.split())
