"""The vetted answer: for the reader, with its source, withheld when it is past its date."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from rasa_sdk.executor import CollectingDispatcher

from actions.answer import WITHHELD, ActionAnswer
from actions.wiring import Signing
from safeguarding.approvals import Approvals
from safeguarding.approved_words import EVERY_S, ApprovedWords
from safeguarding.content.answers import answers
from safeguarding.content.piece_item import piece_item
from safeguarding.content.signing import Decision
from safeguarding.escalations.wiring import engine
from safeguarding.staff import StaffAccounts
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
    dispatcher, records, clock, entities, offered
):
    message = answered(
        dispatcher,
        records,
        clock,
        text="how do i block someone",
        intent="ask_block_and_report",
        entities=entities,
    )

    assert message["choices"][0]["id"] == offered


@pytest.fixture
def lead(settings):
    """Id of someone who may sign."""
    return StaffAccounts(engine(settings)).add("ann", "seven quiet green lamps").id


def signing(settings, time, *, required=True):
    approvals = Approvals(engine(settings))
    return Signing(ApprovedWords(approvals.approved, lambda _error: None, time), required)


def asked(records, clock, signatures):
    dispatcher = CollectingDispatcher()
    action = ActionAnswer(records=records, clock=clock, signing=signatures)
    action.run(dispatcher, tracker(text="?", intent="ask_what_is_grooming"), {})
    (message,) = dispatcher.messages
    return message["custom"]


def grooming():
    answer = answers().all()["what_is_grooming"]
    return piece_item("answer", answer.head, answer.sections)


def test_unsigned_words_are_withheld_until_a_lead_signs_and_again_when_sent_back(
    settings, records, clock, lead
):
    now = [0.0]
    signatures = signing(settings, lambda: now[0])
    approvals = Approvals(engine(settings))
    kinds = [asked(records, clock, signatures)]
    for decision in (Decision.APPROVED, Decision.SENT_BACK):
        approvals.decide(grooming(), decision, by=lead, note="x")
        now[0] += EVERY_S
        kinds.append(asked(records, clock, signatures))

    assert [message["kind"] for message in kinds] == ["contacts", "answer", "contacts"]
    assert kinds[1]["approved"] is True
    for withheld in (kinds[0], kinds[2]):
        assert withheld["text"] == WITHHELD
        assert [contact["id"] for contact in withheld["contacts"]][-1] == "childline"


def test_signed_words_are_withheld_from_the_day_after_their_review_was_due(settings, records, lead):
    due = grooming().review_due
    Approvals(engine(settings)).decide(grooming(), Decision.APPROVED, by=lead)
    signatures = signing(settings, lambda: 0.0)

    def kind(day):
        at = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo("Europe/London"))
        return asked(records, lambda: at, signatures)["kind"]

    assert [kind(due), kind(due + timedelta(days=1))] == ["answer", "contacts"]


def test_without_a_database_unsigned_words_are_withheld_and_people_are_signposted(records, clock):
    def away():
        raise ConnectionError

    signatures = Signing(ApprovedWords(away, lambda _error: None), required=True)

    message = asked(records, clock, signatures)

    assert message["kind"] == "contacts"
    assert message["contacts"]


def test_the_demonstration_shows_unsigned_words_and_says_so(settings, records, clock):
    message = asked(records, clock, signing(settings, lambda: 0.0, required=False))

    assert message["kind"] == "answer"
    assert message["approved"] is False
