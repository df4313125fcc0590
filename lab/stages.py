"""Where the time of a message goes: a process of Lantern's that times its own stages.

`python -m lab.stages ROOM FILE [ARGUMENTS…]` runs a room as its own command does, and writes
to FILE, when it ends, how often each stage ran and what it took since the last SIGUSR1. For the
bench only, by one client: the processor time of a stage is that of the whole process meanwhile.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import importlib
import json
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
            "token": "chat.gateway.api:_bearer",
            "limits": "chat.gateway.limits:Limits.admits_message",
            "assess": "chat.gateway.screening:Screening._assess",
            "assess / normalise": "safeguarding.risk.text.normalise:Normaliser.__call__",
            "assess / lexicon": "safeguarding.risk.lexicon.matching:RuleMatcher.__call__",
            "assess / parse": "safeguarding.risk.lexicon.context:Parser.__call__",
            "assess / encoder": "safeguarding.risk.encoder.vectors:MPNet.encode",
            "assess / witness": "safeguarding.risk.witness:Witness.scores",
            "assess / judgement": "safeguarding.risk.thresholds:Thresholds.probabilities",
            "assess / nearest": "safeguarding.risk.encoder.nearest:NearestExamples.nearest",
            "assess / language": "chat.gateway.languages:Languages.read",
            "Rasa, waited for": "chat.gateway.rasa:RasaClient.reply",
            "checking": "chat.gateway.reply_check:Proof.shown",
            "recording": "chat.gateway.handoff:HandOff.record",
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
"""The command of each room, and its stages: what each is called and the function that it is."""


class Stages:
    """How often each stage ran, and its milliseconds in all: by the clock, of the processor."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which now notes what it takes; it may be a coroutine's."""
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
        """Write what was noted, in the order in which the stages first ended."""
        path.write_text(json.dumps(self.taken), "utf-8")


def watch(stages: Stages, name: str, place: str) -> None:
    """Time the function at this place, a module and a path in it. Raises AttributeError."""
    module, _, path = place.partition(":")
    *owners, attribute = path.split(".")
    owner = functools.reduce(getattr, owners, importlib.import_module(module))
    found = vars(owner)[attribute]
    if isinstance(found, classmethod):
        setattr(owner, attribute, classmethod(stages.timed(name, found.__func__)))
    else:
        setattr(owner, attribute, stages.timed(name, found))


def main() -> None:
    """Run a room with its stages watched."""
    room, file, *arguments = sys.argv[1:]
    command, places = ROOMS[room]
    if room == "rasa":  # before rasa.core is imported, as in its own command
        importlib.import_module("bot.__main__").load_training_when_asked()
    stages = Stages()
    for name, place in places.items():
        watch(stages, name, place)
    atexit.register(stages.write, Path(file))
    signal.signal(signal.SIGUSR1, lambda *_: stages.taken.clear())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.argv = [command, *arguments]
    runpy.run_module(command, run_name="__main__", alter_sys=False)


if __name__ == "__main__":
    main()
