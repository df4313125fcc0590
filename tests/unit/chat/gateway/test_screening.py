"""Which messages are assessed before their answer: those for which there is time, and no others."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Iterator
from types import SimpleNamespace
from uuid import uuid4

import pytest

from chat.gateway import screening as module
from chat.gateway.pressure import Pressure
from chat.gateway.requests import IncomingMessage
from chat.gateway.screening import ROOM, SHORT_CHARACTERS, Screening
from safeguarding.conversation_state import ConversationState
from safeguarding.risk.assessment import NO_RISK, AssessedMessage, Turn
from safeguarding.screening.lanes import LONG, SHORT, SPARE
from safeguarding.screening.process import ScreeningAwayError
from safeguarding.screening.task import ScreeningTask
from safeguarding.taxonomy import Severity
from tests.unit.chat.gateway.conftest import assessed, until

WORDS = "someone hurt me"
HURT = IncomingMessage(uuid4(), WORDS)
LONG_TEXT = IncomingMessage(uuid4(), "nonsense " * 7_000)
FOUND = AssessedMessage(assessed(Severity.URGENT), None)
Begun = asyncio.Future[AssessedMessage]


class HeldScreener:
    """A screening process that answers when it is let go, or fails with `error`."""

    def __init__(self) -> None:
        self.is_up = True
        self.asked: list[tuple[ScreeningTask, str]] = []
        self.go = asyncio.Event()
        self.took_s = 0.0
        self.error: Exception | None = None
        self.closed = False

    async def start(self) -> bool:
        return self.is_up

    async def screen(self, task: ScreeningTask, lane: str) -> tuple[AssessedMessage, float]:
        self.asked.append((task, lane))
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return FOUND, self.took_s

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def screener() -> HeldScreener:
    return HeldScreener()


@pytest.fixture
def screening(screener: HeldScreener) -> Screening:
    return Screening(screener, Pressure())


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Collect the errors that are logged, and see that no words are among their facts."""
    events: list[str] = []
    facts: list[str] = []

    def error(event: str, **more: object) -> None:
        events.append(event)
        facts.append(str(more))

    monkeypatch.setattr(module, "log", SimpleNamespace(error=error, warning=error))
    yield events
    assert WORDS not in str(facts)


async def begin(screening: Screening, number: int, sent: IncomingMessage = HURT) -> list[Begun]:
    """Begin so many one after the other; return those for which there was room."""
    begun = []
    for _ in range(number):
        begun.append(screening.begin(sent, ()))
        await asyncio.sleep(0)
    return [each for each in begun if each is not None]


async def test_a_message_is_handed_on_with_what_came_before_it(
    screening: Screening, screener: HeldScreener
) -> None:
    before, state = (Turn("user", "hello"),), ConversationState(asked="safe_now")
    screener.go.set()

    found = await screening.result(screening.begin(HURT, before, state), 10)

    assert found == FOUND
    assert screener.asked == [(ScreeningTask(WORDS, before, state), SHORT)]


@pytest.mark.parametrize(
    ("length", "lane"), [(SHORT_CHARACTERS, SHORT), (SHORT_CHARACTERS + 1, LONG)]
)
async def test_long_messages_have_a_lane_of_their_own(
    screening: Screening, screener: HeldScreener, length: int, lane: str
) -> None:
    await begin(screening, 1, IncomingMessage(uuid4(), "a" * length))

    assert [each for _, each in screener.asked] == [lane]


@pytest.mark.parametrize("sent", [HURT, LONG_TEXT])
async def test_a_message_over_the_limit_is_assessed_apart_and_not_for_an_answer(
    screening: Screening, screener: HeldScreener, sent: IncomingMessage
) -> None:
    screening.begin_spare(sent, ())
    await asyncio.sleep(0)

    assert screener.asked == [(ScreeningTask(sent.text, is_answered=False), SPARE)]


async def test_a_button_and_nothing_typed_need_no_process(
    screening: Screening, screener: HeldScreener
) -> None:
    screener.is_up = False

    for start in (screening.begin, screening.begin_spare):
        not_safe = await screening.result(
            start(IncomingMessage(uuid4(), "", "not_safe_now"), ()), 0
        )
        safe = await screening.result(start(IncomingMessage(uuid4(), "", "safe_now"), ()), 0)
        nothing = await screening.result(start(IncomingMessage(uuid4(), " \n"), ()), 0)

        assert not_safe is not None
        assert not_safe.assessment.severity == Severity.IMMEDIATE
        assert safe == nothing == AssessedMessage(NO_RISK, None)
    assert screener.asked == []


async def test_nothing_is_begun_while_the_process_is_away(
    screening: Screening, screener: HeldScreener, logged: list[str]
) -> None:
    assert screening.is_up
    screener.is_up = False

    begun = [screening.begin(HURT, ()), screening.begin(LONG_TEXT, ())]
    begun.append(screening.begin_spare(HURT, ()))

    assert begun == [None] * 3
    assert not screening.is_up
    assert screener.asked == []
    assert logged == ["screening.no_room"] * 3


