"""A record is never lost, never doubled, and never keeps anyone waiting."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timezone

import pytest

from safeguarding.escalations.escalation import Escalation
from safeguarding.taxonomy import Severity
from tests.unit.web.gateway.conftest import MemoryLog, MemorySpool, assessed, until
from web.gateway.handoff import Recorder
from web.gateway.metrics import Metrics

SECRET = "what a child wrote"


def escalation(message_id: str = "m1") -> Escalation:
    at = datetime(2026, 11, 25, tzinfo=timezone.utc)
    return Escalation(message_id, "c1", SECRET, assessed(Severity.URGENT), at, "gateway")


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def spool() -> MemorySpool:
    return MemorySpool()


@pytest.fixture
def recorder(log: MemoryLog, spool: MemorySpool) -> Recorder:
    return Recorder(log, spool, Metrics(), patience_s=0.5)


async def test_it_goes_into_the_log(recorder: Recorder, log: MemoryLog, spool: MemorySpool) -> None:
    await recorder.record(escalation())

    assert (list(log.kept), list(spool.kept)) == (["m1"], [])


async def test_a_failing_database_is_bridged_by_the_spool_and_drained_later(
    recorder: Recorder, log: MemoryLog, spool: MemorySpool
) -> None:
    log.down = True
    await recorder.record(escalation())
    spooled = list(spool.kept)
    log.down = False
    draining = asyncio.create_task(recorder.drain_forever(every_s=0.01))

    await until(lambda: "m1" in log.kept)

    draining.cancel()
    assert (spooled, recorder.backlog()) == (["m1"], 0)


async def test_a_hanging_database_delays_nobody_and_the_spool_has_it(
    recorder: Recorder, log: MemoryLog, spool: MemorySpool
) -> None:
    log.gate.clear()
    started = time.monotonic()

    await recorder.record(escalation())

    waited = time.monotonic() - started
    await until(lambda: "m1" in spool.kept)
    log.gate.set()
    assert waited < 10  # the database would have held it for thirty


async def test_draining_goes_on_after_a_failure(
    recorder: Recorder, log: MemoryLog, spool: MemorySpool
) -> None:
    log.down = True
    spool.keep(escalation())
    draining = asyncio.create_task(recorder.drain_forever(every_s=0.01))
    await until(lambda: log.calls >= 2)
    log.down = False

    await until(lambda: "m1" in log.kept)

    draining.cancel()


async def test_losing_both_is_said_aloud_without_the_words(
    recorder: Recorder,
    log: MemoryLog,
    spool: MemorySpool,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    log.down = spool.full = True

    await recorder.record(escalation())

    said = capsys.readouterr().out + caplog.text
    assert "escalation.lost" in said
    assert SECRET not in said


async def test_stopping_waits_for_what_is_under_way(
    recorder: Recorder, log: MemoryLog, spool: MemorySpool
) -> None:
    log.gate.clear()
    recording = asyncio.create_task(recorder.record(escalation()))
    await until(lambda: log.calls == 1)
    log.gate.set()

    await recorder.finish()

    assert "m1" in log.kept
    await recording
