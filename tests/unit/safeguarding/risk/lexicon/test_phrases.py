"""Combinations complete across messages, and the subject of a message."""

from __future__ import annotations

import pytest

from safeguarding.risk.assessment import Turn
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.phrases import combined
from safeguarding.risk.lexicon.rules import Combination
from safeguarding.taxonomy import Severity


def combination(name: str, parts: list[str], without: list[str] | None = None) -> Combination:
    return Combination(
        id=name, category="grooming", severity="urgent", all=parts, none=without or [], match=[]
    )


def found(
    rules: list[Combination], here: set[str], before: set[str] | None = None
) -> list[tuple[str, str]]:
    hits = combined(rules, frozenset(here), frozenset(before or ()))
    return [(hit.id, hit.kind) for hit in hits]


def test_fires_when_all_parts_are_there() -> None:
    rule = combination("c", ["age", "secret"])

    assert found([rule], {"age", "secret"}) == [("c", "combination")]
    assert found([rule], {"age"}) == []


def test_a_part_it_excludes_silences_it() -> None:
    assert found([combination("c", ["age"], ["family"])], {"age", "family"}) == []


def test_what_was_said_before_completes_it() -> None:
    rule = combination("c", ["age", "secret"])

    assert found([rule], {"secret"}, {"age"}) == [("c", "conversation")]


def test_what_was_said_before_is_not_said_again() -> None:
    assert found([combination("c", ["age", "secret"])], {"tea"}, {"age", "secret"}) == []


def test_a_combination_may_be_part_of_another() -> None:
    rules = [combination("c", ["age", "secret"]), combination("d", ["c", "now"])]

    assert found(rules, {"age", "secret", "now"}) == [("c", "combination"), ("d", "combination")]


@pytest.mark.parametrize(
    "message",
    [
        "hes 24 and says not to tell my mum",
        "hes 24 and he keeps asking for pics, he said he'd hurt my brother if i tell",
        "he is 31 and wants a photo of me",
        "i owe them money and they are threatening me",
    ],
)
def test_weak_signals_together_are_urgent(engine: RiskEngine, message: str) -> None:
    assert engine.assess(message).severity >= Severity.URGENT


def test_a_meeting_tonight_with_a_stranger_from_online_is_immediate(engine: RiskEngine) -> None:
    message = "i met him on snap and hes going to pick me up tonight"

    assert engine.assess(message).severity == Severity.IMMEDIATE


def test_a_slow_build_up_over_a_conversation_is_seen(engine: RiskEngine) -> None:
    history = [
        Turn("user", "he is 24"),
        Turn("assistant", "Thank you for telling me."),
    ]

    alone = engine.assess("he says its our secret")
    after = engine.assess("he says its our secret", history)

    assert after.severity >= Severity.URGENT
    assert after.severity >= alone.severity
    assert "conversation" in {signal.kind for signal in after.signals}


def test_what_the_assistant_said_counts_for_nothing(engine: RiskEngine) -> None:
    history = [Turn("assistant", "If someone is 24 and he is 24 …")]

    signals = engine.assess("he says its our secret", history).signals

    assert "conversation" not in {signal.kind for signal in signals}


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        ("my uncle touches me", "self"),
        ("i want to die", "self"),
        ("he hits me and my sister", "self"),
        ("my friends uncle touched me", "self"),
        ("my best friend wants to kill herself", "friend"),
        ("its for a friend she was raped", "friend"),
        ("my daughter is being groomed by a man she met online", "own_child"),
        ("my 13 year old is being blackmailed over nudes", "own_child"),
        ("one of my pupils told me her stepdad touches her", "other_child"),
        ("a girl in my class says her dad hits her", "other_child"),
    ],
)
def test_knows_whom_a_message_is_about(engine: RiskEngine, message: str, subject: str) -> None:
    assert engine.assess(message).subject == subject


def test_a_message_without_risk_is_about_nobody_known(engine: RiskEngine) -> None:
    assert engine.assess("my friend likes tea").subject == "unknown"
