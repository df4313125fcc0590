"""Screens messages in a process of its own, so that a service's event loop never waits for it.

The process may crash, hang or be killed: whatever waits for it then fails at once, the process is
started again, and the service goes on without it meanwhile.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import structlog

from safeguarding.risk.assessment import AssessedMessage
from safeguarding.screening.frames import FrameError, packed, receive_frame
from safeguarding.screening.lanes import ALARM, HANGS_S, LaneWatch, waited_for_core_s
from safeguarding.screening.task import Glimpse, ScreeningTask
from safeguarding.taxonomy import ROOT

COMMAND = (sys.executable, "-m", "safeguarding.screening")
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Pause before the process is started again; it doubles each time, up to the longest."""
STEADY_S = 60.0
"""A process that was ready for so long gets the first pause again."""
START_S = 120.0
"""Seconds within which the process must be ready, or it is started again; counted as a lane's."""
STARTING = "starting"
START_NICENESS = 3
"""The niceness until it is ready, at most: a nicer one beside busy ones would start for minutes."""
CLOSE_S = 2.0
"""Seconds that the process has to end when its input ends."""
LOOK_S = 1.0
"""Seconds between two looks whether a lane hangs."""
log = structlog.get_logger("screening")
Result = TypeVar("Result")


class ScreeningAwayError(Exception):
    """The screening process is not there, or went away before it answered."""


class ScreeningFailedError(Exception):
    """The message could not be assessed; carries the name of the error alone."""


