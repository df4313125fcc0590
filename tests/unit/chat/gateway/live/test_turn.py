"""While a person has the chat every message reaches them at once, assessed or not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from limits import RateLimitItemPerMinute
from sqlalchemy.engine import Engine

from chat.gateway.limits import RateLimits
from chat.gateway.live.turn import PersonTurn
from chat.gateway.recorder import Patience, Recorder
from safeguarding.escalation import NOT_ASSESSED
from safeguarding.live_chat import LIVE_CHAT
from safeguarding.taxonomy import Severity
from storage import handoffs
from tests.records import Clock, vault
from tests.unit.chat.gateway.conftest import World, until
from tests.unit.chat.gateway.live.office import LiveOffice, joined, live_office


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr("chat.gateway.composition.utc_now", clock)
    recorder = partial(Recorder, patience=Patience(mailbox_s=30))
    monkeypatch.setattr("chat.gateway.composition.Recorder", recorder)
    for name in ("READ_S", "SEND_S", "ROUND_S"):
        monkeypatch.setattr(f"chat.gateway.live.reading.{name}", 30)


@pytest.fixture
async def office(world: World, engine: Engine, clock: Clock) -> AsyncIterator[LiveOffice]:
    async with live_office(world, engine, clock) as office:
        yield office


def waiting(office: LiveOffice) -> list[Any]:
    """Return the messages that wait for the assessment worker."""
    with office.engine.connect() as connection:
        numbers = [
            number
            for number, _ in handoffs.waiting(
                connection, 0, 100, unassessed_before=office.clock.at.replace(year=2100)
            )
        ]
        return [handoffs.opened(row, vault()) for row in handoffs.read(connection, numbers)]


async def test_staff_read_each_message_with_its_assessment_and_its_mark(
    office: LiveOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.gateway.live.turn.ASSESSED_WITHIN_S", 20)
    young = await joined(office)

    await young.say("hello")
    await young.say("i am worried")

    for text, severity in (("hello", Severity.NONE), ("i am worried", Severity.CONCERN)):
        read = office.read(young, text)
        assert (read.assessment.severity, read.extra[LIVE_CHAT]) == (severity, "chat")
        assert read.is_assessed


async def test_what_staff_wrote_is_read_before_the_next_message(
    office: LiveOffice, world: World
) -> None:
    young = await joined(office)
    office.write(young, "Did he hurt you?")

    await young.say("yes")

    _, before = world.engine.seen[-1]
    assert [turn.text for turn in before if turn.by == "assistant"][-1] == "Did he hurt you?"


async def test_a_message_that_is_assessed_late_is_read_at_once_and_raised_afterwards(
    office: LiveOffice, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.gateway.live.turn.ASSESSED_WITHIN_S", 0.2)
    young = await joined(office)
    world.engine.gate.clear()

    assert await young.say("he is here now") == []

    read = office.read(young, "he is here now")
    assert not read.is_assessed
    assert read.assessment.severity == Severity.NONE
    (left,) = waiting(office)
    assert (left.text, left.assessment) == ("he is here now", NOT_ASSESSED)
    world.engine.gate.set()
    card = (await young.until("Call 999"))[0]
    assert card["severity"] == "immediate"
    await until(lambda: office.read(young, "he is here now").is_assessed)
    read = office.read(young, "he is here now")
    assert read.assessment.severity == Severity.IMMEDIATE
    assert waiting(office) == []


async def test_under_pressure_lantern_says_nothing_and_staff_read_it(
    office: LiveOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    young = await joined(office)
    monkeypatch.setattr("chat.gateway.pressure.MOST_UNDER_WAY", -1)

    assert await young.say("hello") == []

    assert not office.read(young, "hello").is_assessed
    assert [each.text for each in waiting(office)] == ["hello"]


async def test_a_danger_for_which_there_was_no_room_is_answered_once_there_is(
    office: LiveOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.gateway.live.turn.AGAIN_S", 0.1)
    young = await joined(office)
    monkeypatch.setattr("chat.gateway.pressure.MOST_UNDER_WAY", -1)

    assert await young.say("he is here now") == []

    assert (await young.until("Call 999"))[0]["severity"] == "immediate"
    assert await young.say("now") == []


async def test_over_the_limit_lantern_says_nothing_and_staff_read_it(
    world: World, engine: Engine, clock: Clock
) -> None:
    many, few = RateLimitItemPerMinute(1_000), RateLimitItemPerMinute(2)
    limits = RateLimits(None, "k" * 40, per_address=many, beginnings=many, per_conversation=few)
    async with live_office(world, engine, clock, limits) as office:
        young = await joined(office)

        for text in ("one", "two", "three"):
            answer = await office.gateway.say(young.headers, text)
            assert (answer.status_code, answer.json()["messages"]) == (200, [])

        assert office.read(young, "three").extra[LIVE_CHAT] == "chat"


async def test_when_the_answer_fails_staff_read_it(
    office: LiveOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    young = await joined(office)

    async def broken(*_arguments: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(PersonTurn, "answer", broken)

    assert await young.say("hello") == []
    assert office.read(young, "hello").extra["fallback"] == "failed"


async def test_the_same_message_twice_is_read_once(office: LiveOffice) -> None:
    young = await joined(office)
    message_id = "5f0c7a52-4b0e-4d7e-9d51-6f6a2d3c9f10"

    for _ in range(3):
        assert await young.say("hello", message_id) == []

    office.read(young, "hello")
    assert len([text for text, _ in office.gateway.world.engine.seen if text == "hello"]) == 1
