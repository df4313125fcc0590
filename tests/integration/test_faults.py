"""Real processes, real signals: help appears, and what can be recorded is recorded once."""

from __future__ import annotations

import signal
import time

import pytest

from ops.stack import Stack
from tests.integration.client import Person, help_card
from tests.integration.faults import unwritable
from tests.integration.log_reader import LogReader

DISCLOSURES = {
    "actions": "my uncle keeps touching me, the action server is down",
    "rasa": "my uncle keeps touching me, rasa is down",
    "paused": "my uncle keeps touching me, rasa is paused",
    "readonly": "my uncle keeps touching me, the database is read only",
    "killed": "my uncle keeps touching me, the gateway was killed",
}
PROMISED_S = 5.0


@pytest.fixture(scope="module")
def recorded(stack: Stack) -> LogReader:
    return LogReader(stack)


def disclosed(stack: Stack, text: str) -> float:
    """Say it, demand the help card, and give the seconds it took."""
    person = Person(stack.url("gateway"))
    started = time.monotonic()
    assert help_card(person.say(text))["severity"] == "urgent"
    return time.monotonic() - started


def test_the_action_server_is_stopped(stack, recorded):
    stack.actions.stop()
    try:
        assert disclosed(stack, DISCLOSURES["actions"]) < PROMISED_S
        assert len(recorded.eventually(DISCLOSURES["actions"])) == 1
    finally:
        stack.start(stack.actions)


def test_a_question_without_the_action_server_is_signposted(stack):
    stack.actions.stop()
    try:
        messages = Person(stack.url("gateway")).say("what is grooming")
        contacts = [each["id"] for m in messages for each in m.get("contacts", [])]
        # The gateway's own plan may know a short reply; else it shows who can help.
        assert "childline" in contacts or messages[0]["topic"].startswith("reply_")
    finally:
        stack.start(stack.actions)


def test_rasa_is_stopped(stack, recorded):
    stack.rasa.stop(signal.SIGKILL)
    try:
        assert disclosed(stack, DISCLOSURES["rasa"]) < PROMISED_S
        (entry,) = recorded.eventually(DISCLOSURES["rasa"])
        assert entry.escalation.raised_by == "gateway"
    finally:
        stack.start(stack.rasa)


def test_rasa_is_paused_and_wakes_late(stack, recorded):
    stack.rasa.send(signal.SIGSTOP)
    try:
        assert disclosed(stack, DISCLOSURES["paused"]) < PROMISED_S
    finally:
        stack.rasa.send(signal.SIGCONT)
    stack.rasa.wait()
    time.sleep(2)  # the late Rasa now answers the message: that must not record it again

    assert len(recorded.eventually(DISCLOSURES["paused"])) == 1


def test_the_database_cannot_be_written_and_comes_back(stack, recorded):
    with unwritable(stack.state / "lantern.db"):
        assert disclosed(stack, DISCLOSURES["readonly"]) < PROMISED_S
        time.sleep(1)
        assert recorded.of(DISCLOSURES["readonly"]) == []

    assert len(recorded.eventually(DISCLOSURES["readonly"])) == 1


def test_the_gateway_is_killed_while_the_database_is_away(stack, recorded):
    with unwritable(stack.state / "lantern.db"):
        disclosed(stack, DISCLOSURES["killed"])
        time.sleep(1.5)
        stack.gateway.stop(signal.SIGKILL)
    stack.start(stack.gateway)

    assert len(recorded.eventually(DISCLOSURES["killed"])) == 1


def test_no_log_of_any_process_holds_a_childs_words(stack):
    written = stack.logs()

    assert written
    for text in DISCLOSURES.values():
        assert text not in written
    assert "keeps touching me" not in written
