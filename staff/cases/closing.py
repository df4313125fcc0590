"""What a case still lacks before it can be closed.

That is the referral that was said to be made, tasks, and a live chat that runs or was not wrapped
up.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from safeguarding.escalation import Outcome
from safeguarding.live_chat import LiveChatState
from staff.cases.tables import case_actions, cases, referrals
from storage.live_chats import live_chats

REFERRAL_OF = {Outcome.REFERRED_SOCIAL_CARE: "social_care", Outcome.REFERRED_POLICE: "police"}
"""The receiver to whom a referral must be on record, by the outcome that says so."""
RUNNING, NOT_WRAPPED_UP = "running", "not_wrapped_up"


class UnfinishedCaseError(Exception):
    """The case cannot be closed so: something is missing."""

    def __init__(self, referral: str | None, tasks: int, live_chat: str | None = None) -> None:
        """`referral`: the receiver to whom none is recorded; `tasks`: how many are open.

        `live_chat`: RUNNING, or NOT_WRAPPED_UP; None where neither is so.
        """
        super().__init__(referral, tasks, live_chat)
        self.referral = referral
        self.tasks = tasks
        self.live_chat = live_chat


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
    tasks, live_chat = open_tasks(connection, case_id), unfinished_live_chat(connection, case_id)
    if missing is not None or tasks or live_chat is not None:
        raise UnfinishedCaseError(missing, tasks, live_chat)


def open_tasks(connection: Connection, case_id: str) -> int:
    """Return the number of tasks of a case, and of those merged into it, that are not done."""
    merged = sa.select(cases.c.id).where(cases.c.merged_into == case_id)
    of_case = (case_actions.c.case_id == case_id) | case_actions.c.case_id.in_(merged)
    query = sa.select(sa.func.count()).where(of_case, case_actions.c.done_at.is_(None))
    return int(connection.execute(query).scalar_one())


def unfinished_live_chat(connection: Connection, case_id: str) -> str | None:
    """Return whether a live chat of a case, or of one merged into it, runs or was not wrapped up.

    A chat that no member of staff opened needs no wrapping up.
    """
    of = live_chats.c
    merged = sa.select(cases.c.id).where(cases.c.merged_into == case_id)
    runs = of.state != LiveChatState.ENDED.value
    opened = of.opened_at.is_not(None) & of.owner.is_not(None) & of.wrapped_at.is_(None)
    mine = (of.case_id == case_id) | of.case_id.in_(merged)
    states = set(connection.execute(sa.select(runs).where(mine, runs | opened)).scalars())
    if not states:
        return None
    return RUNNING if any(states) else NOT_WRAPPED_UP
