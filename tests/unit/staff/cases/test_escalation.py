"""An escalation survives the way to JSON and back."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

from safeguarding.escalation import Escalation
from safeguarding.risk.assessment import Assessment, Signal, Turn
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
