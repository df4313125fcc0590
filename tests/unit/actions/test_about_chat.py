""" "Is this ok?" about a pasted chat: what stands out, quoted; calm where nothing does."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from actions.about_chat import WITHHELD, ActionAboutChat
from actions.pasted_chat import Words
from actions.signpost import ActionSignpost
from actions.wiring import Signing
from safeguarding.content.chat_signs import chat_signs
from safeguarding.content.items import nothing_approved
from safeguarding.escalations.reviewing import UnknownEscalationError
from safeguarding.risk.assessment import NO_RISK, Assessment, Signal
from safeguarding.taxonomy import Severity
from tests.unit.actions.trackers import CONCERN, tracker

CHAT = "is this ok?\nliam: u alone?\nme: yh\nliam: dont tell ur mum"
YOUNG = chat_signs().words["young_person"]


def signal(sign: str, words: str, severity: Severity) -> Signal:
    start = CHAT.index(words)
    return Signal(
        f"chat-{sign}", "chat", "v1", "grooming", severity, start, start + len(words), 0.8
    )


def found(severity: Severity) -> Assessment:
    signals = (
        signal("secrecy", "dont tell ur mum", severity),
        signal("being_alone", "u alone?", severity),
    )
    return Assessment(severity, ("grooming",), "unknown", signals)


def said(dispatcher, records, clock, words=None, **fields):
    fields = {"text": CHAT, "intent": "ask_about_chat", **fields}
    action = ActionAboutChat(words=words, records=records, clock=clock)
    action.run(dispatcher, tracker(**fields), {})
    (message,) = dispatcher.messages
    return message["custom"]


def test_what_stands_out_is_said_in_plain_words_with_its_line(dispatcher, records, clock):
    text = said(dispatcher, records, clock, assessment=found(Severity.CONCERN))["text"]

    secret = f"{YOUNG.signs['secrecy']}\n“dont tell ur mum”"
    alone = f"{YOUNG.signs['being_alone']}\n“u alone?”"
    assert text == "\n\n".join([YOUNG.stands_out, secret, alone, YOUNG.not_proof])


def test_a_worry_comes_with_people_who_can_help_and_is_recorded(dispatcher, log, records, clock):
    message = said(dispatcher, records, clock, assessment=found(Severity.CONCERN))

    ids = [contact["id"] for contact in message["contacts"]]
    assert "ceop" in ids
    assert ids[-2:] == ["emergency_999", "childline"]
    assert message["steps"] == YOUNG.steps
    assert log.get("m1").escalation.text == CHAT


def test_a_quiet_chat_is_answered_calmly_and_not_recorded(dispatcher, log, records, clock):
    message = said(dispatcher, records, clock)

    assert message["text"] == YOUNG.quiet
    assert [contact["id"] for contact in message["contacts"]] == ["childline"]
    assert "speak_to_someone" in [choice["id"] for choice in message["choices"]]
    with pytest.raises(UnknownEscalationError):
        log.get("m1")


def test_a_quiet_chat_beside_a_worry_does_not_talk_the_worry_away(dispatcher, log, records, clock):
    message = said(dispatcher, records, clock, assessment=CONCERN)

    assert message["text"] == YOUNG.worried
    assert message["contacts"][-1]["id"] == "childline"
    assert log.get("m1").escalation.text == CHAT


@pytest.mark.parametrize("audience", ["parent", "professional"])
def test_an_adult_reads_words_of_their_own(dispatcher, records, clock, audience):
    assessment = found(Severity.CONCERN)
    slots = {"audience": audience}

    message = said(dispatcher, records, clock, assessment=assessment, slots=slots)

    assert chat_signs().words["parent"].signs["secrecy"] in message["text"]


def test_words_past_their_review_are_withheld_and_people_are_signposted(dispatcher, records):
    def much_later() -> datetime:
        return datetime(2036, 1, 1, 12, 0, tzinfo=ZoneInfo("Europe/London"))

    message = said(dispatcher, records, much_later, assessment=found(Severity.CONCERN))

    assert message["kind"] == "contacts"
    assert message["text"] == WITHHELD
    assert [contact["id"] for contact in message["contacts"]][-2:] == ["emergency_999", "childline"]


@pytest.mark.parametrize("assessment", [NO_RISK, found(Severity.CONCERN)])
def test_words_that_nobody_signed_are_withheld_where_signatures_are_required(
    dispatcher, records, clock, assessment
):
    words = Words(chat_signs(), Signing(nothing_approved, required=True))

    message = said(dispatcher, records, clock, words=words, assessment=assessment)

    assert message["text"] == WITHHELD
    assert "“" not in repr(message)


def test_a_guard_before_a_command_does_not_move_the_quotes(dispatcher, records, clock):
    text = "\u2060" + CHAT

    message = said(dispatcher, records, clock, text=text, assessment=found(Severity.CONCERN))

    assert "“dont tell ur mum”" in message["text"]


def test_after_the_help_card_comes_what_stands_out_and_then_who_helps(dispatcher, clock):
    urgent = tracker(CHAT, "disclose_urgent", assessment=found(Severity.URGENT))

    ActionSignpost(clock=clock).run(dispatcher, urgent, {})

    about, contacts = (message["custom"] for message in dispatcher.messages)
    assert "“dont tell ur mum”" in about["text"]
    assert "contacts" not in about
    assert contacts["kind"] == "contacts"


def test_withheld_words_do_not_hold_up_who_helps(dispatcher, clock):
    urgent = tracker(CHAT, "disclose_urgent", assessment=found(Severity.URGENT))
    words = Words(chat_signs(), Signing(nothing_approved, required=True))

    ActionSignpost(clock=clock, chat=words).run(dispatcher, urgent, {})

    (message,) = dispatcher.messages
    assert message["custom"]["kind"] == "contacts"
