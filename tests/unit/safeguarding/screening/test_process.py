"""A real screening process: killed, stopped, crashed by a message, and talking nonsense."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from safeguarding.conversation_state import ConversationState
from safeguarding.risk.assessment import NO_RISK, Turn
from safeguarding.screening.frames import packed
from safeguarding.screening.lanes import LONG, SHORT, SPARE
from safeguarding.screening.process import (
    START_NICENESS,
    ScreeningAwayError,
    ScreeningFailedError,
    ScreeningProcess,
)
from safeguarding.screening.task import Glimpse, ScreeningTask
from safeguarding.taxonomy import ROOT, Severity
from tests.fakes.odd_screening import COMMAND, CRASHES, FAILS, PRINTS, WAITS
from tests.fakes.plain_engine import DISCLOSES

PLAIN = (sys.executable, "-m", "tests.fakes.plain_screening")
PATIENCE_S = 240.0
"""The longest wait for a process, on a machine that does much else."""
TOLD = ScreeningTask(f"my uncle keeps {DISCLOSES}")
Start = Callable[..., Awaitable[ScreeningProcess]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start screening processes, and end them after the test."""
    made: list[ScreeningProcess] = []

    async def begin(*command: str, hangs_s: float = PATIENCE_S) -> ScreeningProcess:
        made.append(ScreeningProcess(command or COMMAND, niceness=7, hangs_s=hangs_s))
        assert await made[-1].start(PATIENCE_S)
        return made[-1]

    yield begin
    for process in made:
        await process.close()


async def severity(process: ScreeningProcess, task: ScreeningTask = TOLD) -> Severity:
    found, _ = await asyncio.wait_for(process.screen(task, SHORT), PATIENCE_S)
    return found.assessment.severity


async def until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < limit, "it did not come about"
        await asyncio.sleep(0.02)


async def waiting(process: ScreeningProcess, number: int) -> list[asyncio.Task[object]]:
    """Return questions that are with the process, which never answers them."""
    never = ScreeningTask(f"{WAITS}/never/there")
    asked = [asyncio.create_task(process.screen(never, SHORT)) for _ in range(number)]
    await asyncio.sleep(0.1)
    assert not any(each.done() for each in asked)
    return asked  # type: ignore[return-value]


async def errors(asked: list[asyncio.Task[object]]) -> list[type]:
    """Return the kind of error that each question ends with."""
    ended = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), PATIENCE_S)
    return [type(each) for each in ended]


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that has ended and waits for its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def test_it_assesses_with_what_came_before_and_looks_at_first_sight(start: Start) -> None:
    process = await start(*PLAIN)
    before = (Turn("user", "hi"), Turn("assistant", "Are you safe right now?"))
    asked = ScreeningTask("no", before, ConversationState(asked="safe_now"))

    told, took_s = await process.screen(TOLD, SHORT)
    harmless, _ = await process.screen(ScreeningTask("hello"), LONG)
    not_safe, _ = await process.screen(asked, SPARE)

    assert (told.assessment.severity, told.canonical) == (Severity.URGENT, TOLD.text)
    assert told.vector is not None
    assert told.dialogue is not None
    assert took_s > 0
    assert harmless.assessment == NO_RISK
    assert not_safe.assessment.severity >= Severity.URGENT
    glimpses = [Glimpse(TOLD.text), Glimpse(""), Glimpse("no", "safe_now"), Glimpse("no")]
    assert await process.alarms(glimpses) == [5.0, -5.0, 6.0, -5.0]
    assert await process.alarms([]) == []


async def test_many_at_once_get_each_their_own_answer(start: Start) -> None:
    process = await start()
    texts = [f"{DISCLOSES} {number}" if number % 3 else str(number) for number in range(60)]

    found = await asyncio.gather(*(process.screen(ScreeningTask(text), SHORT) for text in texts))

    assert [each.canonical for each, _ in found] == texts
    assert [bool(each.assessment.severity) for each, _ in found] == [n % 3 > 0 for n in range(60)]


