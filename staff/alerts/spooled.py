"""Alerts while the database is away: staff are told that messages lie in the spool, unread.

The watch looks at the files alone and never asks the database, which may hang. It opens an alert in
the stand-by outbox, and a plan and senders of its own work that off. The rota of the stand-by
outbox is read from the database as long as that answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.clock import utc_now
from safeguarding.taxonomy import Severity
from staff.alerts.standby import StandbyOutbox, UnreadMessages
from staff.alerts.turn import SpoolTurn
from staff.loops import Beats, Loop
from staff.rota.kept import KeptRota, KeptRotaFile, read_rota
from storage.engine import READING
from storage.spool import Spool
from storage.spooled_file import SpooledFile, SpooledState

WAITS = timedelta(seconds=15)
"""How long a message may wait before staff are told: a gateway drains its spool every 5 seconds."""
UNASSESSED_WAITS = timedelta(minutes=2)
"""The same of a message that is not assessed: it is assessed meanwhile (staff/cases)."""
UNASSESSED = "not_assessed"
"""Stands among the figures for the messages of which no one knows the severity."""
GROWN = timedelta(minutes=3)
"""Staff are told at most this often that more messages wait, and that some wait once more."""
REMINDED = timedelta(hours=1)
"""They are told at least this often while some wait: the steps of a plan come further apart."""
READ_EVERY_S = 60.0
KEPT_AGAIN = timedelta(hours=12)
"""A rota that stays the same is written again after so long, so that the file stays usable."""
ASSESSING_SPOOL = "spool-assessing"
"""The loop that assesses what lies in the spool (staff/cases/spooled_unassessed.py)."""
USES_DISK = frozenset({"spool", "rota", ASSESSING_SPOOL})
"""Loops that a disk may hold up, against which a restart of the process is of no use."""
_CLOCKS_DIFFER = timedelta(minutes=1)
log = structlog.get_logger("dispatcher")


@dataclass(frozen=True)
class SpoolFigures:
    """What lies in the spool."""

    waiting: Mapping[str, int]
    """Files by severity, and those that are not assessed."""
    late: int
    """Those that staff are told of: urgent and immediate ones, and ones that are not assessed."""
    late_s: float
    """How long the oldest of them has waited, in seconds."""


class SpoolBeats(Beats):
    """Records the beats of a second plan and its senders under names of their own."""

    def __init__(self, beats: Beats) -> None:
        super().__init__()
        self._beats = beats

    def beat(self, name: str) -> None:
        """Record that a thread is alive."""
        self._beats.beat(f"spool-{name}")


class SpoolWatch(Loop):
    """Opens the alert while messages wait in the spool that may be grave, and ends it."""

    def __init__(
        self,
        spool: Spool,
        outbox: StandbyOutbox,
        turn: SpoolTurn,
        beats: Beats,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__("spool", beats)
        self._spool = spool
        self._outbox = outbox
        self._turn = turn
        self._now = now
        self._told: frozenset[str] = frozenset()
        """The names of the files that the open alert is about."""
        self._severity = Severity.NONE
        self._waiting: UnreadMessages | None = None
        self.figures: SpoolFigures | None = None
        """What the last round saw; None when the folder could not be read."""

    def waiting(self) -> UnreadMessages:
        """Return what waited when something last did. There is no alert before the first time."""
        if self._waiting is None:
            raise LookupError("nothing has waited")
        return self._waiting

    def once(self) -> int:
        """Look at the spool; return 1 if there is a step to take. Raises OSError."""
        now = self._now()
        try:
            files = self._spool.listed()
        except OSError:
            self.figures = None
            raise
        late = tuple(each for each in files if is_late(each, now))
        self.figures = _figures(files, late, now)
        if late:
            self._waiting = UnreadMessages(late)
        told_at = self._outbox.told_at()
        if not late or not self._turn.is_mine(now, told_at):
            self._end(now)
            return 0
        return self._tell(UnreadMessages(late), told_at or now, now)

    def _tell(self, waiting: UnreadMessages, told_at: datetime, now: datetime) -> int:
        """Open the alert, or see to it that its next step comes in time."""
        names = frozenset(each.name for each in waiting.files)
        if not self._told and self._turn.told_within(now, GROWN):
            return 0
        opened = waiting.severity > self._severity
        if opened:
            self._outbox.open(waiting, now)
            log.warning("spool.alert", waiting=len(names), severity=waiting.severity.label)
        else:
            pause = REMINDED if names <= self._told else GROWN
            self._outbox.hurry(told_at + pause, waiting.area)
        self._told, self._severity = names, max(waiting.severity, self._severity)
        return int(opened)

    def _end(self, now: datetime) -> None:
        if self._told:
            self._outbox.end(now)
            self._told, self._severity = frozenset(), Severity.NONE
            log.info("spool.alert_ended")


class RotaKeeper(Loop):
    """Reads the rota while the database answers, for the time when it does not."""

    def __init__(
        self,
        engine: Engine,
        file: KeptRotaFile,
        outbox: StandbyOutbox,
        beats: Beats,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Begin with the rota of the file."""
        super().__init__("rota", beats, every_s=READ_EVERY_S)
        self._reading = engine.execution_options(**READING)
        self._file = file
        self._outbox = outbox
        self._now = now
        self._rota: KeptRota | None = None
        self._written: KeptRota | None = None
        self._use(file.kept(now()))

    def once(self) -> int:
        """Read the rota; keep it if it differs. Raises SQLAlchemyError while it cannot be read."""
        now = self._now()
        try:
            with self._reading.connect() as connection:
                rota = read_rota(connection, now)
        except SQLAlchemyError:
            if self._rota is not None and not self._rota.holds(now):
                self._use(None)
            raise
        self._use(rota)
        # Also after each start, because the key ring may have changed.
        last = self._written
        if last is None or not rota.says_the_same(last) or now - last.read_at > KEPT_AGAIN:
            self._file.keep(rota)
            self._written = rota
        return 0

    def _use(self, rota: KeptRota | None) -> None:
        same = self._rota is not None and rota is not None and rota.says_the_same(self._rota)
        if not same:
            self._outbox.replace_rota(rota)
        self._rota = rota


def is_late(file: SpooledFile, now: datetime) -> bool:
    """Return whether staff must be told of a file: it may be grave, and the spool was not drained.

    One that is not assessed has a while in which it is.
    """
    waits = UNASSESSED_WAITS if file.state is SpooledState.UNASSESSED else WAITS
    return file.severity >= Severity.URGENT and is_left(file, now, waits)


def is_left(file: SpooledFile, now: datetime, waits: timedelta = WAITS) -> bool:
    """Return whether a file has waited for longer than this: no gateway takes it in."""
    # A time to come is of a clock that has been set back since.
    return not now - waits < file.kept_at <= now + _CLOCKS_DIFFER


def _figures(
    files: Iterable[SpooledFile], late: Sequence[SpooledFile], now: datetime
) -> SpoolFigures:
    waiting = {**{severity.label: 0 for severity in Severity}, UNASSESSED: 0}
    waiting |= Counter(
        each.severity.label if each.state is SpooledState.ASSESSED else UNASSESSED for each in files
    )
    waited = (now - min((each.kept_at for each in late), default=now)).total_seconds()
    return SpoolFigures(waiting, len(late), max(round(waited, 1), 0.0))
