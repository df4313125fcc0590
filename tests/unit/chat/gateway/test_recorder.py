"""A record is on a disk before its answer leaves, is never doubled, and keeps nobody waiting."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timezone

import pytest

from chat.gateway import recorder as module
from chat.gateway.metrics import GatewayMetrics
from chat.gateway.recorder import BoundedPool, Patience, Recorder
from safeguarding.escalation import Escalation
from safeguarding.taxonomy import Severity
from tests.unit.chat.gateway.conftest import MemoryMailbox, MemorySpool, assessed, until

SECRET = "what a child wrote"
PATIENT = Patience(mailbox_s=20)
IMPATIENT = Patience(mailbox_s=0.05, spool_s=0.05, away_s=60)


def escalation(message_id: str = "m1") -> Escalation:
    at = datetime(2026, 11, 25, tzinfo=timezone.utc)
    return Escalation(message_id, "c1", SECRET, assessed(Severity.URGENT), at, "gateway")


@pytest.fixture
def log() -> MemoryMailbox:
    return MemoryMailbox()


@pytest.fixture
def spool() -> MemorySpool:
    return MemorySpool()


@pytest.fixture
def recorder(log: MemoryMailbox, spool: MemorySpool) -> Recorder:
    return Recorder(log, spool, GatewayMetrics())


@pytest.fixture
def impatient(log: MemoryMailbox, spool: MemorySpool) -> Recorder:
    """Return a recorder that soon takes a log or a spool for hanging."""
    return Recorder(log, spool, GatewayMetrics(), IMPATIENT)


@pytest.fixture
def patient(log: MemoryMailbox, spool: MemorySpool) -> Recorder:
    """Return a recorder that waits for a log that a test holds up."""
    return Recorder(log, spool, GatewayMetrics(), PATIENT)


@asynccontextmanager
async def at_work(recorder: Recorder) -> AsyncIterator[None]:
    """Let the recorder retry and drain meanwhile."""
    working = asyncio.create_task(recorder.work_forever(0.01, 0.01))
    try:
        yield
    finally:
        working.cancel()


async def test_it_goes_into_the_log(
    recorder: Recorder, log: MemoryMailbox, spool: MemorySpool
) -> None:
    await recorder.record(escalation())

    assert (list(log.kept), list(spool.kept)) == (["m1"], [])


async def recording_while_one_is_written(
    recorder: Recorder, log: MemoryMailbox, number: int
) -> list[asyncio.Task[None]]:
    """Return so many records that are being made while the log is held up by the first."""
    log.gate.clear()
    first = asyncio.create_task(recorder.record(escalation("first")))
    await until(lambda: log.groups == [1])
    others = [
        asyncio.create_task(recorder.record(escalation(f"m{each}"))) for each in range(1, number)
    ]
    await asyncio.sleep(0.05)
    return [first, *others]


async def test_what_comes_while_one_is_written_is_written_together(
    patient: Recorder, log: MemoryMailbox, spool: MemorySpool
) -> None:
    made = await recording_while_one_is_written(patient, log, 12)
    assert not any(each.done() for each in made)
    log.gate.set()

    await asyncio.gather(*made)

    assert log.groups == [1, 11]
    assert list(log.kept) == ["first", *(f"m{each}" for each in range(1, 12))]
    assert spool.kept == {}


async def test_a_group_has_an_end(
    patient: Recorder, log: MemoryMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_AT_ONCE", 4)
    made = await recording_while_one_is_written(patient, log, 11)
    log.gate.set()

    await asyncio.gather(*made)

    assert log.groups == [1, 4, 4, 2]
    assert len(log.kept) == 11


async def test_of_a_group_that_fails_each_goes_to_the_spool_and_the_next_is_written(
    patient: Recorder, log: MemoryMailbox, spool: MemorySpool
) -> None:
    made = await recording_while_one_is_written(patient, log, 8)
    log.down = True
    log.gate.set()
    await asyncio.gather(*made)
    log.down = False

    await patient.record(escalation("next"))

    assert set(spool.kept) == {"first", *(f"m{each}" for each in range(1, 8))}
    assert list(log.kept) == ["next"]


async def test_a_group_that_is_late_is_on_the_spool_and_is_kept_once_when_it_comes_after_all(
    impatient: Recorder, log: MemoryMailbox, spool: MemorySpool
) -> None:
    made = await recording_while_one_is_written(impatient, log, 5)
    await asyncio.gather(*made)
    spooled = set(spool.kept)
    log.gate.set()

    async with at_work(impatient):
        await until(lambda: not spool.kept)
        await until(lambda: set(log.kept) == spooled)

    assert spooled == {"first", "m1", "m2", "m3", "m4"}


async def test_one_whose_answer_ends_early_is_written_with_its_group(
    patient: Recorder, log: MemoryMailbox
) -> None:
    first, gone, other = await recording_while_one_is_written(patient, log, 3)
    gone.cancel()
    log.gate.set()

    await asyncio.gather(first, other)

    assert list(log.kept) == ["first", "m1", "m2"]


async def test_a_failing_database_is_bridged_by_the_spool_and_drained_later(
    recorder: Recorder, log: MemoryMailbox, spool: MemorySpool
) -> None:
    log.down = True
    await recorder.record(escalation())
    spooled = list(spool.kept)
    log.down = False

    async with at_work(recorder):
        await until(lambda: "m1" in log.kept and not spool.kept)

    assert (spooled, recorder.backlog()) == (["m1"], 0)


async def test_eight_records_are_on_the_spool_while_the_database_hangs_and_so_does_draining(
    impatient: Recorder, log: MemoryMailbox, spool: MemorySpool
) -> None:
    log.gate.clear()
    spool.keep(escalation("before"))
    names = [f"m{number}" for number in range(8)]
    async with at_work(impatient):
        await until(lambda: log.calls == 1)  # draining hangs inside the database

        await asyncio.gather(*(impatient.record(escalation(name)) for name in names))
        kept = set(spool.kept)
        log.gate.set()

    assert kept == {"before", *names}


async def test_a_database_that_was_late_is_not_waited_for_again(
    impatient: Recorder, log: MemoryMailbox, spool: MemorySpool
) -> None:
    log.gate.clear()
    await impatient.record(escalation())
    for number in range(50):
        await impatient.record(escalation(f"n{number}"))
    asked = log.calls
    log.gate.set()

    assert (asked, len(spool.kept)) == (1, 51)


async def test_a_database_that_drains_again_is_asked_again(
    impatient: Recorder, log: MemoryMailbox, spool: MemorySpool
) -> None:
    log.gate.clear()
    await impatient.record(escalation())
    log.gate.set()
    async with at_work(impatient):
        await until(lambda: not spool.kept)
        rounds = spool.rounds
        await until(lambda: spool.rounds > rounds)  # the round that emptied it is over

        await impatient.record(escalation("m2"))

    assert set(log.kept) == {"m1", "m2"}


async def test_draining_goes_on_after_a_failure(
    recorder: Recorder, log: MemoryMailbox, spool: MemorySpool
) -> None:
    log.down = True
    spool.keep(escalation())
    async with at_work(recorder):
        await until(lambda: log.calls >= 2)
        log.down = False

        await until(lambda: "m1" in log.kept)


@pytest.mark.parametrize("what", ["full", "hangs"])
async def test_what_no_disk_takes_is_held_counted_and_kept_when_one_can(
    impatient: Recorder, log: MemoryMailbox, spool: MemorySpool, what: str
) -> None:
    log.down = True
    spool.full = what == "full"
    if what == "hangs":
        spool.gate.clear()
    for number in range(6):
        await impatient.record(escalation(f"m{number}"))
    unsaved = impatient.unsaved()
    spool.full = False
    spool.gate.set()

    async with at_work(impatient):
        await until(lambda: impatient.unsaved() == 0)

    assert unsaved == 6
    assert set(spool.kept) == {f"m{number}" for number in range(6)}


async def test_one_that_can_never_be_kept_does_not_stop_the_rest(
    impatient: Recorder, log: MemoryMailbox, spool: MemorySpool
) -> None:
    log.down = spool.full = True
    await impatient.record(escalation("never"))
    await impatient.record(escalation("m2"))
    spool.full = False
    spool.refuses = "never"

    async with at_work(impatient):
        await until(lambda: "m2" in spool.kept)

    assert impatient.unsaved() == 1


async def test_what_is_held_is_said_aloud_without_the_words(
    recorder: Recorder,
    log: MemoryMailbox,
    spool: MemorySpool,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    log.down = spool.full = True

    await recorder.record(escalation())

    said = capsys.readouterr().out + caplog.text
    assert "escalation.unsaved" in said
    assert SECRET not in said


async def test_an_answer_that_ends_early_does_not_end_its_record(
    recorder: Recorder, log: MemoryMailbox
) -> None:
    recording = asyncio.create_task(recorder.record(escalation()))
    await asyncio.sleep(0)
    recording.cancel()

    await until(lambda: "m1" in log.kept)


async def test_stopping_waits_for_what_is_under_way_and_tries_what_is_held(
    recorder: Recorder, log: MemoryMailbox, spool: MemorySpool
) -> None:
    log.down = spool.full = True
    await recorder.record(escalation("held"))
    log.down = False
    log.gate.clear()
    recording = asyncio.create_task(recorder.record(escalation()))
    await until(lambda: log.calls == 2)
    log.gate.set()

    await recorder.finish()

    assert {"m1", "held"} <= set(log.kept)
    await recording


async def test_the_error_of_work_whose_caller_left_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pool, may_fail = BoundedPool("test", threads=1, room=1), threading.Event()

    def fail() -> None:
        may_fail.wait(10)
        raise OSError(SECRET)

    caller = asyncio.create_task(pool.run(None, fail))
    await asyncio.sleep(0.05)
    caller.cancel()
    with suppress(asyncio.CancelledError):
        await caller
    may_fail.set()
    await until(lambda: all(each.done() for each in pool._inside))
    await asyncio.sleep(0.05)
    pool._inside.clear()
    gc.collect()
    await asyncio.sleep(0)

    assert SECRET not in caplog.text
