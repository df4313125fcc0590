"""Compares the records with one another: audit trail, cases, hand-off mailbox, spool and outbox.

The chain of the trail does not show that a case was deleted with its messages, and the tables do
not show that the end of the trail was cut off. Each shows it of the other: what is on record has
its event, and what has an event is on record or was disposed of. Nothing is decrypted, no writer
waits, and a page of conversations is in memory at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, Row

from safeguarding.escalation import HandoffKind
from safeguarding.taxonomy import Severity
from staff.alerts.outbox import alerts
from staff.audit.conversation_records import BEGAN, OPENED_BOX, READ, WROTE, RecordsOfConversation
from staff.audit.trail import audit_events
from staff.cases.case import MESSAGE, CaseEvent, reference_of
from staff.cases.tables import cases, escalations, letters, live_messages
from storage.engine import READING
from storage.handoffs import handoffs
from storage.letterboxes import letterboxes
from storage.live_chats import is_chat, live_chats
from storage.replies import replies
from storage.spooled_file import files_in

GONE = "it is on the trail, but not on record, and nothing disposed of it"
NO_EVENT = "it is on record, but the trail has no event that opened it"
CAME_BACK = "it is on record, although it was disposed of"
MESSAGE_COUNT = "messages: {expected} by the trail, {found} on record"
MESSAGE_NO_EVENT = "messages on record without an event: {number}"
NOT_TAKEN = "hand-offs that are done, but whose message has no event: {number}"
WAITS = "hand-offs that wait for more than {minutes} minutes: {number}"
NOT_ALERTED = "it became immediate, but the outbox has no immediate alert"
NO_LETTERBOX_EVENT = "it has a letterbox, but the trail has no event that opened it"
LETTER_COUNT = "letters of staff: {expected} by the trail, {found} on record"
NOT_POSTED = "letters of staff that are not in the reply mailbox: {number}"
LIVE_CHATS = "live chats of which records and trail say differently: {number}"
LIVE_WORDS = "words of staff in live chats that records or trail lack: {number}"
NOT_SENT = "words of staff in live chats that are not in the reply mailbox: {number}"
SPOOLED = "files that wait for more than {minutes} minutes: {number}"
SPOOL = "spool"
"""Takes the place of a reference: a file of the spool does not name its case."""
LONGEST_WAIT = timedelta(minutes=10)
_MINUTES = LONGEST_WAIT // timedelta(minutes=1)
_PAGE = 200
"""Conversations that are compared at a time."""


@dataclass(frozen=True)
class Disagreement:
    """One thing that the records say differently."""

    reference: str
    """Of the case, or SPOOL."""
    wrong: str


class Reconciliation:
    """One comparison of all records. Iterating it does the work; `counts` is complete afterwards.

    Raises SQLAlchemyError.
    """

    def __init__(self, connection: Connection, spool: Path, now: datetime) -> None:
        """Take a connection of `one_moment`, and the folder of the spool of this machine."""
        self._connection = connection
        self._spool = spool
        self._late = now - LONGEST_WAIT
        self.counts: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Disagreement]:
        after = ""
        while ids := self._next_ids(after):
            after = ids[-1]
            for each in self._page(ids):
                for wrong in self._compared(each):
                    yield Disagreement(each.reference, wrong)
        late = 0
        for path in files_in(self._spool):
            with suppress(FileNotFoundError):  # it has just been taken in
                late += path.stat().st_mtime < self._late.timestamp()
                self.counts["files in the spool"] += 1
        if late:
            yield Disagreement(SPOOL, SPOOLED.format(number=late, minutes=_MINUTES))

    def _next_ids(self, after: str) -> list[str]:
        """Return the next ids of conversations and cases, by whatever table knows them."""
        row, begins = audit_events.c, (*BEGAN, CaseEvent.SPLIT.value)
        columns = (
            (row.case_id, row.what.in_(begins)),
            (cases.c.id, sa.true()),
            (escalations.c.conversation_id, sa.true()),
            (handoffs.c.conversation_id, sa.true()),
        )
        # Each part is cut off by itself, so that an index gives it without a sort of the table.
        parts = [
            sa.select(
                sa.select(column.label("id"))
                .where(which, column > after)
                .distinct()
                .order_by(column)
                .limit(_PAGE)
                .subquery()
                .c.id
            )
            for column, which in columns
        ]
        known = sa.union(*parts).subquery()
        query = sa.select(known.c.id).order_by(known.c.id).limit(_PAGE)
        return list(self._connection.execute(query).scalars())

    def _page(self, ids: Sequence[str]) -> list[RecordsOfConversation]:
        found = {each: RecordsOfConversation(each, reference=reference_of(each)) for each in ids}
        for row in self._rows(sa.select(cases.c.id, cases.c.reference).where(cases.c.id.in_(ids))):
            found[row.id].case, found[row.id].reference = row, row.reference
        counted = sa.select(escalations.c.case_id, sa.func.count().label("number"))
        mine = escalations.c.case_id.in_(ids)
        for row in self._rows(counted.where(mine).group_by(escalations.c.case_id)):
            found[row.case_id].held = row.number
        named = sa.select(escalations.c.conversation_id, escalations.c.message_id)
        for row in self._rows(named.where(escalations.c.conversation_id.in_(ids))):
            found[row.conversation_id].messages.append(row.message_id)
        columns = ("conversation_id", "key", "kind", "state", "written_at", "done_at")
        mailbox = sa.select(*(handoffs.c[name] for name in columns))
        for row in self._rows(mailbox.where(handoffs.c.conversation_id.in_(ids))):
            found[row.conversation_id].handoffs.append(row)
        boxes = sa.select(letterboxes.c.case_id).where(letterboxes.c.case_id.in_(ids))
        for row in self._rows(boxes):
            found[row.case_id].has_letterbox = True
        written = (
            sa.select(letters.c.case_id, replies.c.number)
            .join(replies, replies.c.key == letters.c.id, isouter=True)
            .where(letters.c.case_id.in_(ids))
        )
        for row in self._rows(written):
            found[row.case_id].letters += 1
            found[row.case_id].unposted += row.number is None
        self._add_live_chats(found)
        immediate = alerts.c.severity == int(Severity.IMMEDIATE)
        alerted = sa.select(alerts.c.case_id).where(alerts.c.case_id.in_(ids), immediate).distinct()
        for row in self._rows(alerted):
            found[row.case_id].alerted = True
        columns = ("id", "at", "what", "case_id", "message_id", "detail")
        events = sa.select(*(audit_events.c[name] for name in columns))
        events = events.where(audit_events.c.case_id.in_(ids), audit_events.c.what.in_(READ))
        for row in self._rows(events.order_by(audit_events.c.id)):
            found[row.case_id].events.append(row)
        return list(found.values())

    def _add_live_chats(self, found: dict[str, RecordsOfConversation]) -> None:
        of, words = live_chats.c, live_messages.c
        columns = sa.select(of.id, of.case_id, of.opened_at, of.ended_at)
        for row in self._rows(columns.where(of.case_id.in_(found), is_chat())):
            found[row.case_id].chats.append(row)
        spoken = (
            sa.select(words.id, words.case_id, words.kind, replies.c.number)
            .join(replies, replies.c.key == words.id, isouter=True)
            .where(words.case_id.in_(found))
        )
        for row in self._rows(spoken):
            found[row.case_id].spoken.append(row.id)
            found[row.case_id].unsent += row.kind == MESSAGE and row.number is None

    def _rows(self, query: sa.Select[Any]) -> Iterator[Row[Any]]:
        yield from self._connection.execute(query)

    def _compared(self, of: RecordsOfConversation) -> Iterator[str]:
        self.counts["messages on record"] += of.held
        self.counts["cases disposed of"] += len(of.disposed)
        yield from self._case(of)
        known = {event.message_id for event in of.events if event.what in BEGAN}
        if number := sum(message_id not in known for message_id in of.messages):
            yield MESSAGE_NO_EVENT.format(number=number)
        yield from self._handoffs(of, known)
        yield from self._letters(of)
        yield from self._live_chats(of)

    def _case(self, of: RecordsOfConversation) -> Iterator[str]:
        opened = any(of.opens(event) for event in of.since)
        if of.case is None:
            if opened:
                yield GONE
            return
        self.counts["cases on record"] += 1
        if not opened:
            yield CAME_BACK if of.disposed else NO_EVENT
        elif (expected := of.expected()) != of.held:
            yield MESSAGE_COUNT.format(expected=expected, found=of.held)
        if of.was_made_immediate():
            self.counts["cases that became immediate"] += 1
            if not of.alerted:
                yield NOT_ALERTED

    def _letters(self, of: RecordsOfConversation) -> Iterator[str]:
        events = [event.what for event in of.since]
        self.counts["letters of staff"] += of.letters
        if of.has_letterbox and OPENED_BOX not in events:
            yield NO_LETTERBOX_EVENT
        if (expected := events.count(WROTE)) != of.letters:
            yield LETTER_COUNT.format(expected=expected, found=of.letters)
        if of.unposted:
            yield NOT_POSTED.format(number=of.unposted)

    def _live_chats(self, of: RecordsOfConversation) -> Iterator[str]:
        self.counts["live chats"] += len(of.chats)
        self.counts["words of staff in live chats"] += len(of.spoken)
        if number := len(of.unlike_chats()):
            yield LIVE_CHATS.format(number=number)
        if number := len(of.unlike_words()):
            yield LIVE_WORDS.format(number=number)
        if of.unsent:
            yield NOT_SENT.format(number=of.unsent)

    def _handoffs(self, of: RecordsOfConversation, known: set[str]) -> Iterator[str]:
        disposed_at = max((event.at for event in of.disposed), default=None)
        late = not_taken = 0
        for row in of.handoffs:
            if row.done_at is None:
                self.counts["hand-offs that wait"] += 1
                late += row.written_at < self._late
                continue
            self.counts["hand-offs that are done"] += 1
            message_id = row.key.rpartition(".")[0]
            if row.kind != HandoffKind.MESSAGE.value or message_id in known:
                continue
            discarded = disposed_at is not None and row.done_at <= disposed_at
            not_taken += not discarded
        if not_taken:
            yield NOT_TAKEN.format(number=not_taken)
        if late:
            yield WAITS.format(number=late, minutes=_MINUTES)


@contextmanager
def one_moment(engine: Engine) -> Iterator[Connection]:
    """Open a connection that sees the records as of one moment, while others write."""
    options: dict[str, Any] = dict(READING)
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "REPEATABLE READ"
    with engine.connect().execution_options(**options) as connection:
        yield connection
