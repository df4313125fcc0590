"""How the case worker records what the chat tells of a live chat: asked, accepted, or ended.

The chat decides what the young person is told; the staff side follows. An end that belongs to an
earlier owner ends nothing, unless it is the young person's own: whoever says "stop" or leaves does
not mean one owner of the chat.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from safeguarding.escalation import GATEWAY, LiveChatChange
from safeguarding.live_chat import LiveChatEnd, LiveChatState, LiveChatStep
from safeguarding.taxonomy import Severity
from staff.alerts.outbox import Alert, Reason, raise_alert
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CaseEvent, CaseStatus, look_by
from staff.cases.cases import UnknownCaseError
from staff.cases.recording import ESCALATE_FROM, NoCaseYetError
from staff.cases.tables import cases
from staff.live.chats import (
    ChatEnding,
    HeldChat,
    change,
    chats,
    end_chat,
    event,
    insert_chat,
    locked_chat,
    locked_with_head,
)
from storage.live_chats import live_chats

BY_PERSON = frozenset({LiveChatEnd.STOPPED, LiveChatEnd.LEFT})
"""The ends that count in any term."""


def record_live_chat(connection: Connection, told: LiveChatChange, at: datetime) -> bool:
    """Record a change of a live chat; return whether it changed anything.

    `at` is the time of the audit event, which is part of the transaction. Raises NoCaseYetError
    when a person is asked for and there is no case yet.
    """
    if told.step is LiveChatStep.ASKED:
        return _asked(connection, told, at)
    try:
        found = locked_chat(connection, told.chat_id)
    except UnknownCaseError:
        # It was disposed of, or there was none.
        return told.why is LiveChatEnd.LEFT and _left(connection, told)
    if told.step is LiveChatStep.ACCEPTED:
        return _accepted(connection, found.chat, told, at)
    return _ended(connection, found.chat, told, at)


def _asked(connection: Connection, told: LiveChatChange, at: datetime) -> bool:
    try:
        own, case = locked_with_head(connection, told.conversation_id)
    except UnknownCaseError:
        raise NoCaseYetError from None
    of = live_chats.c
    known = chats(connection, (of.conversation_id == told.address) | (of.case_id == own["id"]))
    if any(each.blocked for each in known):
        return False
    running = next((c for c in known if c.runs and c.conversation_id == told.address), None)
    if running is not None and running.state is LiveChatState.OFFERED:
        # The offer and the request crossed: both want the same.
        return _accepted(connection, running, told, at)
    is_new = running is None and insert_chat(
        connection,
        id=told.chat_id,
        conversation_id=told.address,
        case_id=own["id"],
        state=LiveChatState.ASKED.value,
        term=0,
        begun_at=told.at,
    )
    if not is_new:
        return False
    reason = _opened_again(connection, case, told.at)
    _alert(connection, case, told, reason, at)
    (chat,) = chats(connection, of.id == told.chat_id)
    events = [event(chat, at, GATEWAY, CaseEvent.LIVE_ASKED)]
    if reason == "reopened":
        events.append(Event(at, GATEWAY, CaseEvent.REOPENED.value, case["id"]))
    trail.append_all(connection, events)
    return True


def _opened_again(connection: Connection, case: RowMapping, asked_at: datetime) -> Reason:
    """Open a case that was closed; return why staff are told."""
    if case["status"] != CaseStatus.CLOSED.value:
        return "raised"
    due = look_by(ESCALATE_FROM, asked_at)
    opened = {"status": CaseStatus.OPEN.value, "closed_at": None, "due_at": due}
    mine = sa.update(cases).where(cases.c.id == case["id"])
    connection.execute(mine.values(**opened, version=case["version"] + 1))
    return "reopened"


def _alert(
    connection: Connection, case: RowMapping, told: LiveChatChange, reason: Reason, at: datetime
) -> None:
    alert = Alert(
        case_id=case["id"],
        reference=case["reference"],
        severity=Severity(case["severity"]),
        need=case["need"] or "",
        category=next(iter(case["categories"]), ""),
        raised_at=told.at,
        reason=reason,
        occasion=told.chat_id,
        area=case["area"],
        live_chat=True,
    )
    raise_alert(connection, alert, at)


def _accepted(connection: Connection, chat: HeldChat, told: LiveChatChange, at: datetime) -> bool:
    if chat.state is not LiveChatState.OFFERED:
        return False
    if not chat.is_present(told.at):
        # Nobody would answer: the young person is told so, and not left waiting.
        end_chat(connection, chat, ChatEnding(LiveChatEnd.AWAY, GATEWAY, at, told.at))
        return True
    state = LiveChatState.OPEN.value
    change(connection, chat, state=state, opened_at=told.at, spoke_at=told.at)
    joined = event(chat, at, chat.owner or GATEWAY, CaseEvent.LIVE_JOINED, to=chat.owner)
    trail.append(connection, joined)
    return True


def _left(connection: Connection, told: LiveChatChange) -> bool:
    """Note that the young person left a conversation that has no live chat: it can have none."""
    try:
        own, _ = locked_with_head(connection, told.conversation_id)
    except UnknownCaseError:
        return False
    return insert_chat(
        connection,
        id=told.id,
        conversation_id=told.address,
        case_id=own["id"],
        state=LiveChatState.ENDED.value,
        term=0,
        begun_at=told.at,
        ended_at=told.at,
        ended_why=LiveChatEnd.LEFT.value,
    )


def _ended(connection: Connection, chat: HeldChat, told: LiveChatChange, at: datetime) -> bool:
    why = told.why
    is_older = told.term < chat.term and why not in BY_PERSON
    if why is None or not chat.runs or is_older:
        return False
    end_chat(connection, chat, ChatEnding(why, GATEWAY, at, told.at))
    return True