async def test_no_lane_holds_up_another(start: Start, tmp_path: Path) -> None:
    process, gate = await start(), tmp_path / "open"
    long = ScreeningTask(f"{WAITS}{gate}")
    held = [
        asyncio.create_task(process.screen(long, lane)) for lane in (LONG, SPARE) for _ in range(5)
    ]

    assert await severity(process) == Severity.URGENT
    assert await asyncio.wait_for(process.alarms([Glimpse("hello")]), PATIENCE_S) == [-5.0]
    assert not any(each.done() for each in held)

    gate.touch()
    await asyncio.wait_for(asyncio.gather(*held), PATIENCE_S)


async def test_a_message_that_fails_tells_the_name_of_its_error_alone(start: Start) -> None:
    process = await start()
    pid = process.pid

    with pytest.raises(ScreeningFailedError) as caught:
        await process.screen(ScreeningTask(f"{FAILS} what a child wrote"), SHORT)

    assert str(caught.value) == "RuntimeError"
    assert "child" not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert await severity(process) == Severity.URGENT
    assert process.pid == pid


async def test_killed_it_fails_all_that_wait_and_is_up_again(start: Start) -> None:
    process = await start()
    asked, pid = await waiting(process, 9), process.pid
    assert pid is not None

    os.kill(pid, signal.SIGKILL)

    assert await errors(asked) == [ScreeningAwayError] * 9
    assert not process.is_up
    with pytest.raises(ScreeningAwayError):
        await process.screen(TOLD, SHORT)
    with pytest.raises(ScreeningAwayError):
        await process.alarms([Glimpse("hello")])
    await until(lambda: process.is_up)
    assert await severity(process) == Severity.URGENT
    assert process.pid != pid


async def test_a_message_that_crashes_it_takes_what_waits_with_it_and_no_more(start: Start) -> None:
    process = await start()
    asked = await waiting(process, 1)

    with pytest.raises(ScreeningAwayError):
        await process.screen(ScreeningTask(CRASHES), LONG)

    assert await errors(asked) == [ScreeningAwayError]
    await until(lambda: process.is_up)
    assert await severity(process) == Severity.URGENT


async def test_one_that_hangs_is_killed_and_started_again(start: Start) -> None:
    process = await start(hangs_s=1)
    pid = process.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    asked = [asyncio.create_task(process.screen(TOLD, SHORT)) for _ in range(3)]

    assert await errors(asked) == [ScreeningAwayError] * 3  # type: ignore[arg-type]

    assert not is_alive(pid)
    await until(lambda: process.is_up)
    assert await severity(process) == Severity.URGENT


async def test_a_thread_that_hangs_is_seen_while_its_lane_answers_others(start: Start) -> None:
    process = await start(hangs_s=2)
    pid = process.pid
    (stuck,) = await waiting(process, 1)
    answered = 0
    while not stuck.done():
        with suppress(ScreeningAwayError):
            answered += await severity(process) == Severity.URGENT
        await asyncio.sleep(0.05)

    assert await errors([stuck]) == [ScreeningAwayError]
    # One of the lane's threads was free, if the machine has two cores.
    assert answered > 5 or os.cpu_count() == 1
    await until(lambda: process.is_up)
    assert process.pid != pid
    assert await severity(process) == Severity.URGENT


async def test_a_lane_that_hangs_is_seen_while_other_lanes_answer(start: Start) -> None:
    process = await start(hangs_s=2)
    pid = process.pid
    never = ScreeningTask(f"{WAITS}/never/there")
    stuck = [asyncio.create_task(process.screen(never, LONG)) for _ in range(3)]
    while not all(each.done() for each in stuck):
        with suppress(ScreeningAwayError):
            await severity(process)
        await asyncio.sleep(0.05)

    assert await errors(stuck) == [ScreeningAwayError] * 3  # type: ignore[arg-type]
    await until(lambda: process.is_up)
    assert process.pid != pid


