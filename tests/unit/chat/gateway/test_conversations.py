"""Conversations in memory: kept while they are used, then forgotten."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from chat.gateway.conversations import Conversations, MemoryLimits
from chat.gateway.requests import Bearer, Beginning
from safeguarding.conversation_state import ConversationState
from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity


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
        Conversations(60, limits=MemoryLimits(conversations=3)),
        [bearer() for _ in range(5)],
    )
    for person in people:
        kept.of(person)

    known = [kept.known(person.conversation_id) is not None for person in people]

    assert known == [False, False, True, True, True]


def test_one_that_told_a_concern_never_makes_room_for_a_quiet_one() -> None:
    kept, told = (
        Conversations(60, limits=MemoryLimits(conversations=3)),
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
    limits = MemoryLimits(bytes=1024 * 1024)
    kept, last = Conversations(60, limits=limits), bearer()
    for person in [*(bearer() for _ in range(300)), last]:
        async with kept.turn(person, 5) as conversation:
            conversation.remember("1", Turn("user", "a" * 60_000))

    assert kept.size <= limits.bytes
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
    kept, who = Conversations(60, limits=MemoryLimits(conversations=2)), bearer()
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
