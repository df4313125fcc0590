"""The assistant's own check: what it overrules, and what it leaves alone."""

from __future__ import annotations

import pytest
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.risk_screen import RiskScreen
from safeguarding.risk.assessment import NO_RISK, Assessment, Signal
from safeguarding.taxonomy import Severity

CHAT = "is this ok?\nliam: hi\nme: hey\nliam: u alone?"
LINES = "hi\nhey\nu alone?\nyeah why"


class FixedEngine:
    """Finds what the test says, and remembers what it was asked."""

    def __init__(self, assessment: Assessment) -> None:
        self.assessment = assessment
        self.asked: list[str] = []

    def assess(self, text: str, history: tuple[()] = ()) -> Assessment:
        self.asked.append(text)
        return self.assessment


def found(severity: Severity) -> Assessment:
    return Assessment(severity, ("grooming",), "self", ())


def in_a_chat(severity: Severity) -> Assessment:
    signal = Signal("chat-being_alone", "chat", "v1", "grooming", severity, 0, 2)
    return Assessment(severity, ("grooming",), "unknown", (signal,))


def screened(
    assessment: Assessment, intent: str, confidence: float = 0.9, **data: object
) -> Message:
    understood = {"name": intent, "confidence": confidence}
    message = Message({TEXT: "some words", INTENT: understood, **data})
    RiskScreen(FixedEngine(assessment)).process([message])
    return message


@pytest.mark.parametrize("severity", [Severity.URGENT, Severity.IMMEDIATE])
@pytest.mark.parametrize(
    "intent", ["greet", "ask_what_is_grooming", "nlu_fallback", "say_safe_now"]
)
def test_a_disclosure_overrules_whatever_was_understood(severity, intent):
    message = screened(found(severity), intent)

    assert message.get(INTENT) == {"name": f"disclose_{severity.label}", "confidence": 1.0}


@pytest.mark.parametrize("intent", ["ask_what_is_grooming", "read_story", "use_tool"])
def test_a_worry_inside_a_question_leaves_the_question(intent):
    message = screened(found(Severity.CONCERN), intent)

    assert message.get(INTENT)["name"] == intent
    assert message.get("risk")["severity"] == "concern"


@pytest.mark.parametrize("intent", ["greet", "deny", "out_of_scope", "nlu_fallback"])
def test_a_worry_overrules_everything_but_a_question(intent):
    assert screened(found(Severity.CONCERN), intent).get(INTENT)["name"] == "disclose_concern"


@pytest.mark.parametrize("intent", ["greet", "nlu_fallback", "out_of_scope"])
@pytest.mark.parametrize("assessment", [NO_RISK, found(Severity.CONCERN)])
def test_a_pasted_chat_is_a_question_about_the_chat(assessment, intent):
    message = screened(assessment, intent, text=CHAT)

    assert message.get(INTENT) == {"name": "ask_about_chat", "confidence": 1.0}


@pytest.mark.parametrize(
    ("confidence", "intent"), [(0.9, "ask_what_is_grooming"), (0.5, "ask_about_chat")]
)
def test_a_quiet_chat_leaves_a_question_that_is_plain(confidence, intent):
    message = screened(NO_RISK, "ask_what_is_grooming", confidence, text=CHAT)

    assert message.get(INTENT)["name"] == intent


def test_a_chat_that_shows_signs_comes_before_every_question():
    message = screened(in_a_chat(Severity.CONCERN), "ask_what_is_grooming", text=CHAT)

    assert message.get(INTENT)["name"] == "ask_about_chat"


@pytest.mark.parametrize("severity", [Severity.URGENT, Severity.IMMEDIATE])
def test_a_chat_with_a_disclosure_gets_help_first(severity):
    message = screened(in_a_chat(severity), "ask_what_is_grooming", text=CHAT)

    assert message.get(INTENT)["name"] == f"disclose_{severity.label}"


@pytest.mark.parametrize(
    ("assessment", "intent"),
    [
        (NO_RISK, "greet"),
        (found(Severity.CONCERN), "disclose_concern"),
        (in_a_chat(Severity.CONCERN), "ask_about_chat"),
    ],
)
def test_lines_without_names_are_a_chat_only_when_a_sign_stands_out(assessment, intent):
    assert screened(assessment, "greet", text=LINES).get(INTENT)["name"] == intent


def test_a_harmless_message_keeps_its_intent_and_says_so():
    message = screened(NO_RISK, "greet")

    assert message.get(INTENT)["name"] == "greet"
    assert message.get("risk") == NO_RISK.as_record()


def test_the_assessment_travels_with_the_parse():
    message = screened(found(Severity.URGENT), "greet")

    assert message.as_dict(only_output_properties=True)["risk"]["severity"] == "urgent"


def test_the_engine_reads_what_was_typed_without_the_guard_against_commands():
    engine = FixedEngine(NO_RISK)
    message = Message({TEXT: "\u2060/restart", INTENT: {"name": "greet", "confidence": 0.9}})

    RiskScreen(engine).process([message])

    assert engine.asked == ["/restart"]


def test_what_the_gateway_knows_becomes_entities():
    message = screened(NO_RISK, "greet", metadata={"audience": "parent", "area": "wiltshire"})

    assert message.get(ENTITIES) == [
        {"entity": "known_audience", "value": "parent"},
        {"entity": "known_area", "value": "wiltshire"},
    ]
