"""Conversations in memory: what is kept of one, and how long and how much of all."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from uuid import uuid4

import pytest

from chat.gateway.conversations import (
    ANSWERS_BYTES,
    ANSWERS_KEPT,
    KEPT,
    KEPT_HEAD,
    KEPT_TAIL,
    TURNS_BYTES,
    TURNS_KEPT,
    Conversation,
    Conversations,
)
from chat.gateway.requests import Bearer, Beginning
from safeguarding.content.guides import GuidePosition
from safeguarding.content.replies import ASK_WHICH
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Choice, Message
from safeguarding.risk.assessment import NO_RISK, Assessment, Turn
from safeguarding.taxonomy import Severity
from tests.content import real_content
from tests.unit.chat.gateway.conftest import assessed


def bearer() -> Bearer:
    return Bearer(uuid4(), Beginning("parent", "wiltshire"))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_same_token_is_the_same_conversation() -> None:
    kept, who = Conversations(60), bearer()

    assert kept.of(who) is kept.of(who)
    assert kept.of(who).state == ConversationState(audience="parent", area="wiltshire")


def test_a_silent_conversation_is_forgotten_and_a_used_one_is_not() -> None:
    clock = Clock()
    kept, silent, used = Conversations(60, clock), bearer(), bearer()
    first, second = kept.of(silent), kept.of(used)
    clock.now = 50
    kept.of(used)
    clock.now = 70

    assert len(kept) == 1
    assert kept.of(used) is second
    assert kept.of(silent) is not first


async def test_leaving_forgets_at_once() -> None:
    kept, who = Conversations(60), bearer()
    kept.of(who).raise_to(Severity.URGENT)

    await kept.forget(who.conversation_id)

    assert len(kept) == 0
    assert kept.of(who).state.severity == Severity.NONE


def test_too_many_conversations_make_room_oldest_first() -> None:
    kept, people = (
        Conversations(60, most=3),
        [bearer() for _ in range(5)],
    )
    for person in people:
        kept.of(person)

    known = [kept.known(person.conversation_id) is not None for person in people]

    assert known == [False, False, True, True, True]


def test_one_that_told_a_concern_never_makes_room_for_a_quiet_one() -> None:
    kept, told = (
        Conversations(60, most=3),
        [bearer() for _ in range(2)],
    )
    for person in told:
        conversation = kept.of(person)
        conversation.raise_to(Severity.CONCERN)
        kept.keep(conversation)
    for _ in range(5):
        kept.of(bearer())
    newest = bearer()
    third = kept.of(newest)

    assert all(kept.known(person.conversation_id) for person in told)
    assert kept.known(newest.conversation_id) is third

    third.raise_to(Severity.URGENT)
    kept.keep(third)
    fourth = kept.of(bearer())
    fourth.raise_to(Severity.URGENT)
    kept.keep(fourth)

    # With no quiet one left the oldest of those goes.
    assert [kept.known(person.conversation_id) is None for person in told] == [True, False]
    assert len(kept) == 3


async def test_all_conversations_together_have_an_end_in_bytes() -> None:
    most_bytes = 1024 * 1024
    kept, last = Conversations(60, most_bytes=most_bytes), bearer()
    for person in [*(bearer() for _ in range(300)), last]:
        async with kept.turn(person, 5) as conversation:
            conversation.remember("1", Turn("user", "a" * 60_000))

    assert kept.size <= most_bytes
    assert len(kept) > 50
    assert kept.of(last).turns


async def test_turns_of_one_conversation_come_one_after_the_other() -> None:
    kept, who, seen = Conversations(60), bearer(), []

    async def one(name: str) -> None:
        async with kept.turn(who, 5):
            seen.append(f"{name} in")
            await asyncio.sleep(0)
            seen.append(f"{name} out")

    await asyncio.gather(one("a"), one("b"))

    assert seen == ["a in", "a out", "b in", "b out"]


async def test_one_that_makes_room_while_it_is_answered_is_still_the_same_one() -> None:
    kept, who = Conversations(60, most=2), bearer()
    async with kept.turn(who, 5) as conversation:
        for _ in range(5):
            kept.of(bearer())

        assert kept.of(who) is conversation
        for _ in range(5):
            kept.of(bearer())

    assert kept.known(who.conversation_id) is conversation


async def test_whoever_leaves_while_they_are_answered_is_forgotten() -> None:
    kept, who = Conversations(60), bearer()
    async with kept.turn(who, 5):
        await kept.forget(who.conversation_id)

    assert len(kept) == 0


async def test_a_turn_that_fails_lets_the_next_one_in() -> None:
    kept, who = Conversations(60), bearer()
    with pytest.raises(ValueError, match="as it happens"):
        async with kept.turn(who, 5):
            raise ValueError("as it happens")

    async with asyncio.timeout(20), kept.turn(who, 5) as conversation:
        assert conversation.id == who.conversation_id


MEBIBYTE = 1024 * 1024


def test_the_severity_only_rises() -> None:
    conversation = Conversation(uuid4())

    for severity in (Severity.CONCERN, Severity.IMMEDIATE, Severity.NONE):
        conversation.raise_to(severity)

    assert conversation.state.severity == Severity.IMMEDIATE


def test_what_a_message_came_to_is_noted_and_a_harmless_one_takes_nothing_back() -> None:
    conversation = Conversation(uuid4())

    for assessment in (assessed(Severity.URGENT, "self_harm"), NO_RISK):
        conversation.note(assessment)

    state = conversation.state
    assert (state.severity, state.need, state.replies) == (Severity.URGENT, "self_harm", 2)


def test_help_cards_that_were_shown_are_noted_by_their_need() -> None:
    conversation = Conversation(uuid4())
    cards = real_content().help_cards

    shown = [cards.message(Severity.CONCERN, None, "friend"), cards.message(Severity.NONE, None)]
    conversation.note_shown(
        [*shown, Message(kind="text", text="hello")],
        real_content(),
    )

    assert conversation.state.has_seen("friend", Severity.CONCERN)
    assert not conversation.state.has_seen("friend", Severity.URGENT)
    assert not conversation.state.has_seen("unclear", Severity.CONCERN)


def test_talk_that_got_no_card_is_noted_until_a_card_is_shown() -> None:
    content, conversation = real_content(), Conversation(uuid4())
    talk = [Message(kind="answer", text="x", topic="reply_worry_bored")]

    conversation.note_shown(talk, content)
    assert not conversation.state.talked
    conversation.note(Assessment(Severity.URGENT, ("distress",), "self", ()))
    conversation.note_shown(talk, content)
    assert conversation.state.was_talk
    card = content.help_cards.message(Severity.URGENT, None, "unclear")
    conversation.note_shown([card, *talk], content)
    assert not conversation.state.was_talk


def test_the_article_in_hand_is_the_last_that_was_shown() -> None:
    conversation = Conversation(uuid4())
    topics = ("what_is_grooming", "consent", "still_here", "help_again", "reply_x", "story_x")

    shown = [Message(kind="answer", text="x", topic=topic) for topic in topics]
    conversation.note_shown(shown, real_content())

    state = conversation.state
    assert (state.topic, state.guide) == ("consent", None)
    assert (state.last_kind, state.last_reply) == ("reply", "x")


CHILDLINE = real_content().contacts.card("childline", datetime(2026, 11, 29, tzinfo=timezone.utc))


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (Message(kind="help_card", text="x", severity="urgent"), "card"),
        (Message(kind="prompt", text="x", topic="guide_sextortion/0"), "guide"),
        (Message(kind="prompt", text="x", topic="ask_which"), "ask"),
        (Message(kind="answer", text="x", topic="consent"), "article"),
        (Message(kind="contacts", text="x", contacts=[CHILDLINE]), "contacts"),
        (Message(kind="text", text="x"), "other"),
    ],
)
def test_the_kind_of_what_was_said_last_is_noted(message: Message, kind: str) -> None:
    conversation = Conversation(uuid4())
    conversation.note_shown([message], real_content())

    assert conversation.state.last_kind == kind


def test_the_step_of_a_guide_that_was_shown_is_the_one_that_is_open() -> None:
    conversation = Conversation(uuid4())
    guides = real_content().guides

    for number in (0, 2):
        step = guides.message(GuidePosition("sextortion", number), "young_person")
        assert step is not None
        conversation.note_shown([step], real_content(), pressed=True)

    assert (conversation.state.guide, conversation.state.topic) == ("sextortion/2", None)


def test_a_guide_is_left_by_typing_and_not_begun_by_a_step_that_comes_with_a_card() -> None:
    content = real_content()
    step = content.guides.message(GuidePosition("sextortion", 0), "young_person")
    assert step is not None
    begun, offered = Conversation(uuid4()), Conversation(uuid4())

    begun.note_shown([step], content, pressed=True)
    begun.note_shown([Message(kind="text", text="x")], content)
    offered.note_shown([step], content)

    assert begun.state.guide is None
    assert offered.state.guide is None


def test_the_replies_and_articles_offered_are_known_until_something_else_is_shown() -> None:
    conversation, content = Conversation(uuid4()), real_content()
    ids = ("reply_chat_pets", "not_safe_now", "ask_consent")
    buttons = [Choice(id=each, label=each) for each in ids]
    asks = Message(kind="prompt", text="Which?", topic=ASK_WHICH, choices=buttons)

    conversation.note_shown([asks, Message(kind="text", text="x")], content)
    assert conversation.state.offered == ("reply_chat_pets", "ask_consent")
    conversation.note_shown([Message(kind="text", text="x")], content)
    assert conversation.state.offered == ()


def test_the_question_that_was_asked_last_is_open_until_something_else_is_shown() -> None:
    conversation = Conversation(uuid4())
    content = real_content()
    still = content.help_cards.still_here(conversation.state)

    conversation.note_shown([still], content)
    assert conversation.state.asked == "safe_now"
    conversation.note_shown([Message(kind="text", text="x")], content)
    assert conversation.state.asked is None


def test_turns_are_kept_once_each_and_the_last_ones_only() -> None:
    conversation = Conversation(uuid4())
    for number in range(TURNS_KEPT + 5):
        conversation.remember(str(number), Turn("user", f"turn {number}"))
    conversation.remember("24", Turn("user", "said again"))

    before = conversation.turns_before("24")

    assert len(before) == TURNS_KEPT - 1
    assert before[0].text == "turn 5"
    assert before[-1].text == "turn 23"


def test_of_a_long_turn_its_beginning_and_its_end_are_kept_as_much_as_is_assessed() -> None:
    conversation = Conversation(uuid4())
    text = "a" * 20_000 + "b" * 20_000

    conversation.remember("1", Turn("user", text))

    (turn,) = conversation.turns_before("2")
    assert len(turn.text) == KEPT
    assert turn.text.startswith("a" * (KEPT_HEAD - 10))
    assert turn.text.endswith("b" * KEPT_TAIL)


def test_a_conversation_of_long_messages_stays_small_and_keeps_the_last_ones() -> None:
    conversation = Conversation(uuid4())
    for number in range(600):
        text = f"{number} " + "\N{LOUDLY CRYING FACE} and so on " * 4_000
        conversation.remember(str(number), Turn("user", text))
        conversation.keep_answer(str(number), [Message(kind="text", text=text[:30_000])])

    assert conversation.size < MEBIBYTE
    assert TURNS_BYTES + ANSWERS_BYTES < MEBIBYTE
    assert conversation.turns_before("600")[-1].text.startswith("599 ")
    assert conversation.answer_to("599") is not None
    assert conversation.answer_to("1") is None


def test_an_answer_is_the_same_for_its_message_and_the_oldest_make_room() -> None:
    conversation = Conversation(uuid4())
    said = [Message(kind="help_card", text="Call 999 \N{BLACK HEART SUIT}", severity="urgent")]
    conversation.keep_answer("first", said)
    before = conversation.answer_to("first")
    for number in range(ANSWERS_KEPT):
        conversation.keep_answer(str(number), said)

    assert before == said
    assert conversation.answer_to("first") is None
    assert len(conversation.answers) == ANSWERS_KEPT


def test_what_was_shown_last_is_there_for_a_page_that_is_loaded_again() -> None:
    conversation = Conversation(uuid4())
    before = conversation.last_shown()
    for text in ("first", "second"):
        conversation.keep_answer(text, [Message(kind="text", text=text)])

    assert (before, conversation.last_shown()) == ([], [Message(kind="text", text="second")])


def test_an_answer_too_large_to_keep_is_not_kept() -> None:
    conversation = Conversation(uuid4())

    conversation.keep_answer("1", [Message(kind="text", text="a" * (ANSWERS_BYTES + 1))])

    assert conversation.answer_to("1") is None
