"""Who may have a live chat now: their right, their duty, their room, and how a child reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from safeguarding.live_chat import READY
from staff.accounts.accounts import Staff, UnknownStaffError, member_of
from staff.accounts.permissions import Permission, Role
from staff.accounts.tables import staff
from staff.cases.cases import UnknownCaseError
from staff.live.chats import CannotChatError, WhyNot, owes_wrap_up, taken
from staff.rota.rota import may_see, on_duty, shifts

_SOON = timedelta(microseconds=1)


class LiveRolePhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/live_roles.yml: what a young person reads of someone's work.

    They stand for those who have not written their own words.
    """

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {}

    reviewer: str
    lead: str

    def by_role(self) -> dict[Role, str]:
        """Return the words for each role that may have a live chat."""
        return {Role.REVIEWER: self.reviewer, Role.LEAD: self.lead}


@dataclass(frozen=True)
class Taker:
    """A member of staff, as they are on duty and as a young person reads them."""

    member: Staff
    name: str
    role: str

    def check_sees(self, area: str | None) -> None:
        """Raise UnknownCaseError where they may not see cases of this area."""
        if not may_see(self.member.areas, area):
            raise UnknownCaseError


def taker(
    connection: Connection, staff_id: str, roles: Mapping[Role, str], *, lock: bool = True
) -> Taker:
    """Return a member of staff, locked until the transaction ends.

    So of two chats that they take at once, the second is counted after the first. Raises
    UnknownStaffError.
    """
    query = sa.select(staff).where(staff.c.id == staff_id, staff.c.disabled_at.is_(None))
    if lock:
        # The weaker lock: rows that name this person as their writer can still be written.
        query = query.with_for_update(key_share=True)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise UnknownStaffError
    member = member_of(row)
    first = next(iter(member.shown_name.split()), member.name)
    name = (row["chat_name"] or "").strip() or first
    role = (row["chat_role"] or "").strip() or roles.get(member.role, "")
    return Taker(member, name, role)


def check_right(who: Taker, permission: Permission = Permission.CHAT_LIVE) -> None:
    """Raise CannotChatError unless they have the right."""
    if not who.member.may(permission):
        raise CannotChatError(WhyNot.NO_RIGHT)


def check_on_duty(connection: Connection, who: Taker, at: datetime) -> None:
    """Raise CannotChatError unless they have the right and are on duty now."""
    check_right(who)
    if who.member.id not in on_duty(connection, at):
        raise CannotChatError(WhyNot.NOT_ON_DUTY)


def check_free(
    connection: Connection, who: Taker, at: datetime, at_once: int, conversation: str | None = None
) -> None:
    """Raise CannotChatError unless they can have one more live chat now.

    In a `conversation` in which they were silent or away they go on, and say afterwards what came
    of both: the young person does not wait for what they write down.
    """
    check_on_duty(connection, who, at)
    if owes_wrap_up(connection, who.member.id, conversation):
        raise CannotChatError(WhyNot.NOT_WRAPPED_UP)
    if taken(connection, who.member.id) >= at_once:
        raise CannotChatError(WhyNot.FULL)


def ready_until(connection: Connection, staff_id: str, at: datetime) -> datetime:
    """Return until when they count as ready: READY from now, but not after their duty."""
    now = shifts(connection, at, at + _SOON)
    ends = [each.ends_at for each in now if each.staff_id == staff_id]
    return min(at + READY, max(ends, default=at))
