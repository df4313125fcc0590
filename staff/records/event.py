"""A record event as it leaves, and the record that every adapter makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from safeguarding.taxonomy import Severity

VERSION = 1
"""Of docs/record-schema.json. It changes when a field goes or means something else."""


@dataclass(frozen=True)
class RecordEvent:
    """What a system of records is told of a case: its state after one change."""

    number: int
    """Rises from event to event; numbers are left out."""
    id: str
    """The same for every attempt, so that a receiver knows a second copy."""
    case_id: str
    kind: str
    at: datetime
    reference: str
    link: str
    state: str
    severity: Severity
    categories: tuple[str, ...]
    area: str | None
    opened_at: datetime
    raised_at: datetime
    closed_at: datetime | None
    merged_into: str | None
    facts: dict[str, Any]
    message_id: str | None
    attempts: int
    """Those before this one."""
    words: str | None = None
    """What the person wrote; None unless the data controller lets words leave."""
    words_noted: bool = False
    """Whether the audit trail says already that words leave with this event."""


class NotTakenError(Exception):
    """A system did not take an event. Holds a kind of failure only: servers quote what they got."""

    def __init__(self, kind: str, *, for_good: bool = False) -> None:
        """`for_good`: the system refuses this event, and will refuse it again."""
        super().__init__(kind)
        self.kind = kind
        self.for_good = for_good


def record_of(event: RecordEvent) -> dict[str, Any]:
    """Return the event as docs/record-schema.json describes it: the same at every attempt."""
    record: dict[str, Any] = {
        "version": VERSION,
        "id": event.id,
        "number": event.number,
        "event": event.kind,
        "at": event.at.isoformat(),
        "case": {
            "reference": event.reference,
            "link": event.link,
            "state": event.state,
            "severity": event.severity.label,
            "categories": list(event.categories),
            "area": event.area,
            "opened_at": event.opened_at.isoformat(),
            "raised_at": event.raised_at.isoformat(),
            "closed_at": None if event.closed_at is None else event.closed_at.isoformat(),
            "merged_into": event.merged_into,
        },
        **event.facts,
    }
    return record if event.words is None else record | {"words": event.words}
