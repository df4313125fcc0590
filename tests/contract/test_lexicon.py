"""Every sentence beside a lexicon entry is a promise: it fires, or it does not."""

from __future__ import annotations

from functools import cache

import pytest

from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon import Lexicon, read_what_is_sound
from safeguarding.risk.rules import Combination, Rule
from safeguarding.taxonomy import Severity


@cache
def lexicon() -> Lexicon:
    return read_what_is_sound()[0]


@cache
def engine() -> RiskEngine:
    return RiskEngine(lexicon())


def sentences(field: str) -> list[tuple[str, str]]:
    rules: list[Rule | Combination] = [*lexicon().rules, *lexicon().combinations]
    return [(rule.id, sentence) for rule in rules for sentence in getattr(rule, field)]


def test_the_lexicon_is_sound() -> None:
    assert [str(problem) for problem in read_what_is_sound()[1]] == []


@pytest.mark.parametrize(("rule_id", "sentence"), sentences("match"))
def test_fires(rule_id: str, sentence: str) -> None:
    assert rule_id in engine().fired(sentence)


@pytest.mark.parametrize(("rule_id", "sentence"), sentences("near_miss"))
def test_does_not_fire(rule_id: str, sentence: str) -> None:
    assert rule_id not in engine().fired(sentence)


@pytest.mark.parametrize(
    "sentence",
    [sentence for rule in lexicon().rules if rule.kind == "harmless" for sentence in rule.match],
)
def test_an_everyday_sentence_is_no_risk(sentence: str) -> None:
    assert engine().assess(sentence).severity == Severity.NONE
