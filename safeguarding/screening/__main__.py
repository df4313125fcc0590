"""The screening process: `python -m safeguarding.screening`, started by a service for itself.

It reads frames from standard input and answers each on standard output (safeguarding.screening.
frames), in any order. It ends when its input ends, so it never outlives the service.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

from safeguarding.content.reader import read_content
from safeguarding.logs import configure_logs
from safeguarding.screening.frames import packed, read_frame
from safeguarding.screening.lanes import ALARM, LONG, SHORT, SPARE
from safeguarding.screening.screener import MessageScreener, build_screener
from safeguarding.screening.task import Glimpse, ScreeningTask
from safeguarding.settings import Settings


def serve(build: Callable[[], MessageScreener]) -> None:
    """Answer frames until the input ends. `build` makes the screener, which takes seconds."""
    # The service ends by itself when it is told to, and still needs answers meanwhile.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Where memory runs out, this process goes before the service, which can do without it.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", "ascii")
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a library prints must not stand between the frames.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    configure_logs()
    screener, lock = build(), Lock()

    def answer(values: dict[str, Any]) -> None:
        with lock:
            answers.write(packed(values))
            answers.flush()

    def work(frame: dict[str, Any]) -> None:
        started = time.monotonic()
        answer({"id": frame["id"], "begun": True})
        try:
            found = _found(screener, frame)
        except Exception as error:  # noqa: BLE001 - its words may be a person's: only the kind
            found = {"error": type(error).__name__}
        answer({"id": frame["id"], "took_s": time.monotonic() - started} | found)

    cores = os.cpu_count() or 2
    lanes = {
        SHORT: ThreadPoolExecutor(cores, "screen"),
        LONG: ThreadPoolExecutor(1, "screen-long"),
        SPARE: ThreadPoolExecutor(1, "screen-spare"),
        ALARM: ThreadPoolExecutor(1, "screen-alarm"),
    }
    answer({"ready": True})
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        lanes[frame["lane"]].submit(work, frame)
    # The service has gone, and with it all who wait.
    os._exit(0)


def _found(screener: MessageScreener, frame: dict[str, Any]) -> dict[str, Any]:
    if frame["lane"] == ALARM:
        glimpses = (Glimpse(*each) for each in frame["glimpses"])
        return {"alarms": [screener.alarm(glimpse) for glimpse in glimpses]}
    return {"found": screener.screen(ScreeningTask.from_record(frame["task"])).as_record()}


def _build() -> MessageScreener:
    return build_screener(read_content(), Settings.from_env().miss_cost)


if __name__ == "__main__":
    serve(_build)
