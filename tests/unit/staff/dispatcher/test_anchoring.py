"""The dispatcher anchors the trail each hour and at each immediate message, and sees it cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy.engine import Engine

from safeguarding.risk.assessment import NO_RISK
from safeguarding.taxonomy import Severity
from staff.audit.anchors import ANCHORS, read_anchors
from staff.audit.trail import AuditLog, last_link
from staff.dispatcher import __main__ as module
from staff.dispatcher.anchoring import Anchoring
from staff.loops import Beats
from tests.records import Clock, EscalationLog, assessment, escalation
from tests.unit.staff.audit.conftest import Intruder, cut_off, intruder

__all__ = ["intruder"]

Logged = Callable[[], list[str]]
Start = Callable[[], Anchoring]


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Logged]:
    monkeypatch.setattr(module, "log", structlog.get_logger("dispatcher"))
    with structlog.testing.capture_logs() as events:
        yield lambda: [event["event"] for event in events]


@pytest.fixture
def ticks() -> list[float]:
    """Return a list of one number: the seconds that the loop measures."""
    return [0.0]


@pytest.fixture
def start(engine: Engine, tmp_path: Path, clock: Clock, ticks: list[float]) -> Start:
    """Return what starts the loop anew."""
    return lambda: Anchoring(engine, tmp_path, Beats(), clock, lambda: ticks[0])


@pytest.fixture
def anchoring(start: Start) -> Anchoring:
    return start()


def numbers(state: Path) -> list[int]:
    return [anchor.number for anchor in read_anchors([state / ANCHORS]).anchors]


def say(log: EscalationLog, message_id: str, severity: Severity) -> None:
    told = assessment(severity) if severity else NO_RISK
    log.record(escalation(message_id, assessment=told))


def test_an_immediate_message_is_anchored_at_once_and_others_within_the_hour(
    engine: Engine, log: EscalationLog, anchoring: Anchoring, tmp_path: Path, clock: Clock
) -> None:
    anchoring.once()
    assert numbers(tmp_path) == []
    say(log, "m1", Severity.CONCERN)
    anchoring.once()
    assert numbers(tmp_path) == [1]

    say(log, "m2", Severity.URGENT)
    AuditLog(engine).add("ann", "viewed", case_id="c1", detail={"severity": "immediate"})
    clock.move(minutes=59)
    anchoring.once()
    assert numbers(tmp_path) == [1]

    say(log, "m3", Severity.IMMEDIATE)
    with engine.connect() as connection:
        number, _ = last_link(connection)
    anchoring.once()
    anchoring.once()
    assert numbers(tmp_path) == [1, number]

    say(log, "m4", Severity.NONE)
    clock.move(minutes=61)
    anchoring.once()
    assert numbers(tmp_path) == [1, number, number + 1]
    clock.move(hours=1)
    anchoring.once()
    assert numbers(tmp_path) == [1, number, number + 1, number + 1]


def test_a_message_that_became_immediate_is_anchored(
    log: EscalationLog, anchoring: Anchoring, tmp_path: Path
) -> None:
    say(log, "m1", Severity.CONCERN)
    anchoring.once()
    say(log, "m1", Severity.IMMEDIATE)
    anchoring.once()

    assert numbers(tmp_path) == [1, 2]


def test_what_was_immediate_while_it_did_not_run_is_anchored_after_its_start(
    log: EscalationLog, start: Start, tmp_path: Path
) -> None:
    say(log, "m1", Severity.CONCERN)
    start().once()
    start().once()
    assert numbers(tmp_path) == [1]
    say(log, "m2", Severity.IMMEDIATE)

    start().once()

    assert numbers(tmp_path)[0] == 1
    assert len(numbers(tmp_path)) == 2


@pytest.fixture
def cut(log: EscalationLog, anchoring: Anchoring, intruder: Intruder) -> Callable[[int], None]:
    """Return what cuts off the trail behind a number, after it was anchored."""
    say(log, "m1", Severity.CONCERN)
    say(log, "m2", Severity.IMMEDIATE)
    anchoring.once()

    def behind(number: int) -> None:
        with intruder() as connection:
            cut_off(connection, number)

    return behind


@pytest.mark.parametrize("kept", [0, 1])
def test_a_trail_that_is_cut_off_is_critical_at_once(
    anchoring: Anchoring, cut: Callable[[int], None], logged: Logged, kept: int
) -> None:
    anchoring.once()
    assert logged() == []
    cut(kept)

    anchoring.once()
    anchoring.once()

    assert logged() == ["audit.anchor_broken"]


@pytest.mark.parametrize("days", [0, 40])
@pytest.mark.parametrize("kept", [0, 1])
def test_a_trail_that_was_cut_off_while_it_did_not_run_is_critical_at_its_start(
    start: Start, cut: Callable[[int], None], clock: Clock, logged: Logged, kept: int, days: int
) -> None:
    cut(kept)
    clock.move(days=days)
    anchoring = start()

    anchoring.once()
    anchoring.once()

    assert logged() == ["audit.anchor_broken"]


def test_a_trail_that_was_replaced_is_critical_within_the_hour(
    engine: Engine,
    log: EscalationLog,
    anchoring: Anchoring,
    intruder: Intruder,
    clock: Clock,
    logged: Logged,
) -> None:
    say(log, "m1", Severity.CONCERN)
    anchoring.once()
    with intruder() as connection:
        cut_off(connection, 0)
    AuditLog(engine).add("bob", "signed in")
    clock.move(hours=1)

    anchoring.once()

    assert logged() == ["audit.anchor_broken"]


def test_a_folder_that_cannot_be_written_is_critical_and_tried_again_in_a_minute(
    log: EscalationLog,
    anchoring: Anchoring,
    tmp_path: Path,
    logged: Logged,
    ticks: list[float],
) -> None:
    (tmp_path / ANCHORS).write_text("a file in the place of the folder", "utf-8")
    say(log, "m1", Severity.IMMEDIATE)
    for _ in range(3):
        anchoring.once()
    assert logged() == ["audit.not_anchored"]
    (tmp_path / ANCHORS).unlink()
    ticks[0] = 61.0

    anchoring.once()

    assert numbers(tmp_path) == [1]
    assert logged() == ["audit.not_anchored"]


def test_a_clock_that_was_set_back_stops_no_anchor(
    log: EscalationLog, anchoring: Anchoring, tmp_path: Path, clock: Clock
) -> None:
    say(log, "m1", Severity.CONCERN)
    anchoring.once()
    clock.move(days=-40)
    say(log, "m2", Severity.CONCERN)

    anchoring.once()

    assert numbers(tmp_path) == [1, 2]
