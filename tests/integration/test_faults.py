"""Real processes, real signals: help appears, and what can be recorded is recorded once."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

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
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that these tests may break."""
    made = Stack(tmp_path_factory.mktemp("faults"))
    made.setup()
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def recorded(own: Stack) -> LogReader:
    return LogReader(own)


def disclosed(own: Stack, text: str) -> float:
    """Say it, demand the help card, and give the seconds it took."""
    person = Person(own.url("gateway"))
    started = time.monotonic()
    assert help_card(person.say(text))["severity"] == "urgent"
    return time.monotonic() - started


def test_the_action_server_is_stopped(own, recorded):
    own.actions.stop()
    try:
        assert disclosed(own, DISCLOSURES["actions"]) < PROMISED_S
        assert len(recorded.eventually(DISCLOSURES["actions"])) == 1
    finally:
        own.start(own.actions)


def test_a_question_without_the_action_server_is_signposted(own):
    own.actions.stop()
    try:
        messages = Person(own.url("gateway")).say("what is grooming")
        assert any(
            contact["id"] == "childline"
            for message in messages
            for contact in message.get("contacts", [])
        )
    finally:
        own.start(own.actions)


def test_rasa_is_stopped(own, recorded):
    own.rasa.stop(signal.SIGKILL)
    try:
        assert disclosed(own, DISCLOSURES["rasa"]) < PROMISED_S
        (entry,) = recorded.eventually(DISCLOSURES["rasa"])
        assert entry.escalation.raised_by == "gateway"
    finally:
        own.start(own.rasa)


def test_rasa_is_paused_and_wakes_late(own, recorded):
    own.rasa.send(signal.SIGSTOP)
    try:
        assert disclosed(own, DISCLOSURES["paused"]) < PROMISED_S
    finally:
        own.rasa.send(signal.SIGCONT)
    own.rasa.wait()
    time.sleep(2)  # the late Rasa now answers the message: that must not record it again

    assert len(recorded.eventually(DISCLOSURES["paused"])) == 1


def test_the_database_cannot_be_written_and_comes_back(own, recorded):
    with unwritable(own.state / "lantern.db"):
        assert disclosed(own, DISCLOSURES["readonly"]) < PROMISED_S
        time.sleep(1)
        assert recorded.of(DISCLOSURES["readonly"]) == []

    assert len(recorded.eventually(DISCLOSURES["readonly"])) == 1


def test_the_gateway_is_killed_while_the_database_is_away(own, recorded):
    with unwritable(own.state / "lantern.db"):
        disclosed(own, DISCLOSURES["killed"])
        time.sleep(1.5)
        own.gateway.stop(signal.SIGKILL)
    own.start(own.gateway)

    assert len(recorded.eventually(DISCLOSURES["killed"])) == 1


def test_no_log_of_any_process_holds_a_childs_words(own):
    written = own.logs()

    assert written
    for text in DISCLOSURES.values():
        assert text not in written
    assert "keeps touching me" not in written