@pytest.mark.parametrize(("sent", "lane"), [(HURT, SHORT), (LONG_TEXT, LONG)])
async def test_a_flood_fills_its_own_lane_and_no_other(
    screening: Screening, screener: HeldScreener, logged: list[str],
    sent: IncomingMessage, lane: str,
) -> None:  # fmt: skip
    flood = await begin(screening, ROOM[lane] + 7, sent)
    others = [screening.begin_spare(HURT, ())]
    others.append(screening.begin(LONG_TEXT if sent is HURT else HURT, ()))

    assert len(flood) == ROOM[lane]
    assert logged == ["screening.no_room"]
    assert None not in others

    screener.go.set()
    await asyncio.gather(*flood)
    assert await screening.result(screening.begin(sent, ()), 10) == FOUND


async def test_messages_over_the_limit_fill_their_own_lane(
    screening: Screening, screener: HeldScreener
) -> None:
    flood = []
    for _ in range(ROOM[SPARE] + 1):
        flood.append(screening.begin_spare(HURT, ()))
        await asyncio.sleep(0)

    assert flood[-1] is None
    assert None not in flood[:-1]
    screener.go.set()
    assert await screening.result(screening.begin(HURT, ()), 10) == FOUND


async def test_there_is_no_more_room_for_messages_that_come_in_one_turn_of_the_loop(
    screening: Screening,
) -> None:
    flood = [screening.begin(LONG_TEXT, ()) for _ in range(ROOM[LONG] + 1)]

    assert flood[-1] is None


async def test_a_message_that_would_wait_too_long_is_not_begun(
    screener: HeldScreener, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    screening = Screening(screener, Pressure())
    # The running average after one that took ten seconds is one second: two cores do two a second.
    screener.took_s = 10.0
    screener.go.set()
    await screening.result(screening.begin(HURT, ()), 10)
    screener.go.clear()

    flood = await begin(screening, 10)

    # The second begins in half a second at the latest, a third would only in one.
    assert len(flood) == 2
    assert logged == ["screening.no_room"]
    assert len(await begin(screening, ROOM[LONG], LONG_TEXT)) == ROOM[LONG]
    assert screening.begin_spare(HURT, ()) is not None

    screener.took_s = 0.0
    screener.go.set()
    await asyncio.gather(*flood)
    assert screening.begin(HURT, ()) is not None


async def test_how_long_a_long_message_takes_says_nothing_of_the_short_ones(
    screening: Screening, screener: HeldScreener
) -> None:
    screener.took_s = 600.0
    screener.go.set()
    await screening.result(screening.begin(LONG_TEXT, ()), 10)
    await screening.result(screening.begin_spare(HURT, ()), 10)
    screener.go.clear()

    assert len(await begin(screening, 20)) == 20


async def test_an_assessment_that_is_late_is_not_waited_for_and_still_comes(
    screening: Screening, screener: HeldScreener, logged: list[str]
) -> None:
    begun = screening.begin(HURT, ())

    late = await screening.result(begun, 0.01)
    screener.go.set()

    assert late is None
    assert logged == ["screening.late"]
    assert await screening.result(begun, 10) == FOUND


async def test_what_was_not_begun_has_no_result(screening: Screening) -> None:
    assert await screening.result(None, 10) is None


@pytest.mark.parametrize("error", [RuntimeError(WORDS), ScreeningAwayError()])
async def test_a_process_that_fails_gives_none_and_its_place_back(
    screening: Screening, screener: HeldScreener, logged: list[str], error: Exception
) -> None:
    screener.error = error
    begun = await begin(screening, ROOM[LONG], LONG_TEXT)
    screener.go.set()

    assert [await screening.result(each, 10) for each in begun] == [None] * ROOM[LONG]
    assert logged == ["screening.failed"] * ROOM[LONG]
    screener.error = None
    assert await screening.result(screening.begin(LONG_TEXT, ()), 10) == FOUND


async def test_the_error_of_an_assessment_that_nobody_waits_for_is_not_logged(
    screening: Screening, screener: HeldScreener, caplog: pytest.LogCaptureFixture
) -> None:
    screener.error = RuntimeError(WORDS)
    begun = screening.begin(HURT, ())
    assert await screening.result(begun, 0.01) is None
    assert begun is not None
    screener.go.set()
    await until(begun.done)
    await asyncio.sleep(0)
    del begun
    gc.collect()
    await asyncio.sleep(0)

    assert WORDS not in caplog.text


async def test_closing_ends_the_process(screening: Screening, screener: HeldScreener) -> None:
    await screening.close()

    assert screener.closed
