"""What a soak counts as lost, doubled or too low, and what it measures of a process."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.engine import Engine

from lab.soak.command import Verdicts, verdicts
from lab.soak.people import SoakFigures
from lab.soak.samples import WAITING, Sampler, counted, used
from ops.stack import Process
from safeguarding.taxonomy import Severity
from tests.records import WorkedMailbox, assessment, escalation

ONE, TWO = UUID(int=1), UUID(int=2)
SLEEPS = "import threading, time; threading.Thread(target=time.sleep, args=[60]).start()"


@pytest.fixture
def people() -> SoakFigures:
    """Two disclosed something: the first message of each, and one more, were answered."""
    severities = {ONE: Severity.URGENT, TWO: Severity.CONCERN}
    known = {"m1", "m2", "m3", "m4"}
    return SoakFigures(4, 3, 0, {"m1": ONE, "m2": TWO, "m3": TWO}, severities, known)


def keep(engine: Engine, message_id: str, conversation: UUID, severity: Severity) -> None:
    told = assessment(severity)
    record = escalation(message_id, conversation_id=str(conversation), assessment=told)
    WorkedMailbox(engine).append(record)


def test_what_is_on_record_as_a_quiet_system_judges_it_is_no_fault(
    engine: Engine, people: SoakFigures
) -> None:
    keep(engine, "m1", ONE, Severity.IMMEDIATE)
    keep(engine, "m2", TWO, Severity.CONCERN)
    keep(engine, "m3", TWO, Severity.NONE)
    # It was not answered, and is on record all the same.
    keep(engine, "m4", TWO, Severity.NONE)

    assert verdicts(people, engine, growing=0) == Verdicts(0, 0, 0, unanswered=1, growing=0)


def test_what_is_missing_strange_or_too_low_is_counted(engine: Engine, people: SoakFigures) -> None:
    keep(engine, "m1", ONE, Severity.CONCERN)
    keep(engine, "m9", TWO, Severity.CONCERN)

    assert verdicts(people, engine, growing=3) == Verdicts(2, 1, 1, unanswered=1, growing=3)


def test_processes_and_rows_are_measured_and_written_down(engine: Engine, tmp_path: Path) -> None:
    keep(engine, "m1", ONE, Severity.CONCERN)
    command = [sys.executable, "-c", SLEEPS]
    process = Process("gateway", command, {}, "http://127.0.0.1:1", tmp_path / "log")
    process.start()
    try:
        limit = time.monotonic() + 30
        while (use := dict(used({"gateway": process})).get("gateway")) is None or use.threads < 2:
            assert time.monotonic() < limit, "its second thread does not come"
        sampler = Sampler({"gateway": process}, engine, tmp_path / "samples")
        sampler.start()
        sampler.stop()
    finally:
        process.stop()

    assert (use.pid > 1, use.threads, use.descriptors >= 3) == (True, 2, True)
    assert 3 < use.memory_mb < 100
    rows = counted(engine)
    assert (rows["cases"], rows["handoffs"], rows[WAITING]) == (1, 1, 0)
    last = json.loads((tmp_path / "samples").read_text("utf-8").splitlines()[-1])
    assert last["rows"] == rows
    assert last["processes"]["gateway"]["threads"] == 2
    assert dict(used({"gateway": process})) == {}
