"""What the rows of the queue show besides the case: what the person said in passing, and flags.

The line that told most is shown to a reader who has uncovered the words of that case in this
session, and to no one else: as on the page of the case, the audit trail says who read them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection, Engine, RowMapping

from safeguarding.live_chat import WRITING_FOR, LiveChatEnd
from safeguarding.risk.assessment import Signal
from staff.audit import trail
from staff.cases.case import Case, CaseEvent, CaseStatus
from staff.cases.tables import (
    cases,
    escalations,
    keys_of,
    passing_facts,
    text_in,
    vault_with,
    wishes,
)
from staff.cases.told import line_that_tells
from storage.engine import READING
from storage.live_chats import live_chats
from storage.vault import Vault, VaultError

log = structlog.get_logger("console.queue")


@dataclass(frozen=True)
class QueueDetail:
    """What a row shows besides the case."""

    ages: tuple[int, ...] = ()
    """The age that each person gave, in years; one for each conversation of a merged case."""
    facts: frozenset[str] = frozenset()
    """What they said in passing, as ids of content/facts.yml."""
    line: str | None = None
    """The line that told most; None while its words are covered for this reader."""
    wants_callback: bool = False
    is_writing: bool = False


class QueueDetails:
    """Reads what rows show. Thread-safe; methods raise SQLAlchemyError."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database."""
        self._reading = engine.execution_options(**READING)
        self._vault = vault

    def of(
        self, shown: Sequence[Case], now: datetime, *, reader: str, session: str
    ) -> dict[str, QueueDetail]:
        """Return the details of cases by their ids.

        `session` is the digest that names the reader's session on the audit trail. A case that
        cannot be opened has a row all the same, and an error is logged.
        """
        heads = {each.id: each.id for each in shown}
        newest_of = {each.id: each.newest_at for each in shown}
        found = {each.id: QueueDetail(is_writing=_is_writing(each, now)) for each in shown}
        if not shown:
            return found
        with self._reading.connect() as connection:
            merged = sa.select(cases.c.id, cases.c.merged_into).where(
                cases.c.merged_into.in_(list(found))
            )
            heads |= {row.id: row.merged_into for row in connection.execute(merged)}
            for case_id, left_at in _left(connection, list(heads)):
                head = found[heads[case_id]]
                newest_at = newest_of[heads[case_id]]
                found[heads[case_id]] = replace(
                    head, is_writing=head.is_writing and newest_at > left_at
                )
            wanted = sa.select(wishes.c.case_id).where(wishes.c.case_id.in_(list(heads)))
            for case_id in connection.execute(wanted).scalars():
                found[heads[case_id]] = replace(found[heads[case_id]], wants_callback=True)
            uncovered = _uncovered(connection, list(found), reader, session)
            openings = [each.opening for each in shown if each.id in uncovered and each.opening]
            newest = _newest(connection, list(heads))
            telling = _rows(connection, openings)
            keys = keys_of(connection, list(heads))
        readings = [(row, _with_facts) for row in newest] + [(row, _with_line) for row in telling]
        for row, read in readings:
            case_id = heads[row["case_id"]]
            try:
                vault = vault_with(self._vault, keys.get(row["case_id"]))
                found[case_id] = read(found[case_id], row, vault)
            except VaultError:
                log.error("case.unreadable", case_id=case_id)  # noqa: TRY400 - a traceback quotes
        return found


def _with_facts(detail: QueueDetail, row: RowMapping, vault: Vault) -> QueueDetail:
    age, facts = passing_facts(row, vault)
    ages = dict.fromkeys((*detail.ages, *(() if age is None else (age,))))
    return replace(detail, ages=tuple(ages), facts=detail.facts | set(facts))


def _with_line(detail: QueueDetail, row: RowMapping, vault: Vault) -> QueueDetail:
    signals = tuple(map(Signal.from_record, row["signals"]))
    return replace(detail, line=line_that_tells(text_in(row, vault), signals))


def _is_writing(case: Case, now: datetime) -> bool:
    return case.status is CaseStatus.OPEN and now - case.newest_at < WRITING_FOR


def _left(connection: Connection, case_ids: Collection[str]) -> list[tuple[str, datetime]]:
    """Return when the young person last left each of these conversations that they left."""
    of = live_chats.c
    left = (of.ended_why == LiveChatEnd.LEFT.value) & of.case_id.in_(case_ids)
    query = sa.select(of.case_id, sa.func.max(of.ended_at)).where(left).group_by(of.case_id)
    return [(row[0], row[1]) for row in connection.execute(query)]


def _uncovered(
    connection: Connection, case_ids: Collection[str], reader: str, session: str
) -> set[str]:
    """Return the cases whose words the reader has uncovered in this session."""
    row = trail.audit_events.c
    query = sa.select(row.case_id, row.detail).where(
        row.case_id.in_(case_ids), row.what == CaseEvent.REVEALED.value, row.who == reader
    )
    found = connection.execute(query)
    return {each.case_id for each in found if each.detail.get("session") == session}


def _newest(connection: Connection, case_ids: Collection[str]) -> list[RowMapping]:
    """Return the newest message of each conversation: it holds what was said in passing so far."""
    place = sa.func.row_number().over(
        partition_by=(escalations.c.case_id, escalations.c.conversation_id),
        order_by=(escalations.c.raised_at.desc(), escalations.c.message_id.desc()),
    )
    numbered = (
        sa.select(escalations.c.message_id, place.label("place"))
        .where(escalations.c.case_id.in_(case_ids))
        .subquery()
    )
    first = sa.select(numbered.c.message_id).where(numbered.c.place == 1)
    query = sa.select(escalations).where(escalations.c.message_id.in_(first))
    ordered = query.order_by(escalations.c.raised_at, escalations.c.message_id)
    return list(connection.execute(ordered).mappings())


def _rows(connection: Connection, message_ids: Collection[str]) -> list[RowMapping]:
    query = sa.select(escalations).where(escalations.c.message_id.in_(message_ids))
    return list(connection.execute(query).mappings())
