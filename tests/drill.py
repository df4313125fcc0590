"""A drill: an installation with records, a backup of it, and an empty place for another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Engine

from ops.backup import Manifest, back_up
from ops.restore import restore
from safeguarding.settings import Settings
from staff.retention.disposal import Disposals
from staff.retention.ledger import Ledger
from storage.engine import connect
from tests.office import Office
from tests.records import Clock


@dataclass
class Drill:
    """An installation with records, a backup of it, and an empty place for another."""

    settings: Settings
    elsewhere: Settings
    office: Office
    clock: Clock
    backup: Path

    def disposals(self) -> Disposals:
        """Return what disposes of cases of the first."""
        return Disposals(self.office.engine, self.settings.state_dir, "operator", self.clock)

    def back_up(self) -> Manifest:
        """Back the first up."""
        return back_up(self.settings, self.backup, self.clock())

    def restore(self, ledger: Ledger | None = None) -> Engine:
        """Restore it in the other place."""
        restore(self.elsewhere, self.backup, ledger, self.clock())
        return connect(self.elsewhere.database_url)
