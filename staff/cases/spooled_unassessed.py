"""Messages of the spool that wait for their assessment while the database is away.

What is found goes into the name of the file, so that staff are told of what is urgent (ADR 48). The
message itself stays as it is, and is assessed for its record when the mailbox has it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import structlog

from safeguarding.clock import utc_now
from safeguarding.escalation import Escalation
from safeguarding.taxonomy import Severity
from staff.alerts.spooled import is_left
from staff.cases.unassessed import PAGE, RARELY_S, UNREADABLE, AssessedRow
from storage.spool import Spool
from storage.spooled_file import SpooledFile, SpooledState
from storage.vault import VaultError

log = structlog.get_logger("cases.assessing")


class SpooledMessages:
    """Reads files that no gateway takes in, and notes what was found. For one thread."""

    def __init__(
        self,
        spool: Spool,
        now: Callable[[], datetime] = utc_now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now` gives the time by which a file is left lying; `clock` measures pauses."""
        self._spool = spool
        self._now = now
        self._clock = clock
        self._numbers: dict[str, int] = {}
        self._files: dict[int, SpooledFile] = {}
        self._known: set[int] = set()
        self._not_before: dict[int, float] = {}
        self._next = 0
        self.settled_at = clock()

    def new(self) -> list[tuple[int, Escalation]]:
        """Return the messages, with their numbers, of files that were not returned yet: a page."""
        try:
            self._list()
        except OSError as error:
            log.warning("spool.not_listed", error=type(error).__name__)
            return []
        due = [number for number in self._files if self._is_due(number)][:PAGE]
        self._known.update(due)
        opened = [(number, self.read(number)) for number in due]
        return [(number, message) for number, message in opened if message is not None]

    def read(self, number: int) -> Escalation | None:
        """Return the message of a file; None if it was taken in, or cannot be opened."""
        file = self._files.get(number)
        if file is None:
            return None
        try:
            return self._spool.read(file.name)
        except FileNotFoundError:
            return None
        except (VaultError, ValueError, KeyError, TypeError, OSError) as error:
            log.error(UNREADABLE, file=file.name, error=type(error).__name__)  # noqa: TRY400
            self._note(number, file, None)
            return None

    def settle(self, row: AssessedRow) -> bool:
        """Note the severity that was found; return whether that is done."""
        file = self._files.get(row.number)
        if file is None:
            return False
        severity = row.result.assessment.severity if row.result.is_assessed else None
        return self._note(row.number, file, severity)

    def settle_all(self, rows: Sequence[AssessedRow]) -> int:
        """Note what was found in several; return of how many that is done."""
        return sum(map(self.settle, rows))

    def drop(self, rows: Sequence[AssessedRow]) -> int:
        """Note that these are harmless; return of how many that is done. The files stay."""
        return self.settle_all(rows)

    def look_again(self, numbers: Iterable[int]) -> None:
        """Let `new` return these files again."""
        self._known.difference_update(numbers)

    def _list(self) -> None:
        """Look which files wait, and forget the others. Raises OSError."""
        now = self._now()
        waiting = {
            each.name: each
            for each in self._spool.listed()
            if each.state is SpooledState.UNASSESSED and is_left(each, now)
        }
        for name in waiting.keys() - self._numbers.keys():
            self._numbers[name] = self._next = self._next + 1
        self._numbers = {name: n for name, n in self._numbers.items() if name in waiting}
        self._files = {number: waiting[name] for name, number in self._numbers.items()}
        self._known &= self._files.keys()
        self._not_before = {n: at for n, at in self._not_before.items() if n in self._files}

    def _is_due(self, number: int) -> bool:
        return number not in self._known and self._not_before.get(number, 0.0) <= self._clock()

    def _note(self, number: int, file: SpooledFile, severity: Severity | None) -> bool:
        """Write the severity into the name; None: it cannot be assessed. On failure, wait."""
        try:
            is_noted = self._spool.note_assessment(file, severity)
        except OSError as error:
            log.warning("spool.not_noted", file=file.name, error=type(error).__name__)
            self._not_before[number] = self._clock() + RARELY_S
            self._known.discard(number)
            return False
        self.settled_at = self._clock()
        return is_noted
