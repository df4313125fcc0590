"""Live chats on record, as the case worker and the console leave them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalation import Escalation, LiveChatChange
from safeguarding.live_chat import LIVE_CHAT, LiveChatEnd, LiveChatStep, LiveMessage
from safeguarding.risk.assessment import NO_RISK
from staff.accounts.permissions import Role
from staff.accounts.tables import staff
from staff.audit import trail
from staff.live.chats import HeldChat, chat_of
from staff.live.desk import LiveDesk
from staff.live.recording import record_live_chat
from staff.live.room import LiveRoom
from staff.rota.rota import Shift, ShiftKind, add_shifts
from storage.live_chats import live_chats
from storage.live_messages import LiveMessages
from tests.records import PASSWORD, Clock, EscalationLog, accounts_on, escalation, vault

ROLE = "safeguarding adviser"
ROLES = {Role.REVIEWER: ROLE, Role.LEAD: "safeguarding lead"}
DAY = timedelta(hours=8)
KEYS = count()


def put_on_duty(
    engine: Engine,
    clock: Callable[[], datetime],
    staff_id: str,
    kind: ShiftKind = ShiftKind.ON_DUTY,
) -> None:
    """Put a person on the rota around now."""
    with engine.begin() as connection:
        add_shifts(connection, [Shift(staff_id, kind, clock() - DAY, clock() + DAY)])


class LiveOffice:
    """Ann and Bob, who are on duty, Lee, a lead who is not, and a case in which someone writes."""

    def __init__(self, engine: Engine, clock: Clock, at_once: int = 2) -> None:
        self.engine, self.clock = engine, clock
        self.desk = LiveDesk(engine, vault(), ROLES, at_once, clock)
        self.room = LiveRoom(engine, vault())
        self.log = EscalationLog(engine, vault(), clock)
        self.mailbox = LiveMessages(engine, vault())
        accounts = accounts_on(engine, clock)
        self.ann = accounts.add("ann", PASSWORD, "Ann Archer", Role.REVIEWER).id
        self.bob = accounts.add("bob", PASSWORD, "Bob Bell", Role.REVIEWER).id
        self.lee = accounts.add("lee", PASSWORD, "Lee Lamb", Role.LEAD).id
        for each in (self.ann, self.bob):
            put_on_duty(engine, clock, each)
        self.write("m1")

    def write(self, message_id: str, case_id: str = "c1", **changes: object) -> bool:
        """Record a message of the young person that came now."""
        usual = {"conversation_id": case_id, "raised_at": self.clock()}
        return self.log.record(escalation(message_id, **{**usual, **changes}))

    def harmless(self, message_id: str, chat_id: str, **changes: object) -> Escalation:
        """Return a harmless message that was written in a live chat now."""
        plain = escalation(message_id, assessment=NO_RISK, text="ok thanks", shown=())
        return replace(plain, raised_at=self.clock(), extra={LIVE_CHAT: chat_id}, **changes)

    def tell(self, step: LiveChatStep, chat_id: str = "chat", **changes: object) -> bool:
        """Record what the gateway tells of a live chat."""
        usual = {"conversation_id": "c1", "at": self.clock(), "address": "c1"}
        told = LiveChatChange(
            id=f"change-{next(KEYS)}", chat_id=chat_id, step=step, **{**usual, **changes}
        )
        with self.engine.begin() as connection:
            return record_live_chat(connection, told, self.clock())

    def ask(self, chat_id: str = "chat", **changes: object) -> bool:
        """Let the young person ask for a person."""
        return self.tell(LiveChatStep.ASKED, chat_id, **changes)

    def end(self, chat_id: str, why: LiveChatEnd, term: int = 1, **changes: object) -> bool:
        """Let the chat end it."""
        return self.tell(LiveChatStep.ENDED, chat_id, why=why, term=term, **changes)

    def open(self, case_id: str = "c1", by: str | None = None) -> str:
        """Offer and accept: a live chat that Ann has in its first term."""
        chat_id = self.desk.offer(case_id, by=by or self.ann)
        accepted = {"conversation_id": case_id, "address": case_id}
        assert self.tell(LiveChatStep.ACCEPTED, chat_id, **accepted)
        return chat_id

    def chat(self, chat_id: str) -> HeldChat:
        """Return the row of a live chat."""
        with self.engine.connect() as connection:
            query = sa.select(live_chats).where(live_chats.c.id == chat_id)
            return chat_of(connection.execute(query).mappings().one())

    def shown(self, conversation_id: str = "c1", after: int = 0) -> list[LiveMessage]:
        """Return what a browser is given."""
        return self.mailbox.after(conversation_id, after, self.clock())

    def events(self, case_id: str = "c1") -> list[str]:
        """Return the names of the events of a case."""
        with self.engine.connect() as connection:
            return [link.event.what for link in trail.of_case(connection, case_id)]

    def set_role(self, staff_id: str, role: Role) -> None:
        """Give an account another role."""
        with self.engine.begin() as connection:
            mine = sa.update(staff).where(staff.c.id == staff_id)
            connection.execute(mine.values(role=role.value))
