"""Assesses every message of a run once, on all cores."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from safeguarding.risk.assessment import Turn
from safeguarding.risk.engine import RiskEngine, risk_engine
from safeguarding.taxonomy import Severity
from scripts.evaluation.scores import Scores, score

_CHUNK = 32


@dataclass(frozen=True)
class Said:
    """A message, with what was said before it: what one assessment takes."""

    text: str
    history: tuple[Turn, ...] = ()


@dataclass(frozen=True)
class Heard:
    """What the engine made of one message."""

    severity: Severity
    categories: tuple[str, ...]
    scores: Scores | None
    """Only of messages that nothing was said before."""
    milliseconds: float


Hearing = Mapping[Said, Heard]


def hear_here(messages: Iterable[Said]) -> dict[Said, Heard]:
    """Assess in this process, one after the other: for times that nothing else disturbs."""
    engine = risk_engine()
    return {said: hear(engine, said) for said in dict.fromkeys(messages)}


def hear_all(messages: Iterable[Said], workers: int | None = None) -> dict[Said, Heard]:
    """Assess each message once, in as many processes as there are cores."""
    wanted = list(dict.fromkeys(messages))
    # Not forked: an encoder loaded before a fork has lost its threads after it.
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers or os.cpu_count(), spawned, initializer=risk_engine) as pool:
        return dict(zip(wanted, pool.map(_hear, wanted, chunksize=_CHUNK), strict=True))


def hear(engine: RiskEngine, said: Said) -> Heard:
    """Assess one message; the time is that of `assess` alone."""
    started = time.perf_counter()
    assessment = engine.assess(said.text, said.history)
    milliseconds = (time.perf_counter() - started) * 1000
    return Heard(
        assessment.severity,
        assessment.categories,
        None if said.history else score(engine, said.text),
        milliseconds,
    )


def _hear(said: Said) -> Heard:
    return hear(risk_engine(), said)
