from __future__ import annotations

import pytest

from safeguarding.risk.lexicon.context import ParsedSentence, Parser, negated

PARSER = Parser()


def stands_denied(sentence: str) -> bool:
    """`sentence` marks with brackets what a rule fired on."""
    words = sentence.replace("[", " [ ").replace("]", " ] ").split()
    start, end = words.index("["), words.index("]") - 1
    return negated(ParsedSentence([word for word in words if word not in "[]"], PARSER), start, end)


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
