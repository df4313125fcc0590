"""What is asked in a message that is handed over, and nothing where nothing is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions.help import ActionEscalate
from safeguarding.answering.content import SURE
from safeguarding.conversation_state import ConversationState
from safeguarding.risk.assessment import Assessment, Signal
from safeguarding.taxonomy import Severity
from tests.unit.actions.trackers import CONCERN, IMMEDIATE, URGENT, tracker

ASKS = "he has my pics what can i do"


def said(dispatcher, composition, text=ASKS, **fields):
    told = tracker(text, "disclose_urgent", **fields)
    assert ActionEscalate(composition).run(dispatcher, told, {}) == []
    return [message["custom"] for message in dispatcher.messages]


@pytest.mark.parametrize("assessment", [CONCERN, URGENT])
def test_what_is_asked_is_answered_after_the_help_card_without_contacts(
    dispatcher, composed, assessment
):
    (article,) = said(dispatcher, composed, assessment=assessment, topic=("ai_nudes", SURE))

    assert (article["kind"], article["topic"]) == ("answer", "ai_nudes")
    assert article["sources"]
    assert "contacts" not in article


@pytest.mark.parametrize("topic", [None, ("what_is_cse", SURE - 0.01)])
@pytest.mark.parametrize("assessment", [CONCERN, URGENT])
def test_where_no_topic_is_surely_asked_about_there_is_nothing_to_read(
    dispatcher, composed, assessment, topic
):
    assert said(dispatcher, composed, assessment=assessment, topic=topic) == []


@pytest.mark.parametrize(
    "text",
    ["my uncle touches me", "he has my pics", "it was my dad", "he is a coach at my school"],
)
def test_what_only_tells_something_gets_no_article_however_sure_its_topic(
    dispatcher, composed, text
):
    assert said(dispatcher, composed, text, assessment=URGENT, topic=("ai_nudes", 0.99)) == []


@pytest.mark.parametrize(
    "text", ["is it my fault", "Really?", "whats going to happen", "he has my pics should i tell"]
)
def test_a_question_is_one_by_its_mark_or_by_its_words(dispatcher, composed, text):
    (article,) = said(dispatcher, composed, text, assessment=URGENT, topic=("ai_nudes", SURE))

    assert article["topic"] == "ai_nudes"


def test_the_planned_reply_comes_in_place_of_an_article(dispatcher, composed):
    (answer,) = said(
        dispatcher,
        composed,
        "should i pay the rest",
        assessment=URGENT,
        topic=("sextortion", 0.99),
        entities={"reply": "sextortion_should_i_pay"},
        state=ConversationState(need="hurt_by_someone"),
    )

    assert (answer["kind"], answer["topic"]) == ("answer", "reply_sextortion_should_i_pay")
    assert "contacts" not in answer


def test_in_immediate_danger_there_is_nothing_to_read(dispatcher, composed):
    topic = ("suicide_help", 0.99)

    assert said(dispatcher, composed, assessment=IMMEDIATE, topic=topic) == []


def test_a_pasted_chat_is_answered_by_what_stands_out_in_it(dispatcher, composed):
    sign = Signal("chat-secrecy", "chat", "v1", "grooming", Severity.URGENT, 0, 5)
    chat = Assessment(Severity.URGENT, ("grooming",), "unknown", (sign,))

    assert said(dispatcher, composed, assessment=chat, topic=("consent", 0.9)) == []


def test_unsigned_words_are_withheld_where_signatures_are_required(dispatcher, signatures_required):
    asked, told = {"topic": ("ai_nudes", SURE)}, {"reply": "sextortion_should_i_pay"}

    assert said(dispatcher, signatures_required, assessment=URGENT, **asked) == []
    assert said(dispatcher, signatures_required, assessment=URGENT, entities=told) == []


def test_in_immediate_danger_the_guide_that_is_told_of_comes_in_place_of_a_short_answer(
    dispatcher, composed
):
    phrase = Signal("a", "lexicon", "1", "suicide", Severity.IMMEDIATE, 0, 2)
    bleeding = {
        "assessment": replace(IMMEDIATE, signals=(phrase,)),
        "entities": {"reply": "hurt_happening_now"},
        "state": ConversationState(need="self_harm"),
    }

    assert said(dispatcher, composed, "it wont stop bleeding", **bleeding) == []
    (short,) = said(dispatcher, composed, "its happening now", **bleeding)
    assert short["topic"] == "reply_hurt_happening_now"
    dispatcher.messages.clear()
    guessed = {**bleeding, "assessment": IMMEDIATE}
    (short,) = said(dispatcher, composed, "it wont stop bleeding", **guessed)
    assert short["topic"] == "reply_hurt_happening_now"
