"""What the gateway says by itself, from the real content."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
import pytest

from chat.gateway.conversations import Conversation, Exchange
from chat.gateway.metrics import GatewayMetrics
from chat.gateway.replies import OwnReplies, ReplyCheck, highest_shown, with_help_first
from chat.gateway.requests import IncomingMessage
from safeguarding.content.languages import LanguageCardRecord
from safeguarding.content.translation import NativeSignature
from safeguarding.conversation_state import ConversationState
from safeguarding.dialogue.model import Candidate, DialogueModel
from safeguarding.dialogue.understand import LOOK_ABOVE
from safeguarding.messages import ContactCard, Message
from safeguarding.risk.assessment import NO_RISK, AssessedMessage, Assessment, Signal
from safeguarding.taxonomy import Severity
from tests.content import real_content

CARD = Message(kind="help_card", text="card", severity="urgent")
TEXT = Message(kind="text", text="hello")
CHILDLINE = real_content().contacts.card("childline", datetime(2026, 11, 29, tzinfo=timezone.utc))


PAY = "sextortion_should_i_pay"
AT = datetime(2026, 11, 25, 3, tzinfo=timezone.utc)
TOLD = ConversationState().after(Assessment(Severity.URGENT, ("image_abuse",), "self", ()))


class SureModel(DialogueModel):
    """Finds one reply surely right, wherever it is among those to rank."""

    def __init__(self) -> None:
        """Hold no weights."""

    def act_probabilities(self, vector: object, place: object, words: int) -> dict[str, float]:
        return {"asks_what_to_do": 1.0}

    def rank(self, vector: object, place: object, words: int, replies: Any, acts: object) -> Any:
        return [Candidate(PAY, 0.9)] if PAY in replies else []


def made(*, demonstration: bool, model: DialogueModel | None = None) -> OwnReplies:
    return OwnReplies(real_content(), model or SureModel(), lambda: AT, demonstration=demonstration)


def exchange(before: ConversationState, text: str = "should i pay") -> Exchange:
    conversation = Conversation(uuid4())
    conversation.state = before.after(NO_RISK)
    sent = IncomingMessage(id=uuid4(), text=text)
    return Exchange(conversation, "m", sent, (), before, AT)


def test_without_rasa_the_reply_that_surely_fits_is_given_all_the_same() -> None:
    (reply,) = made(demonstration=True).planned(exchange(TOLD), AssessedMessage(NO_RISK, None))

    assert reply["topic"] == f"reply_{PAY}"


@pytest.mark.parametrize(
    ("said", "demonstration", "topics"),
    [
        ([], False, []),  # the gateway cannot read whether its words are signed
        ([PAY], True, [f"reply_{LOOK_ABOVE}"]),
        ([PAY, LOOK_ABOVE], True, []),
    ],
)
def test_without_rasa_no_unsigned_reply_is_given_and_none_twice(
    said: list[str], demonstration: bool, topics: list[str]
) -> None:
    own, before = made(demonstration=demonstration), TOLD
    for each in said:
        before = before.having_said(each)

    found = own.planned(exchange(before), AssessedMessage(NO_RISK, None))

    assert [each["topic"] for each in found] == topics


@pytest.fixture
def own() -> OwnReplies:
    return made(demonstration=False)


def test_a_demonstration_says_so_before_anything_else() -> None:
    notice, *rest = made(demonstration=True).opening()

    assert notice["kind"] == "notice"
    assert "demonstration" in notice["text"]
    assert rest == real_content().opening


def test_signed_words_need_no_notice(own: OwnReplies) -> None:
    assert own.opening() == real_content().opening


def test_a_first_answer_keeps_the_contacts_that_the_card_has_too() -> None:
    answer = Message(kind="answer", text="x", topic="reply_first_x", contacts=[CHILDLINE])
    other = Message(kind="contacts", text="x", contacts=[CHILDLINE])
    card: Message = {**CARD, "contacts": [CHILDLINE]}

    _, first, rest = with_help_first([answer, other], card, Severity.URGENT)

    assert first["contacts"] == [CHILDLINE]
    assert rest["contacts"] == []


def test_what_a_person_said_is_closed_to_them_is_not_offered_again(own: OwnReplies) -> None:
    content, now = real_content(), datetime(2026, 11, 29, tzinfo=timezone.utc)
    cards = [content.contacts.card(each, now) for each in ("emergency_999", "childline", "shout")]
    check = ReplyCheck(own, content, GatewayMetrics())
    asked = exchange(TOLD)

    def offered(*facts: str) -> list[ContactCard]:
        asked.conversation.state = TOLD.with_facts(facts)
        reply = Message(kind="contacts", text="x", topic=f"reply_{PAY}", contacts=cards)
        (shown,) = check.shown(asked, AssessedMessage(NO_RISK, None), [reply])
        return shown["contacts"]

    assert [each["id"] for each in offered()] == ["emergency_999", "childline", "shout"]
    assert [each["id"] for each in offered("childline_closed")] == ["emergency_999", "shout"]
    by_no_call = {each["id"]: each["ways"] for each in offered("cannot_ring")}
    assert by_no_call["emergency_999"] == cards[0]["ways"]
    assert by_no_call["childline"]
    assert all(way["kind"] != "phone" for way in by_no_call["childline"])


@pytest.mark.parametrize(("kind", "said", "card"), [
    ("model", ["says_safe"], False), ("model", [], True), ("lexicon", ["says_safe"], True),
])  # fmt: skip
def test_a_danger_that_is_denied_in_its_own_message_gets_no_card(
    own: OwnReplies, kind: str, said: list[str], card: bool
) -> None:
    signal = Signal("x", kind, "1", "immediate_danger", Severity.IMMEDIATE, 0, 0)
    heard = Assessment(Severity.IMMEDIATE, ("immediate_danger",), "self", (signal,))
    before = TOLD.shown("hurt_by_someone", Severity.URGENT)
    asked = exchange(before)
    asked.conversation.state = before.after(heard).with_facts(said, heard)
    safe = Message(kind="text", text="Good.")

    shown = ReplyCheck(own, real_content(), GatewayMetrics()).shown(
        asked, AssessedMessage(heard, None), [safe]
    )

    assert (shown[0]["kind"] == "help_card") is card
    assert any("999" in message["text"] for message in shown)


@pytest.mark.parametrize(("kind", "topic", "card"), [
    ("model", "reply_correct_not_hurt", False), ("model", f"reply_{PAY}", True),
    ("lexicon", "reply_correct_not_hurt", True),
])  # fmt: skip
def test_a_correction_after_a_card_gets_no_second_one_where_only_the_network_alarms(
    own: OwnReplies, kind: str, topic: str, card: bool
) -> None:
    signal = Signal("x", kind, "1", "physical_abuse", Severity.URGENT, 0, 0)
    heard = Assessment(Severity.URGENT, ("physical_abuse",), "self", (signal,))
    concern = Assessment(Severity.CONCERN, ("physical_abuse",), "self", ())
    before = ConversationState().after(concern).shown("hurt_by_someone", Severity.CONCERN)
    asked = exchange(before)
    asked.conversation.state = before.after(heard)

    shown = ReplyCheck(own, real_content(), GatewayMetrics()).shown(
        asked, AssessedMessage(heard, None), [Message(kind="answer", text="Sorry.", topic=topic)]
    )

    assert (shown[0]["kind"] == "help_card") is card
    assert any("999" in message["text"] for message in shown)


def test_a_message_and_a_button_lead_to_what_they_ask_for() -> None:
    class Asked(SureModel):
        def asked(self, vector: object) -> dict[str, float]:
            return {PAY: 0.5} if vector is not None else {}

    own, typed = made(demonstration=True, model=Asked()), exchange(ConversationState())
    button = IncomingMessage(id=uuid4(), text="", choice=f"reply_{PAY}")
    pressed = replace(typed, sent=button)
    other = replace(typed, sent=replace(button, choice="not_safe_now"))
    heard = AssessedMessage(NO_RISK, None, dialogue=np.ones(1536, np.float32))

    assert own.understood(typed, heard).leaning == ((PAY, 0.5),)
    assert own.understood(typed, None).leaning == ()
    assert own.understood(pressed, None).leaning == ((PAY, 1.0),)
    assert own.understood(other, None) is typed.conversation.state


def test_at_night_too_there_is_someone_to_talk_to(own: OwnReplies) -> None:
    (message,) = own.cannot_answer(None)

    assert [(c["id"], c["open_now"]) for c in message["contacts"]] == [
        ("emergency_999", True),
        ("childline", True),
    ]


def test_the_request_to_wait_comes_after_help(own: OwnReplies) -> None:
    state = ConversationState(severity=Severity.URGENT, audience="parent")

    card, waiting = own.too_fast(state)

    assert card == own.help_card(state)
    assert waiting["kind"] == "text"


@pytest.mark.parametrize("need", ["friend", "suicide", "own_behaviour"])
@pytest.mark.parametrize("severity", [Severity.CONCERN, Severity.URGENT])
def test_the_help_card_is_for_the_need_of_the_conversation(
    own: OwnReplies, need: str, severity: Severity
) -> None:
    card = own.help_card(ConversationState(severity=severity, need=need))

    assert (card["need"], card["severity"]) == (need, severity.label)


def test_in_immediate_danger_the_card_is_999_first_whatever_the_need(own: OwnReplies) -> None:
    card = own.help_card(ConversationState(severity=Severity.IMMEDIATE, need="friend"))

    assert (card["need"], card["severity"]) == ("danger_now", "immediate")
    assert card["text"].startswith("Call 999")


def test_the_card_of_a_conversation_that_came_to_nothing_claims_nothing(own: OwnReplies) -> None:
    card = own.help_card(ConversationState())

    assert (card["severity"], "need" in card) == ("none", False)
    assert "0800 1111" in card["text"]


@pytest.mark.parametrize(
    ("audience", "need", "adult"),
    [
        (None, "unclear", False),
        ("young_person", "suicide", False),
        ("parent", "suicide", True),
        ("professional", "unclear", True),
        (None, "adult_for_child", True),
        (None, "adult_in_crisis", True),
    ],
)
def test_whoever_writes_as_an_adult_reads_an_adults_card(
    own: OwnReplies, audience: str | None, need: str, adult: bool
) -> None:
    state = ConversationState(severity=Severity.URGENT, need=need, audience=audience)

    as_adult = real_content().help_cards.message(Severity.URGENT, "parent", need)
    assert (own.help_card(state) == as_adult) == adult


def test_that_we_are_still_here_is_said_for_the_need_and_in_turn() -> None:
    friend = ConversationState(severity=Severity.CONCERN, need="friend")
    cards = real_content().help_cards

    first, second = (cards.still_here(replace(friend, replies=turn)) for turn in (1, 2))
    other = cards.still_here(replace(friend, need="suicide", replies=1))

    assert (first["kind"], first["topic"]) == ("prompt", "still_here")
    assert len({first["text"], second["text"], other["text"]}) == 3
    assert "not_safe_now" in [choice["id"] for choice in first["choices"]]


def test_the_way_back_leads_to_the_step_that_is_open_and_nowhere_from_the_end() -> None:
    guides = real_content().guides
    guide = guides.all()["sextortion"]

    back = guides.resume("sextortion/2")

    assert back is not None
    assert back["id"] == "guide_sextortion_resume_2"
    assert guide.title in back["label"]
    assert guides.resume(f"sextortion/{len(guide.steps)}") is None
    assert guides.resume("no_such_guide/1") is None


@pytest.mark.parametrize(
    ("replies", "severity", "expected"),
    [
        ([TEXT], Severity.URGENT, ["help_card", "text"]),
        ([TEXT, CARD], Severity.URGENT, ["help_card", "text"]),
        ([CARD, TEXT], Severity.CONCERN, ["help_card", "text"]),
        ([], Severity.NONE, ["help_card"]),
    ],
)
def test_help_leads_wherever_it_stood(
    replies: list[Message], severity: Severity, expected: list[str]
) -> None:
    assert [m["kind"] for m in with_help_first(replies, CARD, severity)] == expected


def test_the_graver_card_takes_the_place_of_a_milder_one() -> None:
    graver = Message(kind="help_card", text="999", severity="immediate")

    assert with_help_first([CARD, TEXT], graver, Severity.IMMEDIATE) == [graver, TEXT]
    assert with_help_first([graver, TEXT], CARD, Severity.URGENT) == [graver, TEXT]


def test_whoever_stands_on_the_card_is_not_shown_again_below_it(own: OwnReplies) -> None:
    card = own.help_card(ConversationState(severity=Severity.CONCERN))
    below = own.cannot_answer(None)

    first, contacts = with_help_first(below, card, Severity.CONCERN)

    assert first == card
    assert contacts["contacts"] == []
    assert below[0]["contacts"]


def test_only_help_cards_count_as_shown() -> None:
    concern = Message(kind="answer", text="x", severity="concern")

    assert highest_shown([concern, TEXT]) == Severity.NONE
    assert highest_shown([concern, CARD]) == Severity.URGENT


def in_polish(language: LanguageCardRecord, *, demonstration: bool) -> tuple[Message, Message]:
    """Return what is shown of Rasa's two kinds of card while the content holds this language."""
    content = replace(real_content(), languages={"pl": language})
    own = OwnReplies(content, SureModel(), lambda: AT, demonstration=demonstration)
    check = ReplyCheck(own, content, GatewayMetrics())
    # A model that was trained a while ago holds words of then.
    calm = Message(kind="text", topic="language_card", text="of then", lang="pl")
    grave: Message = {**content.help_cards.message(Severity.IMMEDIATE, None), "text": "of then"}
    harmless = AssessedMessage(NO_RISK, None)
    danger = Assessment(Severity.IMMEDIATE, ("immediate_danger",), "self", ())
    (first,) = check.shown(exchange(ConversationState()), harmless, [calm])
    second, *_ = check.shown(
        exchange(ConversationState()), AssessedMessage(danger, None), [{**grave, "lang": "pl"}]
    )
    return first, second


