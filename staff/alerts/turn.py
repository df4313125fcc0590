"""Which of several dispatchers tells staff what waits in the spool that they share.

A small file beside the spool names it, and holds when staff were last told. So staff are not told
again by a second dispatcher, or by one that is started again and again.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import structlog

from storage.spool import locked

LASTS = timedelta(seconds=15)
"""After so long without a sign of life the turn passes to another dispatcher."""
log = structlog.get_logger("dispatcher")


class TurnRecord(msgspec.Struct, frozen=True):
    """What the file holds."""

    holder: str
    """A name that one dispatcher made for itself at its start."""
    seen_at: datetime
    told_at: datetime | None


class SpoolTurn:
    """The turn of one dispatcher among those of a state folder. For one thread."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "spool-turn"
        self._me = secrets.token_hex(8)
        self._told_at: datetime | None = None

    def is_mine(self, now: datetime, told_at: datetime | None) -> bool:
        """Take or keep the turn, and return whether this dispatcher has it.

        `told_at` is when it last told staff. Where the file cannot be used, each dispatcher takes
        the turn: to be told twice is better than not at all.
        """
        self._told_at = max(filter(None, (self._told_at, told_at)), default=None)
        try:
            with locked(self._path.with_suffix(".lock")) as alone:
                # If not, another is deciding just now; the next round is a second away.
                return alone and self._take(now)
        except OSError as error:
            log.warning("spool.turn_not_noted", error=type(error).__name__)
            return True

    def told_within(self, now: datetime, span: timedelta) -> bool:
        """Return whether this dispatcher or the one before it told staff in this time."""
        return self._told_at is not None and abs(now - self._told_at) < span

    def _take(self, now: datetime) -> bool:
        last = self._read()
        if last is not None:
            others = last.holder != self._me
            # Also a time to come counts as past: the clock was set back.
            if others and abs(now - last.seen_at) <= LASTS:
                return False
            self._told_at = max(filter(None, (self._told_at, last.told_at)), default=None)
        record = TurnRecord(self._me, now, self._told_at)
        draft = self._path.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(record))
        draft.replace(self._path)
        return True

    def _read(self) -> TurnRecord | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=TurnRecord)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None