async def test_one_that_owes_nothing_may_be_silent(start: Start) -> None:
    process = await start(hangs_s=1.5)
    pid = process.pid
    await asyncio.sleep(4)

    assert await severity(process) == Severity.URGENT
    assert process.pid == pid


async def test_it_goes_on_when_it_is_told_to_stop_because_the_service_still_needs_it(
    start: Start,
) -> None:
    process = await start()
    pid = process.pid
    assert pid is not None

    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(pid, number)

    assert await severity(process) == Severity.URGENT
    assert process.pid == pid


async def test_what_a_library_prints_does_not_stand_between_the_frames(start: Start) -> None:
    process = await start()

    for _ in range(3):
        assert await severity(process, ScreeningTask(f"{PRINTS} {DISCLOSES}")) == Severity.URGENT


async def test_it_has_the_niceness_that_was_asked_for(start: Start) -> None:
    process = await start()
    pid = process.pid
    assert pid is not None
    await severity(process)
    await process.alarms([Glimpse("hello")])

    threads = threads_of(pid)
    # Of the threads of the lanes too: they do the work.
    assert len(threads) >= 3
    least = max(os.getpriority(os.PRIO_PROCESS, 0), 7)
    assert {os.getpriority(os.PRIO_PROCESS, each) for each in threads} == {least}


def threads_of(pid: int) -> list[int]:
    return [int(each.name) for each in Path(f"/proc/{pid}/task").iterdir()]


async def test_it_is_less_nice_until_it_is_ready() -> None:
    never_ready = (sys.executable, "-c", "import time; time.sleep(600)")
    process = ScreeningProcess(never_ready, niceness=19)
    try:
        assert not await process.start(0.5)
        assert process.pid is not None
        least = max(os.getpriority(os.PRIO_PROCESS, 0), START_NICENESS)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == least
    finally:
        await process.close()


