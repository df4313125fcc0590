"""An escalation survives the way to JSON and back."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from safeguarding.conversation_state import ConversationState
from safeguarding.escalation import NOT_ASSESSED, Escalation, gateway_assessment
from safeguarding.risk.assessment import NO_RISK, Assessment, Signal, Turn, upgraded
from safeguarding.taxonomy import Severity
from tests.records import CHILDLINE, MASH
from tests.records import escalation as told


def test_comes_back_from_json_as_it_was() -> None:
    signal = Signal("grooming", "model", "v1", "grooming", Severity.URGENT, 3, 9, 0.5, ("Ours.",))
    escalation = Escalation(
        message_id="m1",
        conversation_id="c1",
        text="half an emoji \ud83d",
        assessment=Assessment(Severity.URGENT, ("grooming",), "friend", (signal,)),
        raised_at=datetime(2026, 7, 1, 9, tzinfo=timezone(timedelta(hours=1))),
        raised_by="assistant",
        turns_before=(Turn("user", "hi"),),
        shown=("Hello.",),
        contacts=(CHILDLINE, MASH),
        audience="parent",
        area=None,
        age=13,
        facts=("pictures", "wants_nobody_told"),
        extra={"fallback": "rasa-timeout"},
        state=ConversationState(severity=Severity.URGENT, asked="safe_now").as_record(),
    )

    assert Escalation.from_record(json.loads(json.dumps(escalation.as_record()))) == escalation


def test_reads_a_signal_that_was_written_before_examples_were_kept() -> None:
    signal = Signal("grooming-gifts", "lexicon", "v1", "grooming", Severity.URGENT, 3, 9)
    record = signal.as_record()
    del record["like"]

    assert Signal.from_record(record) == signal


def test_a_record_on_a_spool_of_before_contacts_were_noted_is_read() -> None:
    record = told().as_record()
    del record["contacts"]

    assert Escalation.from_record(record).contacts is None


def test_nobody_shown_is_not_the_same_as_nobody_noted() -> None:
    record = json.loads(json.dumps(told(contacts=()).as_record()))

    assert Escalation.from_record(record).contacts == ()


def test_a_record_of_before_age_and_facts_were_handed_over_is_read() -> None:
    record = told(age=13, facts=("pictures",)).as_record()
    del record["age"], record["facts"]

    read = Escalation.from_record(record)

    assert (read.age, read.facts) == (None, ())


def test_a_record_of_before_the_state_was_handed_over_is_read() -> None:
    record = told().as_record()

    assert "state" not in record
    assert Escalation.from_record(record).state is None


HELPED = upgraded(NOT_ASSESSED, gateway_assessment("answered-with-help", Severity.URGENT))
LATE, FAILED = {"screening": "late"}, {"screening": "failed"}


@pytest.mark.parametrize(
    ("assessment", "extra", "is_assessed", "waits"),
    [
        (NOT_ASSESSED, LATE, False, True),
        (NOT_ASSESSED, FAILED | {"fallback": "assessment-late"}, False, True),
        # It was answered with help: that it is urgent is known already.
        (HELPED, LATE, False, False),
        (told().assessment, LATE | {"assessed_later": "concern"}, True, False),
        (NO_RISK, LATE | {"assessed_later": "none"}, True, False),
        (told().assessment, {}, True, False),
        # A record of before, whose own assessment is a concern of this kind.
        (NOT_ASSESSED, {}, True, False),
    ],
)
def test_only_a_message_of_which_nothing_is_known_waits_for_its_assessment(
    assessment: Assessment, extra: dict[str, str], *, is_assessed: bool, waits: bool
) -> None:
    message = told(assessment=assessment, extra=extra)

    assert (message.is_assessed, message.waits_for_assessment) == (is_assessed, waits)


@pytest.mark.parametrize("found", [NO_RISK, told().assessment])
def test_once_assessed_it_waits_no_more_and_says_what_was_found(found: Assessment) -> None:
    waiting = told(assessment=NOT_ASSESSED, extra=LATE, state={"severity": "none", "replies": 1})

    assessed = waiting.assessed(found)

    assert (assessed.assessment, assessed.state) == (found, None)
    assert assessed.extra == LATE | {"assessed_later": found.severity.label}
    assert (assessed.is_assessed, assessed.waits_for_assessment) == (True, False)
    assert (assessed.message_id, assessed.text) == (waiting.message_id, waiting.text)
