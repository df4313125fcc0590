"""The answer to "Is this ok?" about a pasted chat: its signs, quoted; it calls no chat fine."""

from __future__ import annotations

import pytest

from actions.help import ActionAboutChat, ActionSignpost
from safeguarding.risk.assessment import NO_RISK, Assessment, Signal
from safeguarding.taxonomy import Severity
from tests.content import real_content
from tests.unit.actions.trackers import CONCERN, tracker

CHAT = "is this ok?\nliam: u alone?\nme: yh\nliam: dont tell ur mum"
YOUNG = real_content().chat_signs.by_reader["young_person"]


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


def said(dispatcher, composition, **fields):
    fields = {"text": CHAT, "intent": "ask_about_chat", **fields}
    ActionAboutChat(composition).run(dispatcher, tracker(**fields), {})
    (message,) = dispatcher.messages
    return message["custom"]


def test_what_stands_out_is_said_in_plain_words_with_its_line(dispatcher, composed):
    text = said(dispatcher, composed, assessment=found(Severity.CONCERN))["text"]

    secret = f"{YOUNG.signs['secrecy']}\n“dont tell ur mum”"
    alone = f"{YOUNG.signs['being_alone']}\n“u alone?”"
    assert text == "\n\n".join([YOUNG.stands_out, secret, alone, YOUNG.not_proof])


def test_a_worry_comes_with_people_who_can_help(dispatcher, composed):
    message = said(dispatcher, composed, assessment=found(Severity.CONCERN))

    ids = [contact["id"] for contact in message["contacts"]]
    assert "ceop" in ids
    assert ids[-2:] == ["emergency_999", "childline"]
    assert message["steps"] == YOUNG.steps


@pytest.mark.parametrize(
    ("audience", "first"),
    [(None, "childline"), ("parent", "nspcc_helpline"), ("professional", "nspcc_helpline")],
)
def test_a_chat_that_shows_nothing_is_never_called_fine(dispatcher, composed, audience, first):
    message = said(dispatcher, composed, slots={"audience": audience})

    assert message["text"].startswith("I can't tell from this. What makes you unsure about it?")
    assert [contact["id"] for contact in message["contacts"]] == [first, "ceop"]
    assert "speak_to_someone" in [choice["id"] for choice in message["choices"]]
    assert any("999" in step for step in message["steps"])


def test_a_quiet_chat_beside_a_worry_does_not_talk_the_worry_away(dispatcher, composed):
    message = said(dispatcher, composed, assessment=CONCERN)

    assert message["text"] == YOUNG.worried
    assert message["contacts"][-1]["id"] == "childline"


@pytest.mark.parametrize("audience", ["parent", "professional"])
def test_an_adult_reads_words_of_their_own(dispatcher, composed, audience):
    assessment = found(Severity.CONCERN)
    slots = {"audience": audience}

    message = said(dispatcher, composed, assessment=assessment, slots=slots)

    assert real_content().chat_signs.by_reader["parent"].signs["secrecy"] in message["text"]


def test_words_past_their_review_are_withheld_and_people_are_signposted(dispatcher, years_later):
    message = said(dispatcher, years_later, assessment=found(Severity.CONCERN))

    assert message["kind"] == "contacts"
    assert message["text"] == years_later.phrases.chat_withheld
    assert [contact["id"] for contact in message["contacts"]][-2:] == ["emergency_999", "childline"]


@pytest.mark.parametrize("assessment", [NO_RISK, found(Severity.CONCERN)])
def test_unsigned_words_are_withheld_where_signatures_are_required(
    dispatcher, signatures_required, assessment
):
    message = said(dispatcher, signatures_required, assessment=assessment)

    assert message["text"] == signatures_required.phrases.chat_withheld
    assert "“" not in repr(message)


def test_a_guard_before_a_command_does_not_move_the_quotes(dispatcher, composed):
    text = "\u2060" + CHAT

    message = said(dispatcher, composed, text=text, assessment=found(Severity.CONCERN))

    assert "“dont tell ur mum”" in message["text"]


def test_after_the_help_card_comes_what_stands_out_and_then_who_helps(dispatcher, composed):
    urgent = tracker(CHAT, "disclose_urgent", assessment=found(Severity.URGENT))

    ActionSignpost(composed).run(dispatcher, urgent, {})

    about, contacts = (message["custom"] for message in dispatcher.messages)
    assert "“dont tell ur mum”" in about["text"]
    assert "contacts" not in about
    assert contacts["kind"] == "contacts"


def test_withheld_words_do_not_hold_up_who_helps(dispatcher, signatures_required):
    urgent = tracker(CHAT, "disclose_urgent", assessment=found(Severity.URGENT))

    ActionSignpost(signatures_required).run(dispatcher, urgent, {})

    (message,) = dispatcher.messages
    assert message["custom"]["kind"] == "contacts"
