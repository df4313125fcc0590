"""Assesses every message of an evaluation once, on all cores, and measures one assessment.

`python -m lab.evaluation.assessing` prints the cost of an assessment as JSON, for `make bench`. It
is a process of its own on one core, so that load time and memory are the engine's alone.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from statistics import median, quantiles
from typing import Any

from safeguarding.corpus import read_examples
from safeguarding.risk.assessment import Turn
from safeguarding.risk.engine import RiskEngine, build_engine
from safeguarding.settings import Settings
from safeguarding.taxonomy import Severity

Scores = tuple[float, float, float]
"""Probability of at least concern, of at least urgent, and of immediate."""
STEPS = ("at least concern", "at least urgent", "immediate")

_CHUNK, _TIMED = 32, 1000
"""Messages that a worker gets at once, and messages that are timed for the bench."""


@dataclass(frozen=True)
class TimedMessage:
    """A message with the turns before it: the input of one assessment."""

    text: str
    history: tuple[Turn, ...] = ()


@dataclass(frozen=True)
class Result:
    """What the engine found in one message, and how long that took."""

    severity: Severity
    categories: tuple[str, ...]
    scores: Scores | None
    """None for a message with turns before it, without a classifier, or without words."""
    milliseconds: float


Results = Mapping[TimedMessage, Result]


@cache
def _engine() -> RiskEngine:
    """Return the one engine of this process; a worker's function takes only a message."""
    return build_engine(miss_cost=Settings.from_env().miss_cost)


def assess_here(messages: Iterable[TimedMessage]) -> dict[TimedMessage, Result]:
    """Assess one message after the other in this process, for undisturbed times."""
    engine = _engine()
    return {each: assess(engine, each) for each in dict.fromkeys(messages)}


def assess_all(
    messages: Iterable[TimedMessage], workers: int | None = None
) -> dict[TimedMessage, Result]:
    """Assess each message once, in as many processes as there are cores."""
    wanted = list(dict.fromkeys(messages))
    # Not forked: an encoder loaded before a fork has lost its threads after it.
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers or os.cpu_count(), spawned, initializer=_engine) as pool:
        return dict(zip(wanted, pool.map(_assess, wanted, chunksize=_CHUNK), strict=True))


def assess(engine: RiskEngine, message: TimedMessage) -> Result:
    """Assess one message; the time is that of the engine's `assess` alone."""
    started = time.perf_counter()
    assessment = engine.assess(message.text, message.history)
    milliseconds = (time.perf_counter() - started) * 1000
    found = None if message.history else engine.probabilities(message.text)
    scores = (found.concern, found.urgent, found.immediate) if found else None
    return Result(assessment.severity, assessment.categories, scores, milliseconds)


def _assess(message: TimedMessage) -> Result:
    return assess(_engine(), message)


def cost_report(results: Iterable[Result]) -> dict[str, Any]:
    """Compute median and 95th percentile in milliseconds, of at least two messages."""
    times = [each.milliseconds for each in results]
    return {
        "messages": len(times),
        "median ms": round(median(times), 2),
        "p95 ms": round(quantiles(times, n=20)[-1], 2),
    }


def main() -> int:
    """Load the engine, assess sentences of the test part, and print the cost."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    test = [example for example in read_examples() if example.part == "test"][:_TIMED]
    started = time.perf_counter()
    _engine()
    loaded = time.perf_counter() - started
    results = assess_here(TimedMessage(example.text) for example in test)
    times = [each.milliseconds for each in results.values()]
    record = {
        "messages": len(times),
        "median_ms": round(median(times), 1),
        "p95_ms": round(quantiles(times, n=20)[-1], 1),
        "batch_s": round(sum(times) / 1000, 1),
        "load_s": round(loaded, 1),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    sys.stdout.write(json.dumps(record) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