POLISH = real_content().languages["pl"]
BY_TWO = msgspec.structs.replace(
    POLISH,
    signed_by_native_speakers=[
        NativeSignature(name, AT.date(), POLISH.digest) for name in ("Anna Nowak", "Jan Lis")
    ],
)


@pytest.mark.parametrize(
    ("language", "demonstration"), [(POLISH, True), (BY_TWO, True), (BY_TWO, False)]
)
def test_a_translation_is_shown_in_a_demonstration_and_once_two_have_signed(
    language: LanguageCardRecord, demonstration: bool
) -> None:
    calm, grave = in_polish(language, demonstration=demonstration)

    assert (calm["text"], calm["lang"]) == (POLISH.card, "pl")
    assert (grave["text"], grave["lang"]) == (POLISH.immediate_card, "pl")


def test_outside_the_demonstration_the_english_stands_in_for_an_unsigned_translation() -> None:
    once = msgspec.structs.replace(
        BY_TWO, signed_by_native_speakers=BY_TWO.signed_by_native_speakers[:1] * 2
    )

    calm, grave = in_polish(once, demonstration=False)

    assert (calm["text"], grave["text"]) == (
        POLISH.card_in_english,
        POLISH.immediate_card_in_english,
    )
    assert "lang" not in calm
    assert "lang" not in grave
    assert "999" in calm["text"]
    assert "emergency_999" in [contact["id"] for contact in grave["contacts"]]


@pytest.mark.parametrize("demonstration", [True, False])
def test_the_new_english_stands_in_for_a_translation_of_the_old(demonstration: bool) -> None:
    new = "In danger? Call 999. Childline: 0800 1111. I read English."
    changed = msgspec.structs.replace(BY_TWO, card_in_english=new)

    calm, grave = in_polish(changed, demonstration=demonstration)

    assert (calm["text"], calm.get("lang")) == (new, None)
    assert grave.get("lang") == ("pl" if demonstration else None)


def test_a_card_in_a_language_without_a_file_stays_as_rasa_says_it(own: OwnReplies) -> None:
    message = Message(kind="text", topic="language_card", text="Call 999.", lang="xx")

    assert own.in_language(message) == message
