"""The name and the job by which a young person knows a member of staff in a live chat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from staff.accounts.accounts import AccountRecords, Staff
from staff.accounts.permissions import Role
from staff.accounts.tables import staff

LONGEST_NAME, LONGEST_ROLE = 40, 60
"""Characters of each."""


@dataclass(frozen=True)
class ChatName:
    """What a member of staff has chosen; empty where they chose nothing."""

    name: str = ""
    role: str = ""


class ChatNames(AccountRecords):
    """Reads and keeps the names of one's own account."""

    def __init__(
        self,
        engine: Engine,
        usual_roles: Mapping[Role, str],
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """`usual_roles` is what a young person reads of someone who has chosen nothing."""
        super().__init__(engine, now)
        self._usual_roles = usual_roles

    def usual(self, member: Staff) -> ChatName:
        """Return what a young person reads of someone who has chosen nothing."""
        first = next(iter(member.shown_name.split()), member.name)
        return ChatName(first, self._usual_roles.get(member.role, ""))

    def of(self, staff_id: str) -> ChatName:
        """Return what an account has chosen."""
        row = self._first(sa.select(staff.c.chat_name, staff.c.chat_role).where(_is(staff_id)))
        return ChatName(row["chat_name"] or "", row["chat_role"] or "") if row else ChatName()

    def choose(self, staff_id: str, chosen: ChatName) -> None:
        """Keep a name and a role, each on one line; an empty one is taken away.

        Raises ValueError for one that is too long or has more than one line.
        """
        for text, longest in ((chosen.name, LONGEST_NAME), (chosen.role, LONGEST_ROLE)):
            if not is_sound(text, longest):
                raise ValueError("a name or a role is too long, or not on one line")
        values = {
            "chat_name": chosen.name.strip() or None,
            "chat_role": chosen.role.strip() or None,
        }
        self._change(sa.update(staff).where(_is(staff_id)).values(**values))


def is_sound(text: str, longest: int) -> bool:
    """Return whether a text is short enough and holds no control character, such as a new line."""
    plain = text.strip()
    return len(plain) <= longest and plain.isprintable()


def _is(staff_id: str) -> sa.ColumnElement[bool]:
    return staff.c.id == staff_id
