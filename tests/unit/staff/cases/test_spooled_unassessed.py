"""What the spool holds unassessed while the database is away is assessed where it lies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from sqlalchemy.engine import Engine

from safeguarding.escalation import NOT_ASSESSED
from safeguarding.taxonomy import Severity
from staff.alerts.spooled import UNASSESSED_WAITS, WAITS, SpoolWatch
from staff.alerts.standby import StandbyOutbox
from staff.alerts.turn import SpoolTurn
from staff.cases import spooled_unassessed as module
from staff.cases.assessing import MOST_TRIES, AssessmentWorker
from staff.cases.cases import Cases
from staff.cases.spooled_unassessed import SpooledMessages
from staff.cases.unassessed import RARELY_S, UnassessedRows
from staff.loops import Beats
from storage.handoffs import HandoffMailbox
from storage.spool import Spool
from storage.vault import Vault, key_ring, new_key
from tests.fakes.plain_engine import DISCLOSES
from tests.records import Clock, escalation, vault
from tests.unit.staff.cases.test_assessing import LATE, TOLD, ObedientScreener, Ticks, found

CALM = "what is grooming"


class LeftSpool:
    """A spool that no gateway drains, the worker that reads it, and the watch that tells staff."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "spool"
        self.clock = Clock()
        self.ticks = Ticks()
        self.screener = ObedientScreener()
        self.spool = Spool(self.folder, vault())
        messages = SpooledMessages(self.spool, self.clock, self.ticks)
        self.worker = AssessmentWorker(messages, lambda: self.screener, self.ticks)
        turn = SpoolTurn(folder)
        self.watch = SpoolWatch(self.spool, StandbyOutbox(), turn, Beats(), self.clock)

    def keep(
        self, name: str, text: str = TOLD, age: timedelta = WAITS, ring: Vault | None = None
    ) -> None:
        """Keep a message that was not assessed, and has lain there for so long."""
        told = escalation(
            name, text=text, conversation_id=f"of-{name}", assessment=NOT_ASSESSED, extra=LATE
        )
        Spool(self.folder, ring or vault()).keep(told)
        at = (self.clock() - age).timestamp()
        os.utime(self.folder / f"{name}.not_assessed-wiltshire.v1", (at, at))

    def names(self) -> list[str]:
        """Return what the files are called, apart from their area."""
        return [each.name.removesuffix("-wiltshire.v1") for each in self.spool.waiting()]

    def late(self) -> list[Severity]:
        """Let the watch look; return how grave it says that staff must be told it is."""
        self.watch.once()
        assert self.watch.figures is not None
        files = self.watch.waiting().files if self.watch.figures.late else ()
        return [each.severity for each in files]


@pytest.fixture
def left(tmp_path: Path) -> Iterator[LeftSpool]:
    made = LeftSpool(tmp_path)
    yield made
    made.worker.close()


def test_the_name_says_what_was_found_and_staff_are_told_of_what_is_urgent(left: LeftSpool) -> None:
    left.keep("m1")
    left.keep("m2", CALM)
    assert left.late() == []

    assert left.worker.work() == 2

    assert left.names() == ["m1.not_assessed_urgent", "m2.not_assessed_none"]
    assert left.late() == [Severity.URGENT]
    assert left.watch.figures is not None
    assert left.watch.figures.waiting == {
        "none": 1, "concern": 0, "urgent": 1, "immediate": 0, "not_assessed": 0,
    }  # fmt: skip
    assert left.worker.work() == 0
    assert left.screener.starts == 1


def test_the_most_alarming_come_first(left: LeftSpool) -> None:
    for number in range(20):
        left.keep(f"a{number}", f"{CALM} {number}")
    left.keep("z", TOLD)

    left.worker.work()

    assert left.screener.texts[0] == TOLD
    assert len(left.screener.texts) == 21


def test_a_gateway_that_drains_in_time_leaves_nothing_to_do(left: LeftSpool) -> None:
    left.keep("m1", age=WAITS - timedelta(seconds=1))

    assert left.worker.work() == 0
    assert (left.screener.starts, left.names()) == (0, ["m1.not_assessed"])


