"""Conversations in memory: kept while they are used, then forgotten."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from safeguarding.messages import Message
from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity
from web.gateway import conversations as module
from web.gateway.bodies import Beginning
from web.gateway.conversations import ANSWERS_KEPT, TURNS_KEPT, Conversation, Conversations
from web.gateway.tokens import Bearer


def bearer() -> Bearer:
    return Bearer(uuid4(), Beginning("parent", None))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_same_token_is_the_same_conversation() -> None:
    kept, who = Conversations(60), bearer()

    assert kept.of(who) is kept.of(who)
    assert kept.of(who).audience == "parent"


def test_a_silent_conversation_is_forgotten_and_a_used_one_is_not() -> None:
    clock = Clock()
    kept, silent, used = Conversations(60, clock), bearer(), bearer()
    first, second = kept.of(silent), kept.of(used)
    clock.now = 50
    kept.of(used)
    clock.now = 70

    assert kept.of(used) is second
    assert kept.of(silent) is not first


def test_leaving_forgets_at_once() -> None:
    kept, who = Conversations(60), bearer()
    kept.of(who).raise_to(Severity.URGENT)

    kept.forget(who)

    assert len(kept) == 0
    assert kept.of(who).highest == Severity.NONE


def test_too_many_conversations_make_room_oldest_first(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(module, "CONVERSATIONS_KEPT", 3)
    kept, first = Conversations(60), bearer()
    kept.of(first)

    for _ in range(5):
        kept.of(bearer())

    assert len(kept) <= 4
    assert first.conversation_id not in kept._kept


def test_the_severity_only_rises() -> None:
    conversation = Conversation(uuid4(), None, None)

    for severity in (Severity.CONCERN, Severity.IMMEDIATE, Severity.NONE):
        conversation.raise_to(severity)

    assert conversation.highest == Severity.IMMEDIATE


def test_turns_are_kept_once_each_and_the_last_ones_only() -> None:
    conversation = Conversation(uuid4(), None, None)
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

    conversation = Conversation(uuid4(), None, None)
    waiting = asyncio.create_task(never())
    conversation.keep_answer("waiting", waiting)
    for number in range(ANSWERS_KEPT + 10):
        answer = asyncio.create_task(nothing())
        await answer
        conversation.keep_answer(str(number), answer)

    assert "waiting" in conversation.answers
    assert len(conversation.answers) == ANSWERS_KEPT
    waiting.cancel()
