"""The cases of a running stack, read from outside, once what was handed over is in them."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from sqlalchemy.exc import OperationalError

from ops.stack import Stack
from safeguarding.escalation import Escalation
from safeguarding.screening.process import COMMAND, ScreeningProcess
from safeguarding.settings import Settings
from staff.audit.trail import Event
from staff.cases.assessing import AssessmentWorker
from staff.cases.case import Case
from staff.cases.cases import CaseFilter, Cases
from staff.cases.worker import CaseWorker
from storage.engine import READING, connect
from storage.handoffs import figures
from storage.vault import Vault


@dataclass(frozen=True)
class Recorded:
    """A message on record, its case, and what the trail says of it."""

    case: Case
    escalation: Escalation
    history: tuple[Event, ...]


class LogReader:
    """Finds what was recorded by its text."""

    def __init__(self, stack: Stack) -> None:
        settings = Settings.from_env(stack.env)
        self._engine, self._ring = connect(settings.database_url), Vault.of(settings)
        self._cases = Cases(self._engine, self._ring)
        # Where a dispatcher runs as well, each row is taken by one of the two.
        self._worker = CaseWorker(self._engine, self._ring)
        self._screening = screening_of(stack)

    def of(self, text: str) -> list[Recorded]:
        """Every message on record with exactly this text."""
        return [each for each in self.all() if each.escalation.text == text]

    def all(self) -> list[Recorded]:
        """Every message on record."""
        self._settle()
        wholes = [
            self._cases.whole(case.id)
            for case in self._cases.queue(CaseFilter(status=None), limit=None)
        ]
        return [
            Recorded(whole.case, each, tuple(
                link.event for link in whole.history if link.event.message_id == each.message_id
            ))
            for whole in wholes
            for each in whole.messages
        ]  # fmt: skip

    def eventually(self, text: str, patience_s: float = 20.0) -> list[Recorded]:
        """Return the same, once there is one: recording does not hold up the reply."""
        limit = time.monotonic() + patience_s
        while not (found := self.of(text)) and time.monotonic() < limit:
            time.sleep(0.2)
        return found

    def _settle(self, patience_s: float = 5.0) -> None:
        """Take what waits in the mailbox: most of these stacks have no dispatcher."""
        limit = time.monotonic() + patience_s
        with suppress(OperationalError):  # the fault of the test: what is on record is read anyway
            while self._worker.work_off() and time.monotonic() < limit:
                time.sleep(0.05)
            self._assess()

    def _assess(self, patience_s: float = 120.0) -> None:
        """Assess what the gateway had no time for, on a machine that does much else."""
        limit = time.monotonic() + patience_s
        if not self._unassessed():
            return
        process = partial(ScreeningProcess, self._screening)
        worker = AssessmentWorker.of_mailbox(self._engine, self._ring, process)
        try:
            while self._unassessed() and time.monotonic() < limit:
                worker.work()
                time.sleep(0.05)
        finally:
            worker.close()

    def _unassessed(self) -> int:
        with self._engine.connect().execution_options(**READING) as connection:
            return figures(connection).unassessed


def screening_of(stack: Stack) -> Sequence[str]:
    """Return the command of the screening process that a stack's gateway runs."""
    is_plain = "tests.fakes.plain_gateway" in stack.gateway._command
    return (sys.executable, "-m", "tests.fakes.plain_screening") if is_plain else COMMAND
