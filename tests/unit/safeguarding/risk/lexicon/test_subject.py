from __future__ import annotations

import pytest

from safeguarding.risk.engine import RiskEngine


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
