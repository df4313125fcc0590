"""One message into the escalation log."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from actions.escalate import ActionEscalate
from safeguarding.risk.assessment import NO_RISK, Turn
from safeguarding.taxonomy import Severity
from tests.unit.actions.trackers import URGENT, bot, tracker, user

CARD = {"kind": "help_card", "text": "Call 999.", "choices": [{"id": "safe_now", "label": "Safe"}]}


class BrokenLog:
    """A log whose database is away."""

    def record(self, escalation: object) -> bool:
        raise OperationalError("INSERT …", {"text": "my secret"}, Exception("disk I/O error"))


def test_records_the_message_the_turns_before_it_and_what_was_shown(log, dispatcher, clock):
    disclosed = tracker(
        "he said keep it secret",
        "disclose_urgent",
        assessment=URGENT,
        before=[user("hi"), bot("Hi. I'm glad you're here.")],
        since=[bot(custom=CARD)],
        slots={"audience": "young_person", "area": "wiltshire"},
    )

    assert ActionEscalate(log, clock).run(dispatcher, disclosed, {}) == []

    recorded = log.get("m1").escalation
    assert recorded.text == "he said keep it secret"
    assert recorded.assessment.severity == Severity.URGENT
    assert recorded.turns_before == (
        Turn("user", "hi"),
        Turn("assistant", "Hi. I'm glad you're here."),
    )
    assert recorded.shown == ("Call 999.\n[Safe]",)
    assert (recorded.audience, recorded.area) == ("young_person", "wiltshire")


def test_records_once_however_often_it_runs(log, dispatcher, clock):
    disclosed = tracker("he said keep it secret", "disclose_urgent", assessment=URGENT)
    for _ in range(3):
        ActionEscalate(log, clock).run(dispatcher, disclosed, {})

    assert len(log.open_queue()) == 1


def test_a_harmless_message_is_not_recorded(log, dispatcher, clock):
    ActionEscalate(log, clock).run(dispatcher, tracker("hi", "greet", assessment=NO_RISK), {})

    assert log.open_queue() == []


def test_the_guard_against_commands_is_not_part_of_the_record(log, dispatcher, clock):
    disclosed = tracker("\u2060/he hits me", "disclose_urgent", assessment=URGENT)
    ActionEscalate(log, clock).run(dispatcher, disclosed, {})

    assert log.get("m1").escalation.text == "/he hits me"


@pytest.mark.parametrize("words", ["my secret", "he hurts me"])
def test_a_broken_log_reaches_the_alert_and_never_quotes_the_child(dispatcher, clock, words):
    with capture_logs() as logs:
        ActionEscalate(BrokenLog(), clock).run(
            dispatcher, tracker(words, "disclose_urgent", assessment=URGENT), {}
        )

    (line,) = logs
    assert (line["event"], line["message_id"]) == ("escalation.not_recorded", "m1")
    assert words not in repr(logs)
    assert dispatcher.messages == []
