"""Negation, general questions and stories silence a match; nothing else does."""

from __future__ import annotations

import pytest

from safeguarding.risk.lexicon.context import Sentence


def stands_denied(sentence: str) -> bool:
    """`sentence` marks with brackets what a rule fired on."""
    words = sentence.replace("[", " [ ").replace("]", " ] ").split()
    start, end = words.index("["), words.index("]") - 1
    return Sentence([word for word in words if word not in "[]"]).denies(start, end)


@pytest.mark.parametrize(
    "sentence",
    [
        "he does not [hit me]",
        "my dad did not [hurt me]",
        "i [do not want to die]",
        "i do not want to [kill myself]",
        "i am not going to [kill myself]",
        "i am not [suicidal]",
        "i am not being [abused]",
        "i was never [raped]",
        "nobody [hits me]",
        "no one [hits me] at home",
        "he is not [blackmailing me]",
        "i do not [self harm]",
    ],
)
def test_a_plain_denial_governs(sentence: str) -> None:
    assert stands_denied(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "he does not [hit me] every day",
        "he does not [hit me] anymore",
        "he has not [hit me] yet",
        "he does not [hit me] that hard",
        "i do not want him to [touch me]",
        "i can not tell my mum [he hits me]",
        "no one believes me that [he touched me]",
        "it was just a joke when [he hit me]",
        "not being funny but my [uncle touches me]",
        "my mum does not know [he touches me]",
        "i can not stop [cutting myself]",
        "he will not stop [hitting me]",
        "why do you not [kill yourself]",
        "i am not going to [kill myself] but i think about it",
        "i never told anyone [he raped me]",
        "it is not like [he hits me]",
        "he did not mean to [hit me]",
        "i am not saying [he hits me]",
        "[he hits me] and i do not know what to do",
    ],
)
def test_a_not_elsewhere_governs_nothing(sentence: str) -> None:
    assert not stands_denied(sentence)


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

    assert Sentence(words).is_general(words[-3:])


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
    assert not Sentence(sentence.split()).is_general(fired.split())


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
    assert Sentence(sentence.split()).is_told(fired.split())


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
    assert not Sentence(sentence.split()).is_told(fired.split())
