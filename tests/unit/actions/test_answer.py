"""The vetted answer: for the reader, with its source, withheld when it is past its date."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from rasa_sdk.executor import CollectingDispatcher

from actions.answer import WITHHELD, ActionAnswer
from tests.unit.actions.trackers import CONCERN, tracker


def answered(dispatcher, records, clock, **fields):
    ActionAnswer(records=records, clock=clock).run(dispatcher, tracker(**fields), {})
    (message,) = dispatcher.messages
    return message["custom"]


def test_an_answer_names_its_source_and_its_dates(dispatcher, records, clock):
    message = answered(
        dispatcher, records, clock, text="what is grooming", intent="ask_what_is_grooming"
    )

    assert message["kind"] == "answer"
    assert message["topic"] == "what_is_grooming"
    assert message["sources"][0]["url"].startswith("https://")
    assert message["reviewed_on"]
    assert message["review_due"]
    assert message["approved"] is False
    assert message["contacts"]
    offered = {choice["id"] for choice in message["choices"]}
    assert offered & {"speak_to_someone", "ask_talk_to_someone"}


def test_a_parent_reads_other_words_than_a_child(records, clock):
    texts = {
        audience: answered(
            CollectingDispatcher(),
            records,
            clock,
            text="what is grooming",
            intent="ask_what_is_grooming",
            slots={"audience": audience},
        )["text"]
        for audience in ("young_person", "parent", "professional")
    }

    assert len(set(texts.values())) == 3


def test_an_answer_past_its_review_date_is_withheld_and_people_are_signposted(dispatcher, records):
    def much_later() -> datetime:
        return datetime(2036, 1, 1, 12, 0, tzinfo=ZoneInfo("Europe/London"))

    message = answered(
        dispatcher, records, much_later, text="what is grooming", intent="ask_what_is_grooming"
    )

    assert message["kind"] == "contacts"
    assert message["text"] == WITHHELD
    assert [contact["id"] for contact in message["contacts"]][-2:] == ["emergency_999", "childline"]


def test_a_worry_inside_a_question_is_answered_with_contacts_and_recorded(
    dispatcher, log, records, clock
):
    message = answered(
        dispatcher,
        records,
        clock,
        text="what is cyberbullying, they do it to me",
        intent="ask_cyberbullying",
        assessment=CONCERN,
    )

    assert message["kind"] == "answer"
    assert message["contacts"][-1]["id"] == "childline"
    assert log.get("m1").escalation.text.startswith("what is cyberbullying")


@pytest.mark.parametrize("intent", ["ask_no_such_topic", "greet"])
def test_a_question_without_an_answer_is_signposted(dispatcher, records, clock, intent):
    message = answered(dispatcher, records, clock, text="?", intent=intent)

    assert message["kind"] == "contacts"
    assert message["contacts"]
