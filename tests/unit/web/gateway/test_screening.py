"""The gateway's own look: in threads, within a time, and a flood of messages has its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import uuid4

import pytest

from safeguarding.risk.assessment import NO_RISK, Assessment, Signal, Turn
from safeguarding.taxonomy import Severity
from tests.unit.web.gateway.conftest import WordEngine
from web.gateway import screening as module
from web.gateway.bodies import Sent
from web.gateway.screening import Screening

HURT = Sent(uuid4(), "someone hurt me")


class PlaceEngine:
    """Reads as much as the real engine reads at once, and says where a word stands."""

    def assess(self, text: str, history: Sequence[Turn] = ()) -> Assessment:
        start = text[:8_000].find("hurt")
        if start < 0:
            return NO_RISK
        signal = Signal("w", "lexicon", "1", "distress", Severity.URGENT, start, start + 4)
        return Assessment(Severity.URGENT, ("distress",), "self", (signal,))


@pytest.fixture
def engine() -> WordEngine:
    return WordEngine()


@pytest.fixture
def screening(engine: WordEngine) -> Iterator[Screening]:
    screening = Screening(engine)
    yield screening
    engine.gate.set()
    screening.close()


async def test_a_message_is_assessed_with_what_came_before(
    screening: Screening, engine: WordEngine
) -> None:
    before = (Turn("user", "hello"),)

    assessment = await screening.result(screening.begin(HURT, before), 10)

    assert assessment is not None
    assert assessment.severity == Severity.URGENT
    assert engine.seen == [("someone hurt me", before)]


async def test_a_button_needs_no_engine(screening: Screening, engine: WordEngine) -> None:
    not_safe = await screening.result(screening.begin(Sent(uuid4(), "", "not_safe_now"), ()), 10)
    safe = await screening.result(screening.begin(Sent(uuid4(), "", "safe_now"), ()), 10)

    assert not_safe is not None
    assert not_safe.severity == Severity.IMMEDIATE
    assert safe == NO_RISK
    assert engine.seen == []


async def test_an_engine_that_fails_or_is_late_gives_none(
    screening: Screening, engine: WordEngine
) -> None:
    engine.gate.clear()
    late = await screening.result(screening.begin(HURT, ()), 0.01)
    engine.broken = True
    engine.gate.set()
    failed = await screening.result(screening.begin(HURT, ()), 10)

    assert (late, failed) == (None, None)


async def test_a_flood_does_not_hold_up_anyone_else(
    screening: Screening, engine: WordEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPARE_QUEUE", 2)
    engine.gate.clear()
    flood = [screening.begin_spare(HURT, ()) for _ in range(3)]
    held = [begun for begun in flood if begun is not None]
    engine.gate.set()

    assessments = [await screening.result(begun, 10) for begun in held]

    assert flood[2] is None
    assert [a.severity for a in assessments if a] == [Severity.URGENT] * 2
    assert screening.begin_spare(HURT, ()) is not None


@pytest.mark.parametrize("before", [0, 7_990, 8_000, 15_000, 40_000])
async def test_no_part_of_a_long_text_is_skipped(before: int) -> None:
    text = "a" * before + " someone hurt me " + "b" * 20_000
    screening = Screening(PlaceEngine())

    assessment = await screening.result(screening.begin(Sent(uuid4(), text), ()), 10)

    screening.close()
    assert assessment is not None
    assert {text[s.start : s.end] for s in assessment.signals} == {"hurt"}


async def test_a_short_text_is_assessed_once(screening: Screening, engine: WordEngine) -> None:
    await screening.result(screening.begin(Sent(uuid4(), "a" * 8_000), ()), 10)

    assert len(engine.seen) == 1
