"""How a live chat begins: staff say that they are ready, offer to talk, or answer a request."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from safeguarding.escalation import LETTERBOX
from safeguarding.live_chat import ADDRESS, LEASE, WRITING_FOR, LiveChatEnd, LiveChatState
from staff.alerts.outbox import acknowledge
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CaseEvent, CaseStatus
from staff.cases.tables import escalations
from staff.live.acts import LiveActs
from staff.live.chats import (
    CannotChatError,
    HeldChat,
    StaleTermError,
    WhyNot,
    chats,
    event,
    group_of,
    insert_chat,
    locked_with_head,
    newest_of,
    note_room,
    room_of,
)
from staff.live.ending import end_stale, stale_end
from staff.live.takers import Taker, check_free, check_on_duty, ready_until, taker
from storage.engine import READING
from storage.live_chats import live_chats, live_readiness

READY, NOT_READY = "ready to chat", "not ready to chat"
"""Events on the audit trail."""


@dataclass(frozen=True)
class OpenConversation:
    """A conversation in which the young person is writing now. Its cases are locked."""

    address: str
    own: RowMapping
    case: RowMapping


class Joining(LiveActs):
    """Begins live chats."""

    def offer(self, case_id: str, *, by: str) -> str:
        """Ask the young person whether they would like to talk to this person.

        Return the id of the live chat. They read it in the chat, and nothing else changes until
        they say yes. Raises CannotChatError.
        """
        self._end_stale_of(case_id)
        with self._engine.begin() as connection:
            at, who = self._now(), taker(connection, by, self._roles)
            place = self._free_for(connection, who, case_id, at)
            chat_id = str(uuid.uuid4())
            is_new = insert_chat(
                connection,
                id=chat_id,
                conversation_id=place.address,
                case_id=place.own["id"],
                state=LiveChatState.OFFERED.value,
                term=1,
                owner=by,
                shown_name=who.name,
                shown_role=who.role,
                begun_at=at,
                present_until=at + LEASE,
            )
            if not is_new:
                raise CannotChatError(WhyNot.RUNNING)
            acknowledge(connection, place.case["id"], by, at)
            note_room(connection, by, self._at_once)
            (chat,) = chats(connection, live_chats.c.id == chat_id)
            trail.append(connection, event(chat, at, by, CaseEvent.LIVE_OFFERED))
        return chat_id

    def why_not(self, case_id: str, *, by: str) -> WhyNot | None:
        """Return why this person cannot offer to talk now; None where they can.

        It changes nothing, and `offer` checks again. Raises UnknownCaseError.
        """
        with self._engine.connect() as connection:
            try:
                who = taker(connection, by, self._roles, lock=False)
                self._free_for(connection, who, case_id, self._now())
            except CannotChatError as error:
                return error.reason
        return None

    def join(self, chat_id: str, *, by: str) -> int:
        """Answer a young person who asked for a person; return the term.

        From then on Lantern is silent. Raises CannotChatError; StaleTermError where a colleague was
        first, or where the young person was told that nobody came: then offer it to them.
        """
        with self._act(chat_id, by) as act:
            conversation = act.chat.conversation_id
            check_free(act.connection, act.who, act.at, self._at_once, conversation)
            is_late = stale_end(act.chat, act.at) is not None
            if act.chat.state is not LiveChatState.ASKED or is_late:
                raise StaleTermError(act.chat.holder)
            acknowledge(act.connection, act.case["id"], by, act.at)
            term = act.give_to(act.who)
            self._note_room(act.connection, by)
            act.record(CaseEvent.LIVE_JOINED, to=by)
        return term

    def withdraw(self, chat_id: str, *, by: str, term: int) -> None:
        """Take an offer back that the young person has not answered."""
        with self._own(chat_id, by, term, LiveChatState.OFFERED) as act:
            act.end(LiveChatEnd.WITHDRAWN)

    def be_ready(self, *, by: str, ready: bool) -> None:
        """Say that one is ready to chat, or not any more. Raises CannotChatError.

        It lasts READY, and as long as `ready_beat` renews it.
        """
        mine = live_readiness.c.staff_id == by
        with self._engine.begin() as connection:
            at, who = self._now(), taker(connection, by, self._roles)
            if ready:
                check_on_duty(connection, who, at)
            before = connection.execute(sa.delete(live_readiness).where(mine)).rowcount
            if ready:
                areas = who.member.areas
                row = {
                    "staff_id": by,
                    "ready_until": ready_until(connection, by, at),
                    "areas": sa.null() if areas is None else sorted(areas),
                    "room": room_of(connection, by, self._at_once),
                }
                connection.execute(sa.insert(live_readiness).values(**row))
            if bool(before) is not ready:
                trail.append(connection, Event(at, by, READY if ready else NOT_READY))

    def ready_beat(self, *, by: str) -> bool:
        """Renew that one is ready, because the page is open; return whether they are ready.

        Whoever is not on duty any more, or may not chat any more, is not ready.
        """
        mine = live_readiness.c.staff_id == by
        with self._engine.begin() as connection:
            at, who = self._now(), taker(connection, by, self._roles)
            try:
                check_on_duty(connection, who, at)
            except CannotChatError:
                connection.execute(sa.delete(live_readiness).where(mine))
                return False
            until = ready_until(connection, by, at)
            room = room_of(connection, by, self._at_once)
            renewed = sa.update(live_readiness).where(mine).values(ready_until=until, room=room)
            return connection.execute(renewed).rowcount > 0

    def _free_for(
        self, connection: Connection, who: Taker, case_id: str, at: datetime
    ) -> OpenConversation:
        """Return the conversation in which they can talk. Raises as `offer` does."""
        check_on_duty(connection, who, at)
        place = _writing_now(connection, case_id, at)
        who.check_sees(place.case["area"])
        check_free(connection, who, at, self._at_once, place.address)
        self._check_none(connection, place, at)
        return place

    def _check_none(self, connection: Connection, place: OpenConversation, at: datetime) -> None:
        """Raise CannotChatError where the conversation is blocked, or has a live chat."""
        of = live_chats.c
        known = (of.conversation_id == place.address) | (of.case_id == place.own["id"])
        for chat in chats(connection, known):
            if chat.blocked:
                raise CannotChatError(WhyNot.BLOCKED)
            # One that should have ended is ended when somebody offers to talk.
            goes_on = chat.runs and stale_end(chat, at) is None
            if goes_on and chat.conversation_id == place.address:
                raise CannotChatError(WhyNot.RUNNING)

    def _end_stale_of(self, case_id: str) -> None:
        """End the live chats of a case that should have ended, and of which no gateway told."""
        with self._engine.connect().execution_options(**READING) as connection:
            _, group = group_of(connection, case_id)
        mine = live_chats.c.case_id.in_(group)
        end_stale(self._engine, self._now(), mine, timedelta(0))


def _writing_now(connection: Connection, case_id: str, at: datetime) -> OpenConversation:
    """Return the conversation of a case in which the young person is writing now.

    Of a case that others were merged into, it is the one with the newest message. Raises
    UnknownCaseError, CannotChatError.
    """
    _, group = group_of(connection, case_id)
    newest = (
        sa.select(escalations.c.conversation_id, escalations.c.raised_at, escalations.c.extra)
        .where(escalations.c.conversation_id.in_(group))
        .order_by(escalations.c.raised_at.desc(), escalations.c.message_id.desc())
        .limit(1)
    )
    message = connection.execute(newest).first()
    if message is None:
        raise CannotChatError(WhyNot.HAS_LEFT)
    own, case = locked_with_head(connection, message.conversation_id)
    is_open = case["status"] == CaseStatus.OPEN.value and case["handoffs"] > 0
    # What is written in a letterbox comes from another conversation than the one of the case.
    usual = None if LETTERBOX in message.extra else message.conversation_id
    address = message.extra.get(ADDRESS, usual)
    if not is_open or address is None:
        raise CannotChatError(WhyNot.HAS_LEFT)
    before = newest_of(connection, address)
    if not is_writing(message.raised_at, before, at):
        raise CannotChatError(WhyNot.HAS_LEFT)
    return OpenConversation(address, own, case)


def is_writing(message_at: datetime, chat: HeldChat | None, at: datetime) -> bool:
    """Return whether a person writes now, by their newest message and newest live chat."""
    left = chat.ended_at if chat is not None and chat.ended_why is LiveChatEnd.LEFT else None
    if left is not None and message_at <= left:
        return False
    if chat is not None and chat.owner is None:
        # To ask for a person is no message, but it was the young person who did it.
        message_at = max(message_at, chat.begun_at)
    return at - message_at <= WRITING_FOR
