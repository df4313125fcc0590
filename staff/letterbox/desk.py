"""What staff do with the letterbox of a case: write a letter, settle one that came, close it.

Each is one transaction with its event on the audit trail. A letter is kept sealed with its case,
and a copy waits in the reply mailbox until the person has read it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from safeguarding.clock import utc_now
from staff.accounts.accounts import check_in_use
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CaseEvent
from staff.cases.cases import UnknownCaseError
from staff.cases.casework import WordsMissingError, locked
from staff.cases.tables import case_notes, cases, letters, make_key
from storage import letterboxes, replies
from storage.letterboxes import BY_STAFF, Letterbox
from storage.replies import AddressKind, NewReply
from storage.vault import Vault

LONGEST_LETTER = 2_000
"""Characters of a letter: what a young person reads on a phone without scrolling for long."""


class LetterPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/letters.yml."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "until": ("day",),
        "letter_too_long": ("most",),
        "hint": ("most",),
        "read": ("day",),
    }

    title: str
    until: str
    waits: str
    ended: str
    closed_by_person: str
    closed_by_staff: str
    from_person: str
    read: str
    on_screen: str
    unread: str
    withdrawn: str
    write: str
    opening: str
    no_opening: str
    text: str
    hint: str
    send: str
    settle: str
    close: str
    close_why: str
    close_hint: str
    close_send: str
    enter_letter: str
    letter_too_long: str
    select_opening: str


class LetterOpenings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/letter_openings.yml: reviewed beginnings of a letter."""

    glad: str
    thanks: str
    not_your_fault: str
    need_to_talk: str
    talked: str
    sorry_late: str

    def by_name(self) -> dict[str, str]:
        """Return each opening by its name."""
        return {name: str(getattr(self, name)) for name in self.__struct_fields__}


class LetterboxClosedError(Exception):
    """The letterbox is closed, or its days are over: nobody would read the letter."""


@dataclass(frozen=True)
class _Desk:
    """One act on a locked case and its letterbox, in one transaction."""

    connection: Connection
    box: Letterbox
    case_id: str
    by: str
    at: datetime

    def record(self, what: CaseEvent, **detail: str) -> None:
        event = Event(self.at, self.by, what.value, case_id=self.case_id, detail=detail)
        trail.append(self.connection, event)


class LetterboxDesk:
    """Thread-safe. Every method takes the ids of the case that staff see and of its letterbox.

    The second is that of the case which the person's conversation opened. It raises
    UnknownCaseError, UnknownStaffError, SQLAlchemyError and, where the case has changed since
    `version`, StaleCaseError; then nothing was changed.
    """

    def __init__(self, engine: Engine, vault: Vault, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database."""
        self._engine = engine
        self._vault = vault
        self._now = now

    def write(
        self, case_id: str, box_id: str, text: str, *, by: str, version: int | None = None
    ) -> str:
        """Put a letter into the letterbox; return its id. What waited for an answer has one.

        Raises WordsMissingError, LetterboxClosedError; ValueError over LONGEST_LETTER.
        """
        words = text.strip()
        if not words:
            raise WordsMissingError
        if len(words) > LONGEST_LETTER:
            raise ValueError("a letter is too long")
        with self._desk(case_id, box_id, by, version) as desk:
            if not desk.box.is_open(desk.at):
                raise LetterboxClosedError
            letter_id, connection = str(uuid.uuid4()), desk.connection
            self._keep(connection, letters, letter_id, desk, words)
            ends_at, kind = desk.box.ends_at, AddressKind.LETTERBOX
            reply = NewReply(letter_id, box_id, words, desk.at, ends_at, kind)
            replies.add(connection, self._vault, reply)
            letterboxes.letter_answered(connection, box_id)
            desk.record(CaseEvent.LETTER_WRITTEN, letter=letter_id)
        return letter_id

    def settle(self, case_id: str, box_id: str, *, by: str, version: int | None = None) -> None:
        """Note that the letters which came need no answer."""
        with self._desk(case_id, box_id, by, version) as desk:
            if letterboxes.letter_answered(desk.connection, box_id):
                desk.record(CaseEvent.LETTER_SETTLED)

    def close(
        self, case_id: str, box_id: str, reason: str, *, by: str, version: int | None = None
    ) -> None:
        """Close the letterbox, with the letters in it that were not read.

        Nobody can open it afterwards. Raises WordsMissingError without a reason.
        """
        if not reason.strip():
            raise WordsMissingError
        with self._desk(case_id, box_id, by, version) as desk:
            if not letterboxes.close_box(desk.connection, box_id, BY_STAFF, desk.at):
                return
            replies.withdraw(desk.connection, box_id, AddressKind.LETTERBOX)
            note_id = str(uuid.uuid4())
            self._keep(desk.connection, case_notes, note_id, desk, reason.strip())
            desk.record(CaseEvent.LETTERBOX_CLOSED, note=note_id)

    def _keep(
        self, connection: Connection, table: sa.Table, row: str, desk: _Desk, words: str
    ) -> None:
        """Keep words sealed with the key of the case that staff see."""
        vault = make_key(connection, self._vault, desk.case_id)
        sealed = vault.seal(words, table=table.name, row=row, column="text")
        values = {"id": row, "case_id": desk.case_id, "at": desk.at, "by": desk.by, "text": sealed}
        connection.execute(sa.insert(table).values(**values))

    @contextmanager
    def _desk(self, case_id: str, box_id: str, by: str, version: int | None) -> Iterator[_Desk]:
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            row = locked(connection, case_id, version)
            belongs = sa.select(cases.c.id).where(cases.c.merged_into == case_id)
            if box_id not in {case_id, *connection.execute(belongs).scalars()}:
                raise UnknownCaseError
            found = letterboxes.of_cases(connection, [box_id])
            if not found:
                raise UnknownCaseError
            newer = sa.update(cases).where(cases.c.id == case_id)
            # So that of two answers at once the second is shown the first.
            connection.execute(newer.values(version=row["version"] + 1))
            yield _Desk(connection, found[0], case_id, by, self._now())
