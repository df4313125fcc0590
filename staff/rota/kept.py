"""The last rota that was read, kept for alerts while the database is away: in memory and in a file.

The file of the state folder is sealed with the key ring: it holds the addresses of staff.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection

from safeguarding.settings import Settings
from safeguarding.state_folder import write_whole
from staff.accounts.tables import staff
from staff.rota.rota import (
    ContactPreferences,
    Shift,
    add_shifts,
    contact_preferences,
    contact_ways,
    rota_shifts,
    set_contact_preferences,
    shifts,
)
from storage.spool import locked
from storage.vault import Vault, VaultError

HOLDS = timedelta(days=7)
"""How long a rota that was read is used, and how far ahead it is read."""
_PLACE = {"table": "kept_rota", "row": "rota", "column": "rota"}
log = structlog.get_logger("dispatcher")


@dataclass(frozen=True)
class Colleague:
    """What the plan of an alert asks of an account in use: no name, no password."""

    id: str
    role: str
    admitted: bool
    areas: list[str] | None


@dataclass(frozen=True)
class KeptRota:
    """Who could be alerted, as of one moment."""

    read_at: datetime
    """With a time zone."""
    colleagues: tuple[Colleague, ...]
    shifts: tuple[Shift, ...]
    preferences: tuple[ContactPreferences, ...]

    def holds(self, now: datetime) -> bool:
        """Return whether it is recent enough to be used."""
        return abs(now - self.read_at) <= HOLDS

    def says_the_same(self, other: KeptRota) -> bool:
        """Return whether both differ at most in when they were read."""
        return replace(self, read_at=other.read_at) == other


def read_rota(connection: Connection, now: datetime) -> KeptRota:
    """Read the rota of the coming days. Raises SQLAlchemyError."""
    row = staff.c
    in_use = sa.select(row.id, row.role, row.admitted, row.areas).where(row.disabled_at.is_(None))
    found = connection.execute(in_use.order_by(row.id)).mappings()
    colleagues = tuple(Colleague(**each) for each in found)
    preferences = contact_preferences(connection, [each.id for each in colleagues])
    return KeptRota(
        read_at=now,
        colleagues=colleagues,
        shifts=tuple(shifts(connection, now, now + HOLDS)),
        preferences=tuple(preferences[each] for each in sorted(preferences)),
    )


def write_rota(connection: Connection, rota: KeptRota | None) -> None:
    """Replace staff, shifts and preferences of a stand-by database; None leaves none."""
    for table in (contact_ways, rota_shifts, staff):
        connection.execute(sa.delete(table))
    if rota is None:
        return
    # A stand-by database signs no one in: what an account has besides is left empty.
    empty = {"shown_name": "", "password_hash": "", "created_at": rota.read_at}
    for each in rota.colleagues:
        known = {"role": each.role, "admitted": each.admitted, "areas": each.areas}
        row = {"id": each.id, "name": each.id, **known, **empty}
        connection.execute(sa.insert(staff).values(**row))
    add_shifts(connection, rota.shifts)
    for preferences in rota.preferences:
        set_contact_preferences(connection, preferences)


class KeptRotaFile:
    """The file that holds the last rota across restarts."""

    def __init__(self, path: Path, vault: Vault) -> None:
        """Take the file; it is made when a rota is first kept."""
        self._path = path
        self._vault = vault

    @classmethod
    def of(cls, settings: Settings, vault: Vault) -> KeptRotaFile:
        """Return the file of this installation, in its state folder."""
        return cls(settings.state_dir / "kept-rota", vault)

    def keep(self, rota: KeptRota) -> None:
        """Write the rota, sealed; on a disk that cannot be written the older one stays.

        Does nothing while another process writes it.
        """
        plain = msgspec.json.encode(rota).decode()
        try:
            with locked(self._path.with_suffix(".lock")) as mine:
                if mine:
                    write_whole(self._path, self._vault.seal(plain, **_PLACE).encode("ascii"))
        except OSError as error:
            log.warning("rota.not_kept", error=type(error).__name__)

    def kept(self, now: datetime) -> KeptRota | None:
        """Return the rota of the file; None where there is none that holds and can be opened."""
        try:
            plain = self._vault.open(self._path.read_text("ascii"), **_PLACE)
            rota = msgspec.json.decode(plain, type=KeptRota)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, VaultError, msgspec.MsgspecError) as error:
            log.warning("rota.not_opened", error=type(error).__name__)
            return None
        return rota if rota.holds(now) else None
