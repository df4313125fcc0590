"""Reading and approving content in tests, as a lead does it, with the time that it takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.content.items import Item
from safeguarding.content.reader import KINDS, Kinds
from safeguarding.content.signing import ApprovalDecision
from staff.approvals.approvals import Approvals
from staff.approvals.parts import parts_of
from staff.approvals.tables import content_readings


def read_through(engine: Engine, what: Item, by: str, at: datetime) -> None:
    """Record that every part of an item was opened at this moment."""
    read = {"staff_id": by, "content_id": what.id, "digest": what.digest, "opened_at": at}
    rows = [{**read, "part": part.number, "words": part.words} for part in parts_of(what)]
    with engine.begin() as connection:
        connection.execute(sa.insert(content_readings), rows)


def approve(
    engine: Engine,
    what: Item,
    by: str,
    now: Callable[[], datetime] = utc_now,
    *,
    note: str = "",
    kinds: Kinds = KINDS,
) -> None:
    """Approve an item that was read to its end an hour ago."""
    read_through(engine, what, by, now() - timedelta(hours=1))
    Approvals(engine, now, kinds).decide(what, ApprovalDecision.APPROVED, by=by, note=note)
