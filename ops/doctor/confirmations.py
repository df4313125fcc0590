"""What no program can see: a member of staff says on the audit trail that it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import sqlalchemy as sa

from ops.doctor.finding import Check, Finding, Installation, not_ready, ok
from safeguarding.settings import Settings
from staff.accounts.accounts import StaffAccounts
from staff.audit.audit_log import record_command
from staff.audit.trail import audit_events
from storage.engine import READING
from storage.vault import key_ring

CONFIRMED = "confirmed"
"""What was done, in the audit trail."""


@dataclass(frozen=True)
class Confirmation:
    """One thing that somebody has to have done."""

    asks: str
    lasts: timedelta
    of_keys: bool = False
    """Whether it holds for the keys of that day alone."""


CONFIRMATIONS: Mapping[str, Confirmation] = {
    "keys-kept-apart": Confirmation(
        "field_keys is copied to where no backup lies, and the copy can be read",
        timedelta(days=365),
        of_keys=True,
    ),
    "restore-tried": Confirmation(
        "a backup was restored on another machine and a case was read there",
        timedelta(days=190),
    ),
    "decisions-made": Confirmation(
        "the controller has signed the data protection impact assessment, set the clocks of "
        "retention and published a privacy notice",
        timedelta(days=365),
    ),
}


def confirm(about: str, here: Installation, by: str) -> str:
    """Put it on the audit trail; what was confirmed. Raises LookupError for an unknown account."""
    member = StaffAccounts(here.engine).named(by)
    if member is None:
        raise LookupError(by)
    detail = {"about": about, "by": member.id}
    if CONFIRMATIONS[about].of_keys:
        detail["keys"] = ",".join(sorted(_key_ids(here.settings, here.env)))
    record_command(CONFIRMED, here.settings, **detail)
    return CONFIRMATIONS[about].asks


def confirmed(about: str, here: Installation) -> Finding:
    """Whether somebody has, lately enough, and for the keys of today."""
    wanted = CONFIRMATIONS[about]
    todo = f"when {wanted.asks}: lantern doctor --confirm {about} --by NAME"
    mine = (audit_events.c.what == CONFIRMED) & (
        audit_events.c.detail["about"].as_string() == about
    )
    query = sa.select(audit_events.c.at, audit_events.c.detail).where(mine)
    with here.engine.connect().execution_options(**READING) as connection:
        row = connection.execute(query.order_by(audit_events.c.id.desc()).limit(1)).first()
    if row is None:
        return not_ready("nobody has confirmed it", todo)
    on = row.at.date().isoformat()
    if here.now() - row.at > wanted.lasts:
        return not_ready(f"last confirmed on {on}", todo)
    if wanted.of_keys:
        missing = _key_ids(here.settings, here.env) - set(row.detail["keys"].split(","))
        if missing:
            return not_ready(f"key {min(missing)} was added since {on}", todo)
    names = StaffAccounts(here.engine).shown_names([row.detail["by"]])
    return ok(f"by {names.get(row.detail['by'], 'a former account')} on {on}")


def _key_ids(settings: Settings, env: Mapping[str, str]) -> set[str]:
    return set(key_ring(settings.secret("field_keys", env)))


CHECKS: Mapping[str, Check] = {
    name.replace("-", " "): partial(confirmed, name) for name in CONFIRMATIONS
}
