"""Conversations in memory: kept while they are used, then forgotten."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from safeguarding.content.guides import Place
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Message
from safeguarding.risk.assessment import NO_RISK, Turn
from safeguarding.taxonomy import Severity
from tests.content import real_content
from tests.unit.web.gateway.conftest import assessed
from web.gateway import conversations as module
from web.gateway.conversations import ANSWERS_KEPT, TURNS_KEPT, Answer, Conversation, Conversations
from web.gateway.requests import Bearer, Beginning


def bearer() -> Bearer:
    return Bearer(uuid4(), Beginning("parent", "wiltshire"))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_the_last_answer_that_is_ready_can_be_shown_once_more() -> None:
    conversation = Conversation(uuid4())
    assert conversation.last_shown() == []

    async def answer(text: str) -> Answer:
        return Answer([Message(kind="text", text=text)])

    async def fail() -> Answer:
        raise RuntimeError

    first = asyncio.create_task(answer("first"))
    failed = asyncio.create_task(fail())
    await asyncio.wait([first, failed])
    conversation.keep_answer("1", first)
    conversation.keep_answer("2", failed)
    conversation.keep_answer("3", asyncio.create_task(answer("being made")))

    assert conversation.last_shown() == [{"kind": "text", "text": "first"}]


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


def test_leaving_forgets_at_once() -> None:
    kept, who = Conversations(60), bearer()
    kept.of(who).raise_to(Severity.URGENT)

    kept.forget(who)

    assert len(kept) == 0
    assert kept.of(who).state.severity == Severity.NONE


def test_too_many_conversations_make_room_oldest_first(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(module, "CONVERSATIONS_KEPT", 3)
    kept, first = Conversations(60), bearer()
    kept.of(first)

    for _ in range(5):
        kept.of(bearer())

    assert len(kept) == 3
    assert first.conversation_id not in kept._kept


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
    conversation.note_shown([*shown, Message(kind="text", text="hello")], real_content().choices)

    assert conversation.state.has_seen("friend", Severity.CONCERN)
    assert not conversation.state.has_seen("friend", Severity.URGENT)
    assert not conversation.state.has_seen("unclear", Severity.CONCERN)


def test_the_article_in_hand_is_the_last_that_was_shown() -> None:
    conversation = Conversation(uuid4())
    topics = ("what_is_grooming", "consent", "still_here", "help_again", "follow_up_x", "story_x")

    shown = [Message(kind="answer", text="x", topic=topic) for topic in topics]
    conversation.note_shown(shown, real_content().choices)

    assert (conversation.state.topic, conversation.state.guide) == ("consent", None)


def test_the_step_of_a_guide_that_was_shown_is_the_one_that_is_open() -> None:
    conversation = Conversation(uuid4())
    guides = real_content().guides

    for number in (0, 2):
        step = guides.message(Place("sextortion", number), "young_person")
        assert step is not None
        conversation.note_shown([step], real_content().choices)

    assert (conversation.state.guide, conversation.state.topic) == ("sextortion/2", None)


def test_turns_are_kept_once_each_and_the_last_ones_only() -> None:
    conversation = Conversation(uuid4())
    for number in range(TURNS_KEPT + 5):
        conversation.remember(str(number), Turn("user", f"turn {number}"))
    conversation.remember("24", Turn("user", "said again"))

    before = conversation.turns_before("24")

    assert len(before) == TURNS_KEPT - 1
    assert before[0].text == "turn 5"
    assert before[-1].text == "turn 23"


async def test_finished_answers_make_room_and_unfinished_ones_stay() -> None:
    async def nothing() -> list[Message]:
        return []

    async def never() -> list[Message]:
        await asyncio.Event().wait()
        return []

    conversation = Conversation(uuid4())
    waiting = asyncio.create_task(never())
    conversation.keep_answer("waiting", waiting)
    for number in range(ANSWERS_KEPT + 10):
        answer = asyncio.create_task(nothing())
        await answer
        conversation.keep_answer(str(number), answer)

    assert "waiting" in conversation.answers
    assert len(conversation.answers) == ANSWERS_KEPT
    waiting.cancel()
