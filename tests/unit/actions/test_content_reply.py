"""The planned reply, or who can help while there is none; and the question by buttons."""

from __future__ import annotations

import pytest
from rasa_sdk.executor import CollectingDispatcher

from actions.content import ActionAnswerNext, ActionAskWhich
from safeguarding.conversation_state import ConversationState
from safeguarding.risk.assessment import Assessment
from safeguarding.taxonomy import Severity
from tests.content import real_content
from tests.unit.actions.trackers import tracker

EVERY = real_content().replies.all()
PAY = EVERY["sextortion_should_i_pay"]


def said(dispatcher, composition, reply, **slots):
    entities = {"reply": reply} if reply else None
    asked = tracker("should i pay the rest", "ask_next", entities=entities, slots=slots)
    assert ActionAnswerNext(composition).run(dispatcher, asked, {}) == []
    (message,) = dispatcher.messages
    return message["custom"]


def test_a_short_answer_names_its_sources_and_the_article_that_says_more(dispatcher, composed):
    message = said(dispatcher, composed, "sextortion_should_i_pay")

    assert (message["kind"], message["topic"]) == ("answer", "reply_sextortion_should_i_pay")
    assert message["text"] == PAY.young_person
    assert message["sources"][0]["url"].startswith("https://")
    assert message["approved"] is False
    assert [choice["id"] for choice in message["choices"]] == [f"ask_{PAY.topic}"]


@pytest.mark.parametrize(
    ("audience", "text"),
    [("young_person", PAY.young_person), ("parent", PAY.parent), ("professional", PAY.parent)],
)
def test_each_reader_has_words_of_their_own_or_the_nearest(dispatcher, composed, audience, text):
    message = said(dispatcher, composed, "sextortion_should_i_pay", audience=audience)

    assert message["text"] == text


def test_below_an_answer_are_offered_the_replies_that_may_be_meant(dispatcher, composed):
    entities = {"reply": PAY.id, "ask": "images_will_my_mum_see_it adults_when_lado"}
    asked = tracker("should i pay or will mum see it", "ask_next", entities=entities)

    ActionAnswerNext(composed).run(dispatcher, asked, {})

    choices = dispatcher.messages[0]["custom"]["choices"]
    assert [each["id"] for each in choices] == [
        f"ask_{PAY.topic}",
        "reply_images_will_my_mum_see_it",
    ]


def test_an_answer_to_a_correction_begins_with_an_apology(dispatcher, composed):
    entities = {"reply": PAY.id, "owns_up": "yes"}
    asked = tracker("no i asked if i should pay", "ask_next", entities=entities)

    ActionAnswerNext(composed).run(dispatcher, asked, {})

    text = dispatcher.messages[0]["custom"]["text"]
    assert text.endswith(f" {PAY.young_person}")
    assert "sorry" in text.lower() or "mistake" in text


@pytest.mark.parametrize("reply", [None, "no_such_reply"])
def test_where_nothing_is_asked_there_is_who_can_help(dispatcher, composed, reply):
    assert_signposted(said(dispatcher, composed, reply), composed)


def test_what_is_written_for_professionals_is_never_shown_to_a_young_person(dispatcher, composed):
    (only,) = (id_ for id_, each in EVERY.items() if id_ == "adults_when_lado")
    professional = said(CollectingDispatcher(), composed, only, audience="professional")

    assert professional["text"] == EVERY[only].professional
    assert_signposted(said(dispatcher, composed, only, audience="young_person"), composed)


def test_an_answer_past_its_review_is_withheld_and_people_are_signposted(dispatcher, years_later):
    assert_signposted(said(dispatcher, years_later, "sextortion_should_i_pay"), years_later)


def test_unsigned_words_are_withheld_where_signatures_are_required(dispatcher, signatures_required):
    message = said(dispatcher, signatures_required, "sextortion_should_i_pay")

    assert_signposted(message, signatures_required)


@pytest.mark.parametrize("audience", ["young_person", "parent", "professional"])
def test_every_answer_is_shown_to_whom_it_is_written_for(composed, audience):
    for id_, record in EVERY.items():
        if text := getattr(record, audience):
            assert said(CollectingDispatcher(), composed, id_, audience=audience)["text"] == text


def assert_signposted(message, composition):
    assert (message["kind"], message["text"]) == ("contacts", composition.phrases.article_withheld)
    assert [contact["id"] for contact in message["contacts"]][-2:] == ["emergency_999", "childline"]


def asked_which(dispatcher, composition, *ids):
    turn = tracker("my mum", "ask_which", entities={"ask": " ".join(ids)})
    assert ActionAskWhich(composition).run(dispatcher, turn, {}) == []
    (message,) = dispatcher.messages
    return message["custom"]


def test_it_asks_by_the_labels_of_the_replies_and_something_else(dispatcher, composed):
    message = asked_which(dispatcher, composed, "sextortion_should_i_pay", "no_such_reply")

    assert message["topic"] == "ask_which"
    assert [each["label"] for each in message["choices"]] == [PAY.label, "Something else"]


def test_it_offers_no_reply_that_is_withheld(dispatcher, years_later):
    message = asked_which(dispatcher, years_later, "sextortion_should_i_pay")

    assert [each["id"] for each in message["choices"]] == ["something_else"]


def test_after_a_disclosure_the_button_not_safe_stays_below_the_question(dispatcher, composed):
    told = Assessment(Severity.URGENT, ("image_abuse",), "self", ())
    turn = tracker(
        "hm",
        "ask_which",
        entities={"ask": "sextortion_should_i_pay"},
        state=ConversationState().after(told),
    )
    ActionAskWhich(composed).run(dispatcher, turn, {})
    (message,) = dispatcher.messages
    assert message["custom"]["text"].endswith("In danger now? Call 999.")

    shown = [each["id"] for each in message["custom"]["choices"]]
    assert shown == ["reply_sextortion_should_i_pay", "not_safe_now", "something_else"]