def test_messages_that_were_assessed_at_once_are_none_of_its_business(left: LeftSpool) -> None:
    left.spool.keep(escalation("m1"))
    left.clock.move(days=2)

    assert left.worker.work() == 0
    assert left.screener.starts == 0


def test_what_is_taken_in_meanwhile_is_forgotten(left: LeftSpool) -> None:
    left.keep("m1")
    left.keep("m2")

    def take_in(_text: str) -> None:
        for path in left.spool.waiting():
            path.unlink()

    left.screener.meanwhile = take_in

    assert left.worker.work() == 0
    assert left.worker.work() == 0
    assert left.names() == []


def test_while_the_process_does_not_come_up_staff_are_told_that_some_are_not_assessed(
    left: LeftSpool,
) -> None:
    left.screener.can_start = False
    left.keep("m1")
    assert (left.worker.work(), left.late()) == (0, [])

    left.clock.move(seconds=(UNASSESSED_WAITS - WAITS).total_seconds())
    assert (left.worker.work(), left.late()) == (0, [Severity.URGENT])
    assert left.watch.waiting().unassessed == 1

    left.screener.can_start = True
    assert left.worker.work() == 1
    assert left.late() == [Severity.URGENT]
    assert left.watch.waiting().unassessed == 0


def test_a_message_that_ends_the_process_each_time_is_for_a_person(left: LeftSpool) -> None:
    left.screener.kills = {"the end"}
    left.keep("m1", "the end")
    left.keep("m2", TOLD)
    for _ in range(2 * MOST_TRIES):
        left.worker.work()

    assert left.names() == ["m1.not_assessed_failed", "m2.not_assessed_urgent"]
    assert left.late() == [Severity.URGENT, Severity.URGENT]
    assert left.watch.waiting().unassessed == 1


def test_a_file_that_no_key_opens_is_for_a_person_and_stops_nothing(
    left: LeftSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "log", structlog.get_logger("cases.assessing"))
    left.keep("m1", ring=Vault(key_ring(f"other:{new_key()}")))
    left.keep("m2")

    with structlog.testing.capture_logs() as logged:
        left.worker.work()
        left.worker.work()

    assert left.names() == ["m1.not_assessed_failed", "m2.not_assessed_urgent"]
    assert [each["event"] for each in logged] == ["handoff.unreadable"]
    assert DISCLOSES not in str(logged)


def test_where_no_name_can_be_written_it_is_tried_again_later(
    left: LeftSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object) -> bool:
        raise OSError(30, "Read-only file system")

    left.keep("m1")
    with monkeypatch.context() as broken:
        broken.setattr(left.spool, "note_assessment", read_only)
        assert left.worker.work() == 0
    assert left.worker.work() == 0

    left.ticks.at += RARELY_S
    assert left.worker.work() == 1


def test_a_folder_that_cannot_be_read_is_looked_at_again(
    left: LeftSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    left.keep("m1")
    with monkeypatch.context() as fault:
        fault.setattr(left.spool, "listed", broken)
        assert left.worker.work() == 0

    assert left.worker.work() == 1


def test_two_workers_note_a_file_once(left: LeftSpool, tmp_path: Path) -> None:
    other = LeftSpool(tmp_path)
    left.keep("m1")

    def first(_text: str) -> None:
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(other.worker.work).result() == 1

    left.screener.meanwhile = first
    assert left.worker.work() == 0

    other.worker.close()
    assert left.names() == ["m1.not_assessed_urgent"]


def test_when_the_database_is_back_each_is_recorded_once_with_its_severity(
    left: LeftSpool, engine: Engine, cases: Cases
) -> None:
    left.keep("m1")
    left.keep("m2", CALM)
    left.worker.work()

    assert left.spool.drain(HandoffMailbox(engine, vault())) == 2
    rows = UnassessedRows(engine, vault(), left.clock)
    left.clock.move(minutes=1)
    recorder = AssessmentWorker(rows, lambda: left.screener)
    try:
        assert recorder.work() == 2
    finally:
        recorder.close()

    assert found(cases) == {"m1": Severity.URGENT}
    assert left.names() == []
