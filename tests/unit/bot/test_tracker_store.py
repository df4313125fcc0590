"""Conversations are forgotten: after a silence, on leaving, and when there are too many."""

from __future__ import annotations

import pytest
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot.tracker_store import ExpiringTrackerStore, forget


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> ExpiringTrackerStore:
    return ExpiringTrackerStore(Domain.empty(), ttl_s=60, max_conversations=3, clock=clock)


def conversation(name: str) -> DialogueStateTracker:
    return DialogueStateTracker.from_events(name, [UserUttered("hello")])


async def test_a_conversation_in_progress_is_kept(store, clock):
    await store.save(conversation("a"))
    clock.now = 59

    assert (await store.retrieve("a")).latest_message.text == "hello"


async def test_a_silent_conversation_is_forgotten(store, clock):
    await store.save(conversation("a"))
    clock.now = 61

    assert await store.retrieve("a") is None
    assert store.store == {}


async def test_each_message_keeps_a_conversation_alive(store, clock):
    await store.save(conversation("a"))
    clock.now = 50
    await store.save(conversation("a"))
    clock.now = 100

    assert await store.retrieve("a") is not None


async def test_the_longest_silent_goes_first_when_there_are_too_many(store, clock):
    for moment, name in enumerate("abcde"):
        clock.now = moment
        await store.save(conversation(name))
    await store.retrieve("e")

    assert sorted(store.store) == ["c", "d", "e"]


async def test_leaving_forgets_at_once_through_rasas_wrapper(store):
    await store.save(conversation("a"))

    forget(FailSafeTrackerStore(store), "a")

    assert store.store == {}


async def test_forgetting_an_unknown_conversation_is_harmless(store):
    forget(store, "nobody")

    assert list(await store.keys()) == []
