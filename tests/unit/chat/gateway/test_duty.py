"""A help card says when somebody reads what was told: what the rota says, and no more."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pytest

from chat.gateway import duty as module
from chat.gateway.duty import HOLDS, Duty
from safeguarding.messages import Message
from staff.rota.rota import Span
from storage.duty import Watch
from tests.content import real_content
from tests.records import NOON, Clock

HOUR = timedelta(hours=1)
CARDS = real_content().help_cards
USUAL = CARDS.ending("young_person")
CARD = Message(kind="help_card", severity="urgent", text=f"Call 999.\n\n{USUAL}")
ADULT = Message(kind="help_card", severity="urgent", text=f"Call.\n\n{CARDS.ending('adult')}")


class Rota:
    """What is read: spans, or an error."""

    def __init__(self, *spans: Span, area: str | None = None) -> None:
        """On duty for everywhere, or for one area."""
        self.areas = None if area is None else frozenset({area})
        self.spans = spans
        self.gate = threading.Event()
        self.gate.set()
        self.broken = False

    def __call__(self, _start: datetime, _end: datetime) -> Sequence[Watch]:
        self.gate.wait(30)
        if self.broken:
            raise OSError
        return [Watch(*span, self.areas) for span in self.spans]


def duty_of(rota: Rota, clock: Clock) -> Duty:
    return Duty(rota, real_content(), clock)


async def said(rota: Rota, clock: Clock, card: Message = CARD) -> str:
    duty = duty_of(rota, clock)
    await duty.read_once()
    [shown] = duty.with_rota([card])
    return shown["text"].partition("\n\n")[2]


async def test_somebody_is_on_duty() -> None:
    rota = Rota((NOON - HOUR, NOON + HOUR))

    assert "is on duty now and gets told" in await said(rota, Clock())
    assert (await said(rota, Clock(), ADULT)).startswith("I'm a program")


@pytest.mark.parametrize(("area", "promised"), [("swindon", True), ("wiltshire", False)])
async def test_somebody_on_duty_for_another_area_promises_nothing(
    area: str, promised: bool
) -> None:
    duty = duty_of(Rota((NOON - HOUR, NOON + HOUR), area="swindon"), Clock())
    await duty.read_once()

    [shown] = duty.with_rota([CARD], area)

    assert ("is on duty now" in shown["text"]) is promised
    # Of a case whose area nobody knows all are told.
    assert "is on duty now" in duty.with_rota([CARD])[0]["text"]


@pytest.mark.parametrize(
    ("start", "when"),
    [
        (NOON + HOUR, "1pm today"),
        (NOON + 12 * HOUR, "midnight today"),
        (NOON + 24 * HOUR, "midday tomorrow"),
        (NOON + timedelta(hours=21, minutes=30), "9.30am tomorrow"),
        (NOON + timedelta(days=5, hours=-3), "Monday at 9am"),
        (NOON + timedelta(days=12, hours=-3), "Monday 7 December at 9am"),
    ],
)
async def test_nobody_is_on_duty_until(start: datetime, when: str) -> None:
    words = await said(Rota((start, start + HOUR)), Clock())

    assert f"Nobody from the safeguarding team is on duty until {when}," in words
    assert "don't wait for them" in words


async def test_the_time_is_london_s() -> None:
    summer = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)

    words = await said(Rota((summer + HOUR, summer + 2 * HOUR)), Clock(summer))

    assert "2pm today" in words


async def test_a_rota_that_says_nothing_promises_nothing() -> None:
    assert await said(Rota(), Clock()) == USUAL
    assert await said(Rota((NOON - 2 * HOUR, NOON - HOUR)), Clock()) == USUAL


async def test_a_rota_that_cannot_be_read_promises_nothing_for_long() -> None:
    clock, rota = Clock(), Rota((NOON - HOUR, NOON + HOUR))
    duty = duty_of(rota, clock)
    await duty.read_once()
    rota.broken = True

    clock.at += HOLDS
    await duty.read_once()
    assert duty.with_rota([CARD]) != [CARD]
    clock.move(seconds=1)
    assert duty.with_rota([CARD]) == [CARD]


async def test_a_database_that_hangs_holds_up_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_WITHIN_S", 0.1)
    rota = Rota((NOON - HOUR, NOON + HOUR))
    duty = duty_of(rota, Clock())
    rota.gate.clear()
    await duty.read_once()
    await duty.read_once()

    assert duty.with_rota([CARD]) == [CARD]
    rota.gate.set()
    duty.close()


async def test_only_help_cards_are_touched() -> None:
    duty = duty_of(Rota((NOON - HOUR, NOON + HOUR)), Clock())
    await duty.read_once()
    others = [Message(kind="text", text=USUAL), Message(kind="help_card", text="Call 999.")]

    assert duty.with_rota(others) == others
