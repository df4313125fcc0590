"""One message into the escalation log."""

from __future__ import annotations

from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from actions.escalate import ActionEscalate
from actions.recording import Records
from safeguarding.risk.assessment import NO_RISK, Turn
from safeguarding.taxonomy import Severity
from tests.unit.actions.trackers import URGENT, bot, tracker, user

CARD = {"kind": "help_card", "text": "Call 999.", "choices": [{"id": "safe_now", "label": "Safe"}]}


class BrokenLog:
    """A log whose database is away."""

    def record(self, escalation: object) -> bool:
        raise OperationalError("INSERT …", {"text": "my secret"}, Exception("disk I/O error"))


class FullDisk:
    """A spool whose disk is full."""

    def keep(self, escalation: object) -> None:
        raise OSError(28, "No space left on device")


def test_records_the_message_the_turns_before_it_and_what_was_shown(
    log, records, dispatcher, clock
):
    disclosed = tracker(
        "he said keep it secret",
        "disclose_urgent",
        assessment=URGENT,
        before=[user("hi"), bot("Hi. I'm glad you're here.")],
        since=[bot(custom=CARD)],
        slots={"audience": "young_person", "area": "wiltshire"},
    )

    assert ActionEscalate(records, clock).run(dispatcher, disclosed, {}) == []

    recorded = log.get("m1").escalation
    assert recorded.text == "he said keep it secret"
    assert recorded.assessment.severity == Severity.URGENT
    assert recorded.turns_before == (
        Turn("user", "hi"),
        Turn("assistant", "Hi. I'm glad you're here."),
    )
    assert recorded.shown == ("Call 999.\n[Safe]",)
    assert (recorded.audience, recorded.area) == ("young_person", "wiltshire")


def test_records_once_however_often_it_runs(log, records, dispatcher, clock):
    disclosed = tracker("he said keep it secret", "disclose_urgent", assessment=URGENT)
    for _ in range(3):
        ActionEscalate(records, clock).run(dispatcher, disclosed, {})

    assert len(log.open_queue()) == 1


def test_a_harmless_message_is_not_recorded(log, records, dispatcher, clock):
    ActionEscalate(records, clock).run(dispatcher, tracker("hi", "greet", assessment=NO_RISK), {})

    assert log.open_queue() == []


def test_the_guard_against_commands_is_not_part_of_the_record(log, records, dispatcher, clock):
    disclosed = tracker("\u2060/he hits me", "disclose_urgent", assessment=URGENT)
    ActionEscalate(records, clock).run(dispatcher, disclosed, {})

    assert log.get("m1").escalation.text == "/he hits me"


def test_a_message_waits_in_the_spool_while_the_database_is_away(log, spool, dispatcher, clock):
    disclosed = tracker("my secret", "disclose_urgent", assessment=URGENT)

    ActionEscalate(Records(BrokenLog(), spool), clock).run(dispatcher, disclosed, {})

    assert dispatcher.messages == []
    assert spool.drain(log) == 1
    assert log.get("m1").escalation.text == "my secret"


def test_what_nothing_can_keep_reaches_the_alert_and_never_quotes_the_child(dispatcher, clock):
    nowhere = Records(BrokenLog(), FullDisk())
    with capture_logs() as logs:
        ActionEscalate(nowhere, clock).run(
            dispatcher, tracker("my secret", "disclose_urgent", assessment=URGENT), {}
        )

    (line,) = logs
    assert (line["event"], line["message_id"]) == ("escalation.not_recorded", "m1")
    assert "my secret" not in repr(logs)
    assert dispatcher.messages == []
