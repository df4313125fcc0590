from __future__ import annotations

from typing import Any

from lab.evaluation.topics import other_talk, talk_report, topic_report
from tests.labelled import URGENT, example


def row(intent: str, voice: str = "parent") -> dict[str, Any]:
    return {"id": "1", "text": "?", "intent": intent, "voice": voice}


def verdict(intent: str, *topics: str) -> dict[str, Any]:
    asked = None if intent == "nlu_fallback" else next(iter(topics), None)
    return {"intent": intent, "topic": asked, "topics": [{"topic": topic} for topic in topics]}


def test_right_first_and_within_three() -> None:
    rows = [row("ask_consent"), row("ask_consent", "young_person"), row("ask_training")]
    verdicts = [
        verdict("disclose_urgent", "consent", "training"),
        verdict("ask_training", "training", "consent"),
        verdict("nlu_fallback", "consent"),
    ]

    report = topic_report(rows, verdicts)

    assert (report["right first"]["hits"], report["right first"]["of"]) == (1, 3)
    assert report["within three"]["hits"] == 2
    assert report["by topic"]["training"]["right first"]["hits"] == 0
    assert report["by voice"]["young_person"]["within three"]["hits"] == 1


def test_only_answers_about_safeguarding_count_against_other_talk() -> None:
    intents = [
        "greet",
        "nlu_fallback",
        "out_of_scope",
        "ask_consent",
        "disclose_urgent",
        "use_tool",
    ]

    found = talk_report(map(verdict, intents))

    assert (found["hits"], found["of"]) == (3, 6)


def test_other_talk_is_harmless_and_does_not_touch_the_subject() -> None:
    examples = [
        example("a goal", kind="sport"),
        example("cut the cake", kind="food", near=("self_harm",)),
        example("what is grooming", kind="question"),
        example("a bit low", kind="feelings"),
        example("he hits me", URGENT),
    ]

    assert other_talk(examples) == ["a goal"]