def test_it_ends_with_its_input_whatever_it_still_works_on() -> None:
    process = subprocess.Popen(
        COMMAND, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.read(4)
        task = ScreeningTask(f"{WAITS}/never/there").as_record()
        process.stdin.write(packed({"id": 1, "lane": SHORT, "task": task}))
        process.stdin.close()

        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


SERVICE = """
import asyncio, sys
from pathlib import Path
from safeguarding.screening.process import ScreeningProcess

async def main():
    process = ScreeningProcess(sys.argv[2:])
    await process.start(60)
    Path(sys.argv[1]).write_text(f"{process.pid}.")
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_it_does_not_outlive_a_service_that_is_killed(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    noted.touch()
    service = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVICE, str(noted), *COMMAND), cwd=ROOT
    )
    try:
        await until(lambda: noted.read_text().endswith("."))
        pid = int(noted.read_text().rstrip("."))
        assert is_alive(pid)
    finally:
        service.kill()
        await service.wait()

    await until(lambda: not is_alive(pid))


ONCE = """
import os, runpy, sys
from pathlib import Path
from safeguarding.screening.frames import packed, read_frame

been_here = Path(sys.argv[1])
if been_here.exists():
    runpy.run_module("tests.fakes.odd_screening", run_name="__main__")
been_here.touch()
out = sys.stdout.buffer
def say(raw):
    out.write(raw)
    out.flush()
"""
"""A process that is strange at its first start, and well at the next."""
ANSWERS_WITH = f"{ONCE}\nsay(packed({{'ready': True}}))\nframe = read_frame(sys.stdin.buffer)\n"
STAYS = "\nread_frame(sys.stdin.buffer)"


@pytest.mark.parametrize(
    "first",
    [
        "say(b'Loading model... done')",
        "say((2 ** 31).to_bytes(4, 'big'))",
        "sys.exit(1)",
        "os.abort()",
    ],
    ids=["words", "a length that no frame has", "ends", "crashes"],
)
async def test_one_that_does_not_begin_with_a_frame_is_started_again(
    start: Start, tmp_path: Path, first: str
) -> None:
    process = await start(sys.executable, "-c", f"{ONCE}\n{first}{STAYS}", str(tmp_path / "once"))

    assert await severity(process) == Severity.URGENT


@pytest.mark.parametrize(
    "answer",
    [
        "say(b'Traceback (most recent call last):')",
        "say((3).to_bytes(4, 'big') + b'\\xc1\\xc1\\xc1')",
        "say((6).to_bytes(4, 'big') + b'\\x81\\xa1a\\xa2\\xff\\xfe')",
        "say(packed({'id': [1, 2]}))",
        "say(packed({'id': frame['id']})[:-1]); os._exit(0)",
    ],
    ids=["words", "no MessagePack", "no UTF-8", "an odd number", "cut short"],
)
async def test_one_that_answers_with_nonsense_is_started_again(
    start: Start, tmp_path: Path, answer: str
) -> None:
    script = f"{ANSWERS_WITH}{answer}{STAYS}"
    process = await start(sys.executable, "-c", script, str(tmp_path / "once"))

    with pytest.raises(ScreeningAwayError):
        await asyncio.wait_for(process.screen(TOLD, SHORT), PATIENCE_S)

    await until(lambda: process.is_up)
    assert await severity(process) == Severity.URGENT


@pytest.mark.parametrize(
    "answer",
    ["{}", "{'found': {}, 'took_s': 0.1}", "{'found': 7, 'took_s': 0.1}", "{'error': 'KeyError'}"],
)
async def test_an_answer_without_an_assessment_is_a_failure(
    start: Start, tmp_path: Path, answer: str
) -> None:
    others = "say(packed({'id': 10 ** 6, 'found': {}}))"
    script = f"{ANSWERS_WITH}{others}\nsay(packed({{'id': frame['id'], **{answer}}})){STAYS}"
    process = await start(sys.executable, "-c", script, str(tmp_path / "once"))

    with pytest.raises(ScreeningFailedError):
        await asyncio.wait_for(process.screen(TOLD, SHORT), PATIENCE_S)


async def test_first_sights_that_do_not_come_are_a_failure(start: Start, tmp_path: Path) -> None:
    script = f"{ANSWERS_WITH}say(packed({{'id': frame['id'], 'took_s': 0.1}})){STAYS}"
    process = await start(sys.executable, "-c", script, str(tmp_path / "once"))

    with pytest.raises(ScreeningFailedError):
        await asyncio.wait_for(process.alarms([Glimpse("hello")]), PATIENCE_S)


@pytest.mark.parametrize("command", [("/no/such/program",), ("sleep", "600"), ("true",)])
async def test_one_that_does_not_come_up_is_not_waited_for(command: tuple[str, ...]) -> None:
    process = ScreeningProcess(command)
    try:
        assert not await process.start(0.3)
        assert not process.is_up
        with pytest.raises(ScreeningAwayError):
            await process.screen(TOLD, SHORT)
    finally:
        await process.close()


async def test_closed_it_fails_what_waits_and_ends_and_may_be_started_again(start: Start) -> None:
    process = await start()
    asked, pid = await waiting(process, 2), process.pid
    assert pid is not None

    await process.close()
    await process.close()

    assert await errors(asked) == [ScreeningAwayError] * 2
    assert (process.is_up, process.pid, is_alive(pid)) == (False, None, False)
    assert await process.start(PATIENCE_S)
    assert await severity(process) == Severity.URGENT


async def test_a_question_that_is_given_up_is_forgotten(start: Start, tmp_path: Path) -> None:
    process, gate = await start(hangs_s=1), tmp_path / "open"
    pid = process.pid
    asked = asyncio.create_task(process.screen(ScreeningTask(f"{WAITS}{gate}"), LONG))
    await asyncio.sleep(0.1)
    asked.cancel()
    await asyncio.wait({asked})
    await asyncio.sleep(3)
    gate.touch()

    assert await severity(process) == Severity.URGENT
    assert process.pid == pid
