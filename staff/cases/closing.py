"""What a case still lacks before it can be closed: the referral that was said to be made, tasks."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from safeguarding.escalation import Outcome
from staff.cases.tables import case_actions, cases, referrals

REFERRAL_OF = {Outcome.REFERRED_SOCIAL_CARE: "social_care", Outcome.REFERRED_POLICE: "police"}
"""The receiver to whom a referral must be on record, by the outcome that says so."""


class UnfinishedCaseError(Exception):
    """The case cannot be closed so: something is missing."""

    def __init__(self, referral: str | None, tasks: int) -> None:
        """`referral`: the receiver to whom none is recorded; `tasks`: how many are open."""
        super().__init__(referral, tasks)
        self.referral = referral
        self.tasks = tasks


def check_finished(connection: Connection, case_id: str, outcome: Outcome) -> None:
    """Raise UnfinishedCaseError where the case, with those merged into it, lacks something.

    A referral counts once it was made: a record of why there is none yet does not.
    """
    merged = sa.select(cases.c.id).where(cases.c.merged_into == case_id)
    receiver, missing = REFERRAL_OF.get(outcome), None
    if receiver is not None:
        of_case = (referrals.c.case_id == case_id) | referrals.c.case_id.in_(merged)
        made = (referrals.c.to_whom == receiver) & referrals.c.made_at.is_not(None)
        found = connection.execute(sa.select(referrals.c.id).where(of_case, made).limit(1))
        missing = receiver if found.first() is None else None
    tasks = open_tasks(connection, case_id)
    if missing is not None or tasks:
        raise UnfinishedCaseError(missing, tasks)


def open_tasks(connection: Connection, case_id: str) -> int:
    """Return the number of tasks of a case, and of those merged into it, that are not done."""
    merged = sa.select(cases.c.id).where(cases.c.merged_into == case_id)
    of_case = (case_actions.c.case_id == case_id) | case_actions.c.case_id.in_(merged)
    query = sa.select(sa.func.count()).where(of_case, case_actions.c.done_at.is_(None))
    return int(connection.execute(query).scalar_one())
