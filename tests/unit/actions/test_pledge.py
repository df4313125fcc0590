"""The pledge by buttons: counted once a conversation, with nothing about anyone."""

from __future__ import annotations

import pytest
from rasa_sdk.executor import CollectingDispatcher
from structlog.testing import capture_logs

from actions.pledge import PLEDGED, ActionPledge
from safeguarding.escalations.database import connect
from safeguarding.pledges import PledgeCounter
from tests.unit.actions.trackers import tracker

WORDS = '"I pledge my support to zero tolerance of CSE in Wiltshire"'


@pytest.fixture
def counter(settings):
    return PledgeCounter(connect(settings.database_url))


def pressed(counter, clock, step=None, **slots):
    """The message and the events of one press."""
    dispatcher = CollectingDispatcher()
    action = ActionPledge(counter=counter, public_url="https://school.example/", clock=clock)
    entities = {"pledge": step} if step else None
    asked = tracker("Take the pledge", "take_pledge", entities=entities, slots=slots)
    events = action.run(dispatcher, asked, {})
    (message,) = dispatcher.messages
    return message["custom"], events


def test_without_a_step_says_what_the_pledge_asks(counter, clock):
    message, events = pressed(counter, clock)

    offered = [choice["id"] for choice in message["choices"]]
    assert offered == ["pledge_take", "pledge_find_out", "pledge_course", "pledge_tell"]
    assert events == []


def test_a_pledge_is_quoted_and_counted_by_day(counter, clock):
    message, events = pressed(counter, clock, "take")

    assert WORDS in message["text"]
    assert [(event["name"], event["value"]) for event in events] == [(PLEDGED, True)]
    assert counter.by_day() == {clock().date(): 1}


def test_a_second_press_in_one_conversation_counts_once(counter, clock):
    pressed(counter, clock, "take")
    message, events = pressed(counter, clock, "take", **{PLEDGED: True})

    assert WORDS in message["text"]
    assert events == []
    assert counter.by_day() == {clock().date(): 1}


def test_a_pledge_that_cannot_be_counted_is_a_pledge_all_the_same(tmp_path, clock):
    broken = PledgeCounter(connect(f"sqlite:///{tmp_path / 'no' / 'such.db'}"))

    with capture_logs() as logs:
        message, events = pressed(broken, clock, "take")

    assert WORDS in message["text"]
    assert "could not count" in message["text"]
    assert events == []
    assert logs[0]["event"] == "pledge.not_counted"


def test_find_out_leads_to_answers_for_this_reader(counter, clock):
    child, _ = pressed(counter, clock, "find_out")
    parent, _ = pressed(counter, clock, "find_out", audience="parent")

    assert child["choices"] != parent["choices"]


def test_a_course_that_nobody_checked_is_not_linked(counter, clock):
    message, _ = pressed(counter, clock, "course")

    assert "https://" not in repr(message)
    assert "ask_training" in [choice["id"] for choice in message["choices"]]


def test_the_link_to_pass_on_holds_the_public_address_alone(counter, clock):
    message, _ = pressed(counter, clock, "tell")

    assert "this link: https://school.example/ It leads" in message["text"]
