"""What the row of a case says about its messages: computed from them, whenever one is recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from safeguarding.risk.assessment import Assessment, Signal, need_of
from safeguarding.taxonomy import Severity
from staff.cases.tables import cases, escalations, text_in, vault_of
from staff.cases.told import (
    ReadMessage,
    first_to_read,
    possible_categories,
    told_categories,
    told_subject,
)
from storage.vault import Vault

_M = TypeVar("_M", bound=ReadMessage)


@dataclass(frozen=True)
class CaseSummary:
    """What the messages of a case say together."""

    opening: str
    """The id of the message to read first."""
    assessment: Assessment
    """That of the message to read first, as severe as the gravest, about whom the case is about."""
    categories: tuple[str, ...]
    """The harms that were told, the main one first."""
    possible: tuple[str, ...]
    """What else a model finds possible."""

    def columns(self, row: Mapping[str, Any], audience: str | None) -> dict[str, Any]:
        """Return the columns that follow from the messages and from what is in the row of the case.

        That is whom the person says they mean, and what staff corrected. `audience` is that on
        record.
        """
        subject = row.get("subject_said") or self.assessment.subject
        about = replace(self.assessment, subject=row.get("staff_subject") or subject)
        if row.get("staff_categories") is not None:
            # What was heard does not decide any more.
            about = replace(about, categories=tuple(row["staff_categories"]), signals=())
        need = need_of(about, row.get("staff_audience") or audience)
        return {
            "opening": self.opening,
            "subject": subject,
            "need": need,
            "categories": list(self.categories),
            "possible_categories": list(self.possible),
        }


def summary_of(messages: Sequence[_M], text_of: Callable[[_M], str]) -> CaseSummary:
    """Sum up the messages of a case, in any order. Raises ValueError without a message."""
    first = first_to_read(messages, text_of)
    told = told_categories(messages, first, text_of)
    gravest = max(each.assessment.severity for each in messages)
    about = replace(
        first.assessment, severity=gravest, subject=told_subject(messages, first), categories=told
    )
    return CaseSummary(first.message_id, about, told, possible_categories(messages, first, told))


def summary_on_record(connection: Connection, ring: Vault, case_id: str) -> CaseSummary:
    """Sum up the messages with risk of a case and of those merged into it.

    Only the words that decide what to read first are opened. Raises VaultError.
    """
    merged = sa.select(cases.c.id).where(cases.c.merged_into == case_id)
    of_case = (escalations.c.case_id == case_id) | escalations.c.case_id.in_(merged)
    query = sa.select(escalations).where(of_case, escalations.c.severity > int(Severity.NONE))
    found = [_RecordedMessage(row) for row in connection.execute(query).mappings()]

    def text_of(message: _RecordedMessage) -> str:
        row = message.row
        return text_in(row, vault_of(connection, ring, row["case_id"]))

    return summary_of(found, text_of)


class _RecordedMessage:
    """A message on record, whose words stay sealed."""

    def __init__(self, row: RowMapping) -> None:
        self.row = row
        signals = tuple(map(Signal.from_record, row["signals"]))
        severity = Severity(row["severity"])
        self._assessment = Assessment(severity, tuple(row["categories"]), row["subject"], signals)

    @property
    def message_id(self) -> str:
        return str(self.row["message_id"])

    @property
    def raised_at(self) -> datetime:
        at: datetime = self.row["raised_at"]
        return at

    @property
    def assessment(self) -> Assessment:
        return self._assessment
