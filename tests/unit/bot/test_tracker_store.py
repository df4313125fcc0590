"""With the gateway Rasa keeps nothing between messages; without it, conversations are forgotten."""

from __future__ import annotations

import asyncio

import pytest
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot.tracker_store import Dialogue, MessageTrackerStore, one_turn

DOMAIN = Domain.from_dict({"slots": {"area": {"type": "text", "mappings": [{"type": "custom"}]}}})
IN_WILTSHIRE = Dialogue(slots={"area": "wiltshire"})


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> MessageTrackerStore:
    return MessageTrackerStore(DOMAIN, ttl_s=60, max_conversations=3, clock=clock)


def conversation(name: str) -> DialogueStateTracker:
    return DialogueStateTracker.from_events(name, [UserUttered("hello")])


async def test_a_message_of_the_gateway_finds_the_conversation_that_came_with_it(store):
    with one_turn(IN_WILTSHIRE):
        tracker = await store.get_or_create_tracker("a")

    assert tracker.sender_id == "a"
    assert tracker.get_slot("area") == "wiltshire"


async def test_nothing_of_it_stays_when_it_is_answered(store):
    with one_turn(IN_WILTSHIRE):
        tracker = await store.get_or_create_tracker("a")
        tracker.update(UserUttered("something a child wrote"))
        await store.save(tracker)

    assert store.store == {}
    assert await store.retrieve("a") is None


async def test_what_the_next_message_needs_is_read_off_what_rasa_saved(store):
    with one_turn(Dialogue()) as turn:
        tracker = (await store.get_or_create_tracker("a")).copy()
        tracker.update(SlotSet("area", "wiltshire"))
        await store.save(tracker)

    assert turn.after == IN_WILTSHIRE


async def test_within_a_message_rasa_finds_what_it_saved(store):
    with one_turn(Dialogue()):
        tracker = await store.get_or_create_tracker("a")
        tracker.update(SlotSet("area", "wiltshire"))
        await store.save(tracker)

        assert (await store.retrieve("a")).get_slot("area") == "wiltshire"


async def test_a_message_that_failed_leaves_the_conversation_as_it_was():
    with one_turn(IN_WILTSHIRE) as turn:
        pass

    assert turn.after == IN_WILTSHIRE


async def test_messages_at_once_do_not_meet(store):
    async def area_of(dialogue: Dialogue) -> object:
        with one_turn(dialogue):
            tracker = await store.get_or_create_tracker("the same name")
            await asyncio.sleep(0)
            await store.save(tracker)
            return (await store.retrieve("the same name")).get_slot("area")

    elsewhere = Dialogue(slots={"area": "swindon"})

    assert await asyncio.gather(area_of(IN_WILTSHIRE), area_of(elsewhere)) == [
        "wiltshire",
        "swindon",
    ]


async def test_works_through_rasas_wrapper(store):
    wrapped = FailSafeTrackerStore(store)
    with one_turn(IN_WILTSHIRE) as turn:
        await wrapped.save(await wrapped.get_or_create_tracker("a"))

    assert turn.after == IN_WILTSHIRE
    assert list(await wrapped.keys()) == []


async def test_a_conversation_in_progress_is_kept_where_nothing_comes_with_it(store, clock):
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
