"""The pledge by buttons: counted once a conversation, with nothing about anyone."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date

from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy.engine import Engine
from structlog.testing import capture_logs

from actions.content import ActionPledge
from safeguarding.answering.content import PLEDGED
from storage.engine import connect
from storage.pledges import PledgeCounter
from tests.unit.actions.trackers import tracker

WORDS = '"I pledge my support to zero tolerance of CSE in Wiltshire"'


def pressed(composition, step=None, **slots):
    """Press a button and return the message and the events."""
    dispatcher = CollectingDispatcher()
    entities = {"pledge": step} if step else None
    asked = tracker("Take the pledge", "take_pledge", entities=entities, slots=slots)
    events = ActionPledge(composition).run(dispatcher, asked, {})
    (message,) = dispatcher.messages
    return message["custom"], events


def test_without_a_step_says_what_the_pledge_asks(composed):
    message, events = pressed(composed)

    offered = [choice["id"] for choice in message["choices"]]
    assert offered == ["pledge_take", "pledge_find_out", "pledge_course", "pledge_tell"]
    assert events == []


def test_a_pledge_is_quoted_and_counted_by_day(composed):
    message, events = pressed(composed, "take")

    assert WORDS in message["text"]
    assert [(event["name"], event["value"]) for event in events] == [(PLEDGED, True)]
    assert composed.pledges.by_day() == {composed.now().date(): 1}


def test_a_second_press_in_one_conversation_counts_once(composed):
    pressed(composed, "take")
    message, events = pressed(composed, "take", **{PLEDGED: True})

    assert WORDS in message["text"]
    assert events == []
    assert composed.pledges.by_day() == {composed.now().date(): 1}


def test_a_pledge_that_cannot_be_counted_is_a_pledge_all_the_same(tmp_path, composed):
    broken = PledgeCounter(connect(f"sqlite:///{tmp_path / 'no' / 'such.db'}"))

    with capture_logs() as logs:
        message, events = pressed(replace(composed, pledges=broken), "take")

    assert WORDS in message["text"]
    assert "could not count" in message["text"]
    assert events == []
    assert logs[0]["event"] == "pledge.not_counted"


def test_find_out_leads_to_answers_for_this_reader(composed):
    child, _ = pressed(composed, "find_out")
    parent, _ = pressed(composed, "find_out", audience="parent")

    assert child["choices"] != parent["choices"]


def test_an_unchecked_course_is_not_linked(composed):
    message, _ = pressed(composed, "course")

    assert "https://" not in repr(message)
    assert "ask_training" in [choice["id"] for choice in message["choices"]]


def test_the_link_to_pass_on_holds_the_public_address_alone(composed):
    message, _ = pressed(composed, "tell")

    assert "this link: https://school.example/ It leads" in message["text"]


class HangingCounter(PledgeCounter):
    """Its database does not answer."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.answers = threading.Event()

    def add(self, day: date) -> None:
        self.answers.wait(30)


def test_a_database_that_hangs_holds_up_no_pledge(tmp_path, composed):
    hanging = HangingCounter(connect(f"sqlite:///{tmp_path / 'lantern.db'}"))
    try:
        first, events = pressed(replace(composed, pledges=hanging), "take")
        second, _events = pressed(replace(composed, pledges=hanging), "take")
    finally:
        hanging.answers.set()

    assert "could not count" in first["text"]
    assert "could not count" in second["text"]
    assert events == []
