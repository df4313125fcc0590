"""Runs a process of Lantern that times its own stages, for the bench.

`python -m lab.bench.stages ROOM FILE [ARGUMENTS…]` runs a room as its own command does. When it
ends, it writes to FILE how often each stage ran and how long it took since the last SIGUSR1. Only
one client may send messages: the processor time of a stage is that of the whole process meanwhile.

It runs in the environment of the room, so it imports nothing but the standard library itself.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import importlib
import json
import os
import runpy
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOMS = {
    "gateway": (
        "chat.gateway",
        {
            "token": "chat.gateway.api:bearer_of",
            "limits": "chat.gateway.limits:RateLimits.admits_message",
            "assess, waited for": "safeguarding.screening.process:ScreeningProcess.screen",
            "Rasa, waited for": "chat.gateway.rasa:RasaServer.reply",
            "checking": "chat.gateway.replies:ReplyCheck.shown",
            "recording": "chat.gateway.handoff:HandoffWriter.record",
        },
    ),
    "screening": (
        "safeguarding.screening",
        {
            "assess": "safeguarding.screening.screener:MessageScreener.screen",
            "assess / normalise": "safeguarding.risk.text.normalise:Normaliser.__call__",
            "assess / lexicon": "safeguarding.risk.lexicon.matching:RuleMatcher.__call__",
            "assess / parse": "safeguarding.risk.lexicon.context:parse",
            "assess / encoder": "safeguarding.risk.encoder.vectors:MPNet.encode",
            "assess / witness": "safeguarding.risk.witness:Witness.scores",
            "assess / judgement": "safeguarding.risk.thresholds:Thresholds.probabilities",
            "assess / nearest": "safeguarding.risk.encoder.classifier:NearestExamples.nearest",
            "assess / language": "safeguarding.screening.languages:LanguageDetector.read",
        },
    ),
    "rasa": (
        "bot",
        {
            "Rasa": "rasa.core.agent:Agent.handle_message",
            "Rasa / parse": "rasa.core.processor:MessageProcessor.parse_message",
            "Rasa / policies": "rasa.core.processor:MessageProcessor._predict_next_with_tracker",
            "Rasa / responses": "rasa.core.actions.action:ActionBotResponse.run",
            "Rasa / actions, waited for": "rasa.core.actions.action:RemoteAction.run",
            "Rasa / dialogue": "bot.tracker_store:Dialogue.of",
        },
    ),
    "actions": ("actions", {"action": "actions.action:LanternAction.run"}),
}
"""Each room's command, and its stages: the name of a stage and the function that is timed."""


SCREENING = "screening"
"""The room of the process that the gateway starts."""


class Stages:
    """Counts the runs of each stage, and its milliseconds by the clock and of the processor."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, or coroutine function, wrapped so that its times are noted."""
        if asyncio.iscoroutinefunction(function):

            @functools.wraps(function)
            async def waited(*args: Any, **kwargs: Any) -> Any:
                started = time.perf_counter(), time.process_time()
                try:
                    return await function(*args, **kwargs)
                finally:
                    self._note(name, started)

            return waited

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter(), time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                self._note(name, started)

        return called

    def _note(self, name: str, started: tuple[float, float]) -> None:
        row = self.taken[name]
        row[0] += 1
        row[1] += (time.perf_counter() - started[0]) * 1000
        row[2] += (time.process_time() - started[1]) * 1000

    def write(self, path: Path) -> None:
        """Write the counts and times as JSON, in the order in which the stages first ended."""
        path.write_text(json.dumps(self.taken), "utf-8")


def time_calls(stages: Stages, name: str, place: str) -> None:
    """Time the function at `place`, such as "module:Class.method". Raises AttributeError."""
    module, _, path = place.partition(":")
    *owners, attribute = path.split(".")
    owner = functools.reduce(getattr, owners, importlib.import_module(module))
    found = vars(owner)[attribute]
    if isinstance(found, classmethod):
        setattr(owner, attribute, classmethod(stages.timed(name, found.__func__)))
    else:
        setattr(owner, attribute, stages.timed(name, found))


def watch_screening(file: Path) -> None:
    """Make the gateway start its screening process under this module, which writes to `file`."""
    composition: Any = importlib.import_module("chat.gateway.composition")
    make = composition.ScreeningProcess
    command = (sys.executable, "-m", "lab.bench.stages", SCREENING, str(file))
    composition.ScreeningProcess = lambda _command, **others: make(command, **others)


def write_when_left(stages: Stages, file: Path) -> None:
    """Write the stages of a process that leaves without the handlers of `atexit`."""
    leave = os._exit

    def write_and_leave(status: int) -> None:
        stages.write(file)
        leave(status)

    vars(os)["_exit"] = write_and_leave


def main() -> None:
    """Run a room with its stages timed."""
    room, file, *arguments = sys.argv[1:]
    command, places = ROOMS[room]
    if room == "rasa":  # before rasa.core is imported, as in its own command
        importlib.import_module("bot.__main__").load_training_when_asked()
    stages = Stages()
    for name, place in places.items():
        time_calls(stages, name, place)
    if room == "gateway":
        watch_screening(Path(file).with_name(f"{SCREENING}.stages.json"))
    if room == SCREENING:
        write_when_left(stages, Path(file))
    atexit.register(stages.write, Path(file))
    signal.signal(signal.SIGUSR1, lambda *_: stages.taken.clear())
    if room != SCREENING:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.argv = [command, *arguments]
    runpy.run_module(command, run_name="__main__", alter_sys=False)


if __name__ == "__main__":
    main()
