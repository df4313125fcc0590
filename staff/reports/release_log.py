"""The log of case files that left Lantern, and the command that checks a file against it.

Each release is an event on the audit trail: the kind, by whom, and the SHA-256 of the file; the
reason is a note of the case. `python -m lantern verify-pack FILE REFERENCE` compares a file.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import click
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.settings import Settings
from staff.accounts.accounts import check_in_use
from staff.audit import trail
from staff.audit.trail import Event, Link
from staff.cases.case import CaseEvent
from staff.cases.cases import Cases, UnknownCaseError
from staff.cases.casework import WordsMissingError
from staff.cases.rows import make_key
from staff.cases.tables import case_notes, cases
from staff.reports.case_file import CaseFileKind
from storage.engine import READING, connect
from storage.vault import Vault

FileFormat = Literal["pdf", "json"]


@dataclass(frozen=True)
class Release:
    """One case file that left Lantern."""

    at: datetime
    by: str
    """Id of a staff account."""
    kind: CaseFileKind
    form: str
    sha256: str
    """64 hexadecimal digits."""


class ReleaseLog:
    """Records and lists releases. Thread-safe. Raises SQLAlchemyError."""

    def __init__(self, engine: Engine, vault: Vault, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine on a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._ring = vault
        self._now = now

    def record(
        self,
        case_id: str,
        file: bytes,
        *,
        kind: CaseFileKind,
        form: FileFormat,
        reason: str,
        by: str,
    ) -> str:
        """Record that this file is about to leave; return its SHA-256.

        Raises WordsMissingError without a reason, UnknownCaseError, UnknownStaffError: then the
        file must not be sent.
        """
        if not reason.strip():
            raise WordsMissingError
        digest, note_id, at = hashlib.sha256(file).hexdigest(), str(uuid.uuid4()), self._now()
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            locked = sa.select(cases.c.id).where(cases.c.id == case_id).with_for_update()
            if connection.execute(locked).first() is None:
                raise UnknownCaseError
            vault = make_key(connection, self._ring, case_id)
            text = vault.seal(reason.strip(), table=case_notes.name, row=note_id, column="text")
            row = {"id": note_id, "case_id": case_id, "at": at, "by": by, "text": text}
            connection.execute(sa.insert(case_notes).values(**row))
            detail = {"kind": kind.value, "form": form, "sha256": digest, "note": note_id}
            event = Event(at, by, CaseEvent.EXPORTED.value, case_id=case_id, detail=detail)
            trail.append(connection, event)
        return digest

    def of_case(self, case_id: str) -> list[Release]:
        """Return the releases of a case, oldest first."""
        with self._reading.connect() as connection:
            return releases_in(trail.of_case(connection, case_id))


def releases_in(history: Iterable[Link]) -> list[Release]:
    """Return the releases in a part of the audit trail."""
    return [
        Release(
            link.event.at,
            link.event.who,
            CaseFileKind(link.event.detail["kind"]),
            link.event.detail["form"],
            link.event.detail["sha256"],
        )
        for link in history
        if link.event.what == CaseEvent.EXPORTED.value
    ]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("reference")
def main(file: Path, reference: str) -> None:
    """Compare FILE with the releases of the case REFERENCE; exit with 1 when it is none of them.

    Run `verify-audit` too: it proves that the audit trail itself is complete.
    """
    settings = Settings.from_env()
    engine, vault = connect(settings.database_url), Vault.of(settings)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    try:
        case = Cases(engine, vault).of_reference(reference)
        releases = ReleaseLog(engine, vault).of_case(case.id)
    except UnknownCaseError:
        raise click.ClickException(f"There is no case {reference}.") from None
    finally:
        engine.dispose()
    matching = [each for each in releases if each.sha256 == digest]
    click.echo(f"SHA-256 {digest}")
    if not matching:
        raise click.ClickException(f"{case.reference} has no such export: changed, or not ours.")
    newest = matching[-1]
    when = newest.at.isoformat(timespec="seconds")
    click.echo(
        f"{case.reference}: exported as {newest.kind.value}, {newest.form}, {when}. Unchanged."
    )
