"""The article: for the reader, with its source, withheld when it is past its date."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from rasa_sdk.executor import CollectingDispatcher

from actions.content import ActionAnswer
from safeguarding.clock import utc_now
from safeguarding.content.signing import EVERY_S, ApprovalCache, ApprovalDecision
from safeguarding.conversation_state import ConversationState
from staff.accounts.accounts import StaffAccounts
from staff.approvals.approvals import Approvals
from storage.approval_records import read_approved_digests
from storage.engine import connect
from tests.content import real_content
from tests.signing import approve, read_through
from tests.unit.actions.trackers import tracker


def answered(dispatcher, composition, **fields):
    ActionAnswer(composition).run(dispatcher, tracker(**fields), {})
    (message,) = dispatcher.messages
    return message["custom"]


def test_an_answer_names_its_source_and_its_dates(dispatcher, composed):
    message = answered(dispatcher, composed, text="what is grooming", intent="ask_what_is_grooming")

    assert message["kind"] == "answer"
    assert message["topic"] == "what_is_grooming"
    assert message["sources"][0]["url"].startswith("https://")
    assert message["reviewed_on"]
    assert message["review_due"]
    assert message["approved"] is False
    assert message["contacts"]
    offered = {choice["id"] for choice in message["choices"]}
    assert offered & {"speak_to_someone", "ask_talk_to_someone"}


def test_a_parent_reads_other_words_than_a_child(composed):
    texts = {
        audience: answered(
            CollectingDispatcher(),
            composed,
            text="what is grooming",
            intent="ask_what_is_grooming",
            slots={"audience": audience},
        )["text"]
        for audience in ("young_person", "parent", "professional")
    }

    assert len(set(texts.values())) == 3


def test_a_child_of_up_to_eleven_reads_plainer_words_where_there_are_some(composed):
    def text(age, audience=None):
        return answered(
            CollectingDispatcher(),
            composed,
            text="what is consent",
            intent="ask_consent",
            slots={"audience": audience},
            state=ConversationState(age=age, audience=audience),
        )["text"]

    assert text(9) == text(11) != text(12)
    assert text(12) == text(None)
    assert text(9, "parent") == text(None, "parent")


def test_an_answer_past_its_review_date_is_withheld_and_people_are_signposted(
    dispatcher, years_later
):
    message = answered(
        dispatcher, years_later, text="what is grooming", intent="ask_what_is_grooming"
    )

    assert message["kind"] == "contacts"
    assert message["text"] == years_later.phrases.article_withheld
    assert [contact["id"] for contact in message["contacts"]][-2:] == ["emergency_999", "childline"]


@pytest.mark.parametrize("intent", ["ask_no_such_topic", "greet"])
def test_a_question_without_an_answer_is_signposted(dispatcher, composed, intent):
    message = answered(dispatcher, composed, text="?", intent=intent)

    assert message["kind"] == "contacts"
    assert message["contacts"]


@pytest.mark.parametrize(
    ("entities", "offered"),
    [
        ({}, "tool_block_and_report"),
        ({"tool": "block_and_report"}, "tool_block_and_report"),
        ({"tool": "block_roblox"}, "tool_block_roblox"),
        ({"tool": "grounding"}, "tool_block_and_report"),
        ({"tool": "nonsense"}, "tool_block_and_report"),
    ],
)
def test_an_answer_offers_the_steps_for_the_app_that_was_named(
    dispatcher, composed, entities, offered
):
    message = answered(
        dispatcher,
        composed,
        text="how do i block someone",
        intent="ask_block_and_report",
        entities=entities,
    )

    assert message["choices"][0]["id"] == offered


@pytest.fixture
def database(sqlite_url):
    return connect(sqlite_url)


@pytest.fixture
def lead(database):
    """Id of someone who may sign."""
    return StaffAccounts(database).add("ann", "seven quiet green lamps").id


def signed_in(composition, approved, time=lambda: 0.0):
    """Return the composition with the signatures that `approved` reads."""
    return replace(composition, approved=ApprovalCache(approved, lambda _error: None, time))


def asked(composition):
    dispatcher = CollectingDispatcher()
    return answered(dispatcher, composition, text="?", intent="ask_what_is_grooming")


def grooming():
    return real_content().articles.all()["what_is_grooming"].item


def test_unsigned_words_are_withheld_until_a_lead_signs_and_again_when_sent_back(
    database, signatures_required, lead
):
    now = [0.0]
    approvals = Approvals(database)
    composition = signed_in(
        signatures_required, partial(read_approved_digests, database), lambda: now[0]
    )
    kinds = [asked(composition)]
    read_through(database, grooming(), lead, utc_now() - timedelta(hours=1))
    for decision in (ApprovalDecision.APPROVED, ApprovalDecision.SENT_BACK):
        approvals.decide(grooming(), decision, by=lead, note="x")
        now[0] += EVERY_S
        kinds.append(asked(composition))

    assert [message["kind"] for message in kinds] == ["contacts", "answer", "contacts"]
    assert kinds[1]["approved"] is True
    for withheld in (kinds[0], kinds[2]):
        assert withheld["text"] == composition.phrases.article_withheld
        assert [contact["id"] for contact in withheld["contacts"]][-1] == "childline"


def test_signed_words_are_withheld_from_the_day_after_their_review_was_due(
    database, signatures_required, lead
):
    due = grooming().review_due
    approve(database, grooming(), lead)
    composition = signed_in(signatures_required, partial(read_approved_digests, database))

    def kind(day):
        at = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo("Europe/London"))
        return asked(replace(composition, now=lambda: at))["kind"]

    assert [kind(due), kind(due + timedelta(days=1))] == ["answer", "contacts"]


def test_without_a_database_unsigned_words_are_withheld_and_people_are_signposted(
    signatures_required,
):
    def away():
        raise ConnectionError

    message = asked(signed_in(signatures_required, away))

    assert message["kind"] == "contacts"
    assert message["contacts"]


def test_the_demonstration_shows_unsigned_words_and_says_so(database, composed):
    message = asked(signed_in(composed, partial(read_approved_digests, database)))

    assert message["kind"] == "answer"
    assert message["approved"] is False
