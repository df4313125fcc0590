"""Tells the owner of an account that another person may know its password.

A code is asked for only after a right password. So a wrong code in a browser in which the account
has never signed in means that another person knows the password, or that the owner mistyped a code
there and gave up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from staff.accounts.accounts import AccountRecords, digest_of
from staff.audit.trail import audit_events

SIGNED_IN, WRONG_CODE = "signed in", "second step refused"
"""Events on the audit trail."""


@dataclass(frozen=True)
class WrongCodesTyped:
    """How often a wrong code was typed in unknown browsers, and when last."""

    times: int
    last_at: datetime


class WrongCodes(AccountRecords):
    """Looks up wrong codes on the audit trail. Raises SQLAlchemyError."""

    def before_this_sign_in(self, staff_id: str) -> WrongCodesTyped | None:
        """Return the wrong codes between the last two sign-ins of an account; None without any.

        Those that were typed on the way to the last sign-in itself do not count.
        """
        row = audit_events.c
        sign_ins = sa.select(row.id, row.detail).where(row.what == SIGNED_IN, row.who == staff_id)
        with self._reading.connect() as connection:
            found = connection.execute(sign_ins.order_by(row.id.desc()).limit(2)).all()
            if not found:
                return None
            last, *before = found
            wrong = sa.select(row.at, row.detail).where(
                row.what == WRONG_CODE,
                row.id > (before[0].id if before else 0),
                row.id < last.id,
                row.detail["account"].as_string() == staff_id,
            )
            typed = connection.execute(wrong.order_by(row.id)).all()
        own = last.detail.get("sign_in")
        times = [
            each.at
            for each in typed
            if each.detail.get("known_browser") is False and each.detail["sign_in"] != own
        ]
        return WrongCodesTyped(len(times), times[-1]) if times else None


def mark_of(token: str) -> str:
    """Return a digest that names a pending sign-in on the audit trail and does not continue it."""
    return digest_of(f"sign-in {token}")[:16]
