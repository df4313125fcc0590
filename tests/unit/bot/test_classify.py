"""What `make -s classify` says of a message that the model has parsed."""

from __future__ import annotations

from typing import Any

from bot.classify import _verdict
from safeguarding.risk.assessment import NO_RISK, Assessment
from safeguarding.taxonomy import Severity

TOLD = Assessment(Severity.URGENT, ("suicide",), "self", ())
RANKING = [
    {"name": "out_of_scope", "confidence": 0.9},
    {"name": "ask_consent", "confidence": 0.06},
    {"name": "ask_suicide_help", "confidence": 0.04},
]


def parsed(assessment: Assessment, topic: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "intent": {"name": "disclose_urgent", "confidence": 1.0},
        "intent_ranking": RANKING,
        "topic": topic,
        "risk": assessment.as_record(),
    }


def test_what_is_asked_is_the_topic_also_beside_a_risk() -> None:
    said = _verdict(parsed(TOLD, {"topic": "consent", "confidence": 0.7}))

    assert (said["topic"], said["confidence"], said["severity"]) == ("consent", 0.7, "urgent")


def test_where_nothing_is_asked_the_topic_is_that_of_what_is_told() -> None:
    said = _verdict(parsed(TOLD))

    assert (said["topic"], said["confidence"]) == ("suicide_help", 0.04)
    assert [each["topic"] for each in said["topics"]] == ["consent", "suicide_help"]


def test_what_neither_asks_nor_tells_has_no_topic() -> None:
    assert _verdict(parsed(NO_RISK))["topic"] is None