class ScreeningProcess:
    """Starts and keeps the process, and passes messages to it. For one event loop."""

    def __init__(
        self,
        command: Sequence[str] = COMMAND,
        *,
        niceness: int = 0,
        hangs_s: float = HANGS_S,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """`niceness`, 0 to 19: the more, the later the process gets a core, once it is ready."""
        self._command = command
        self._niceness = niceness
        self._hangs_s = hangs_s
        self._env = env
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._owed: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._watch = LaneWatch(hangs_s)
        self._numbers = itertools.count()
        self._closes = False

    @property
    def is_up(self) -> bool:
        """Whether it takes messages now."""
        return self._ready.is_set()

    @property
    def pid(self) -> int | None:
        """The id of the process; None while there is none."""
        return self._process.pid if self._process else None

    async def start(self, within_s: float = START_S) -> bool:
        """Start the process; return whether it was ready within `within_s`. It goes on trying."""
        if self._keeping is None:
            self._closes = False
            self._keeping = asyncio.create_task(self._keep())
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._ready.wait(), within_s)
        return self.is_up

    async def screen(self, task: ScreeningTask, lane: str) -> tuple[AssessedMessage, float]:
        """Return the assessment of a message, and the seconds that it took.

        Raises ScreeningAwayError and ScreeningFailedError.
        """
        answer = await self._ask({"lane": lane, "task": task.as_record()})
        try:
            return AssessedMessage.from_record(answer["found"]), answer["took_s"]
        except (KeyError, TypeError, ValueError) as error:
            raise ScreeningFailedError(type(error).__name__) from None

    async def alarms(self, glimpses: Sequence[Glimpse]) -> list[float]:
        """Return how alarming each message looks at first sight, as log-odds.

        Raises ScreeningAwayError and ScreeningFailedError.
        """
        answer = await self._ask({"lane": ALARM, "glimpses": list(glimpses)})
        try:
            return [float(alarm) for alarm in answer["alarms"]]
        except (KeyError, TypeError, ValueError) as error:
            raise ScreeningFailedError(type(error).__name__) from None

    async def close(self) -> None:
        """End the process. What waits for it fails."""
        self._closes = True
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._process.wait(), CLOSE_S)
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
            self._keeping = None

    async def _ask(self, frame: dict[str, Any]) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdin is None or not self.is_up:
            raise ScreeningAwayError
        number = next(self._numbers)
        packed_frame = _packed({"id": number, **frame})
        owed = self._owed[number] = asyncio.get_running_loop().create_future()
        self._watch.asked(number, frame["lane"])
        try:
            process.stdin.write(packed_frame)
            answer: dict[str, Any] = await owed
        finally:
            self._owed.pop(number, None)
            self._watch.ended(number)
        if "error" in answer:
            raise ScreeningFailedError(answer["error"])
        return answer

    async def _keep(self) -> None:
        """Start the process, and again whenever it ends, until this task is cancelled."""
        pause = FIRST_PAUSE_S
        while not self._closes:
            ready_at = None
            try:
                ready_at = await self._run()
            except Exception as error:  # noqa: BLE001 - it is started again, whatever it was
                log.error("screening.broken", error=type(error).__name__)  # noqa: TRY400
            finally:
                await self._end()
            if ready_at is not None and time.monotonic() - ready_at >= STEADY_S:
                pause = FIRST_PAUSE_S
            if self._closes:
                return
            log.error("screening.ended", again_in_s=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _run(self) -> float | None:
        """Run the process until it ends or hangs; return when it was ready, if ever."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=ROOT,
            env=dict(self._env) if self._env is not None else None,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        answers, pid = self._process.stdout, self._process.pid
        _make_nice(pid, min(self._niceness, START_NICENESS))
        if answers is None:
            return None
        starting = LaneWatch(START_S)
        starting.asked(0, STARTING)
        if await self._watched(receive_frame(answers), pid, starting) is None:
            return None
        _make_nice(pid, self._niceness)
        ready_at = time.monotonic()
        self._watch = LaneWatch(self._hangs_s)
        self._ready.set()
        log.info("screening.ready")
        await self._watched(self._receive(answers), pid, self._watch)
        return ready_at

    async def _watched(
        self, work: Coroutine[Any, Any, Result], pid: int, watch: LaneWatch
    ) -> Result | None:
        """Return the result of `work`, or None when the process hangs."""
        task = asyncio.create_task(work)
        at, waited = time.monotonic(), waited_for_core_s(pid)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=LOOK_S)
                before_at, before = at, waited
                at, waited = time.monotonic(), waited_for_core_s(pid)
                each_s = (waited[thread] - before.get(thread, 0.0) for thread in waited)
                # A loop that was held up itself has not read yet what the process has answered.
                watch.move_on(min(at - before_at, 2 * LOOK_S), max(each_s, default=0.0))
                if not task.done() and (lane := watch.hanging()) is not None:
                    log.critical("screening.hangs", lane=lane, owed=len(self._owed))
                    return None
            return task.result()
        finally:
            task.cancel()

    async def _receive(self, answers: asyncio.StreamReader) -> None:
        while (answer := await receive_frame(answers)) is not None:
            if answer.get("begun"):
                self._watch.begun(answer["id"])
                continue
            owed = self._owed.pop(answer.get("id", -1), None)
            if owed is not None and not owed.done():
                owed.set_result(answer)

    async def _end(self) -> None:
        """Kill what is left of the process, and let those who wait for it go on."""
        self._ready.clear()
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        for owed in list(self._owed.values()):
            if not owed.done():
                owed.set_exception(ScreeningAwayError())
        self._owed.clear()


def _make_nice(pid: int, niceness: int) -> None:
    """Give all threads of a process this niceness; those that they start later inherit it."""
    least = os.getpriority(os.PRIO_PROCESS, 0)
    threads = [int(each.name) for each in Path(f"/proc/{pid}/task").glob("[0-9]*")]
    for each in threads or [pid]:
        with suppress(OSError):  # it has ended already, or that is forbidden here
            os.setpriority(os.PRIO_PROCESS, each, max(least, niceness))


def _packed(frame: dict[str, Any]) -> bytes:
    try:
        return packed(frame)
    except FrameError as error:
        raise ScreeningFailedError(type(error).__name__) from error
