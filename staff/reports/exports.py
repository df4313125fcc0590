"""Keeps on the audit trail what left the house: what, why, by whom, and the SHA-256 of the file."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from staff.audit import trail
from staff.audit.trail import Event, Link
from safeguarding.clock import utc_now
from storage.engine import READING
from staff.cases.case import CaseEvent
from staff.cases.cases import UnknownCaseError
from staff.cases.casework import WordsMissingError
from staff.cases.rows import make_key
from staff.reports.pack import ExportKind
from staff.cases.tables import case_notes, cases
from storage.vault import Vault
from staff.accounts.accounts import check_in_use

Form = Literal["pdf", "json"]


@dataclass(frozen=True)
class Exported:
    """One file that left the house."""

    at: datetime
    by: str
    """Id of a staff account."""
    kind: ExportKind
    form: str
    sha256: str
    """64 hexadecimal digits."""


class Exports:
    """What left the house. Thread-safe. Raises SQLAlchemyError."""

    def __init__(self, engine: Engine, vault: Vault, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine of `database.engine.connect` on a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._ring = vault
        self._now = now

    def leave(
        self, case_id: str, file: bytes, *, kind: ExportKind, form: Form, reason: str, by: str
    ) -> str:
        """Note that this file is about to leave, with the reason as a sealed note; its SHA-256.

        Raises WordsMissingError without a reason, UnknownCaseError, UnknownStaffError: then the
        file must not leave.
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

    def of_case(self, case_id: str) -> list[Exported]:
        """Every file of a case that left, oldest first."""
        with self._reading.connect() as connection:
            return exported(trail.of_case(connection, case_id))


def exported(history: Iterable[Link]) -> list[Exported]:
    """The exports in a part of the trail."""
    return [
        Exported(
            link.event.at,
            link.event.who,
            ExportKind(link.event.detail["kind"]),
            link.event.detail["form"],
            link.event.detail["sha256"],
        )
        for link in history
        if link.event.what == CaseEvent.EXPORTED.value
    ]
