"""Files of a case: kept, read and removed, each with its event on the audit trail.

A file is sealed with the key of its case, like words. One that was removed leaves its name, who
removed it and when; its content is gone.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from safeguarding.clock import utc_now
from staff.accounts.accounts import check_in_use
from staff.attachments.kinds import FileKind, clean_name, kind_of
from staff.attachments.scanning import VirusScanner
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CaseEvent
from staff.cases.cases import UnknownCaseError, case_of
from staff.cases.casework import CaseChange, locked
from staff.cases.tables import attachments, cases, make_key, vault_of
from storage.engine import READING
from storage.vault import Vault

LARGEST = 5 * 1024 * 1024
"""Bytes of one file: a letter of many pages or a photograph."""
MOST = 30
"""Files of one case."""
_LISTED = tuple(column for column in attachments.c if column.name != "content")


class FileKindError(Exception):
    """It is none of the kinds of file that can be attached."""


class FileTooLargeError(Exception):
    """It has more bytes than LARGEST."""


class TooManyFilesError(Exception):
    """The case has MOST files already."""


class UnknownFileError(Exception):
    """The case has no such file, or its content was removed."""


@dataclass(frozen=True)
class Attachment:
    """A file as the page of its case lists it."""

    id: str
    case_id: str
    """The case to which it was attached, which may be part of another since."""
    at: datetime
    by: str
    name: str
    kind: FileKind
    size: int
    """In bytes."""
    scanned: bool
    """Whether it was checked for viruses."""
    removed_at: datetime | None
    removed_by: str | None


class Attachments:
    """Keeps the files of cases. Thread-safe. Raises SQLAlchemyError."""

    def __init__(
        self,
        engine: Engine,
        vault: Vault,
        scanner: VirusScanner,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._vault = vault
        self._scanner = scanner
        self._now = now

    def keep(
        self, case_id: str, name: str, content: bytes, *, by: str, version: int | None = None
    ) -> str:
        """Attach a file to a case; return its id.

        Raises FileKindError, FileTooLargeError, TooManyFilesError, InfectedError, ScanError,
        UnknownCaseError, UnknownStaffError and, where the case has changed since `version`,
        StaleCaseError; then nothing was kept.
        """
        if len(content) > LARGEST:
            raise FileTooLargeError
        kind = kind_of(content)
        if kind is None:
            raise FileKindError
        # Before the transaction: nothing in the database waits for the scanner.
        scanned = self._scanner.check(content)
        file_id = str(uuid.uuid4())
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            case = case_of(locked(connection, case_id, version))
            if _count(connection, case_id) >= MOST:
                raise TooManyFilesError
            change = CaseChange(connection, self._vault, case, by, self._now())
            vault = make_key(connection, self._vault, case_id)
            cells = {
                "name": clean_name(name, kind),
                "content": base64.b64encode(content).decode("ascii"),
            }
            place = {"table": attachments.name, "row": file_id}
            sealed = {
                column: vault.seal(cell, column=column, **place) for column, cell in cells.items()
            }
            plain = {"id": file_id, "case_id": case_id, "at": change.at, "by": by}
            facts = {"kind": kind.stored, "bytes": len(content), "scanned": scanned}
            connection.execute(sa.insert(attachments).values(**plain, **facts, **sealed))
            change.update()
            change.record(CaseEvent.FILE_ATTACHED, file=file_id, kind=kind.stored)
        return file_id

    def of_case(self, case_id: str) -> list[Attachment]:
        """Return the files of a case and of those that are part of it, oldest first.

        Raises VaultError.
        """
        query = sa.select(*_LISTED).where(_of(case_id)).order_by(attachments.c.at)
        with self._reading.connect() as connection:
            rows = connection.execute(query).mappings().all()
            return [self._listed(connection, row) for row in rows]

    def read(self, case_id: str, file_id: str, *, by: str) -> tuple[Attachment, bytes]:
        """Return a file with its content, after recording on the audit trail who read it.

        Raises UnknownFileError, UnknownCaseError, UnknownStaffError and VaultError.
        """
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            row = self._found(connection, case_id, file_id)
            found = self._listed(connection, row)
            vault = vault_of(connection, self._vault, row["case_id"])
            place = {"table": attachments.name, "row": file_id}
            content = base64.b64decode(vault.open(row["content"], column="content", **place))
            _record(connection, CaseEvent.FILE_READ, case_id, file_id, by, self._now())
        return found, content

    def remove(self, case_id: str, file_id: str, *, by: str) -> None:
        """Delete the content of a file for good. Raises as `read` does, apart from VaultError."""
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            row = case_of(locked(connection, case_id))
            self._found(connection, case_id, file_id)
            at = self._now()
            gone = {"content": None, "removed_at": at, "removed_by": by}
            mine = attachments.c.id == file_id
            connection.execute(sa.update(attachments).where(mine).values(**gone))
            CaseChange(connection, self._vault, row, by, at).update()
            _record(connection, CaseEvent.FILE_REMOVED, case_id, file_id, by, at)

    def _found(self, connection: Connection, case_id: str, file_id: str) -> RowMapping:
        known = sa.select(cases.c.id).where(cases.c.id == case_id)
        if connection.execute(known).first() is None:
            raise UnknownCaseError
        mine = _of(case_id) & (attachments.c.id == file_id) & attachments.c.content.is_not(None)
        row = connection.execute(sa.select(attachments).where(mine)).mappings().first()
        if row is None:
            raise UnknownFileError
        return row

    def _listed(self, connection: Connection, row: RowMapping) -> Attachment:
        vault = vault_of(connection, self._vault, row["case_id"])
        place = {"table": attachments.name, "row": row["id"], "column": "name"}
        return Attachment(
            id=row["id"],
            case_id=row["case_id"],
            at=row["at"],
            by=row["by"],
            name=vault.open(row["name"], **place),
            kind=FileKind.of(row["kind"]),
            size=row["bytes"],
            scanned=row["scanned"],
            removed_at=row["removed_at"],
            removed_by=row["removed_by"],
        )


def _of(case_id: str) -> sa.ColumnElement[bool]:
    merged = sa.select(cases.c.id).where(cases.c.merged_into == case_id)
    return (attachments.c.case_id == case_id) | attachments.c.case_id.in_(merged)


def _count(connection: Connection, case_id: str) -> int:
    kept = _of(case_id) & attachments.c.content.is_not(None)
    query = sa.select(sa.func.count()).select_from(attachments).where(kept)
    return connection.execute(query).scalar_one()


def _record(
    connection: Connection, what: CaseEvent, case_id: str, file_id: str, by: str, at: datetime
) -> None:
    event = Event(at, by, what.value, case_id=case_id, detail={"file": file_id})
    trail.append(connection, event)
