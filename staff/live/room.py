"""What the pages of live chats read: who has which, flags of the queue, and the transcript."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from safeguarding.live_chat import LiveChatState
from safeguarding.taxonomy import Severity
from staff.audit import trail
from staff.cases.case import CaseEvent, LiveWords, exchanges
from staff.cases.cases import UnknownCaseError, may_see, words_of_staff
from staff.cases.tables import cases, escalations, opened_row, vault_of
from staff.live.chats import RUNS, UNWRAPPED, group_of
from storage.engine import READING
from storage.live_chats import LiveChat, is_chat, live_chat_of, live_chats, live_readiness
from storage.replies import replies
from storage.vault import Vault

PERSON, STAFF, LANTERN, WHISPER, EVENT = "person", "staff", "lantern", "whisper", "event"
"""The kinds of lines of a transcript."""
LIVE_EVENTS = frozenset(each.value for each in CaseEvent if each.name.startswith("LIVE_")) - {
    CaseEvent.LIVE_SAID.value,
    CaseEvent.LIVE_WHISPERED.value,
}
"""The events that are lines of a transcript; what was said is a line of its own."""
_HEAD = cases.alias("head")


@dataclass(frozen=True)
class StaffChat(LiveChat):
    """A live chat as pages show it."""

    case_id: str
    """The case that staff see: the one that the conversation opened may be part of it."""
    own_id: str
    """The case that the conversation opened."""
    reference: str
    severity: Severity
    area: str | None
    owner: str | None
    transfer_to: str | None
    heard_at: datetime | None
    """When the young person last wrote."""
    wrapped_at: datetime | None

    @property
    def waits_for_wrap_up(self) -> bool:
        """Whether it ended, and its owner has not said what came of it."""
        was_open = self.opened_at is not None and self.owner is not None
        return self.state is LiveChatState.ENDED and was_open and self.wrapped_at is None


@dataclass(frozen=True)
class LiveLine:
    """One line of a transcript."""

    id: str
    """The same whenever the transcript is read."""
    at: datetime
    kind: str
    """PERSON, STAFF, LANTERN, WHISPER or EVENT."""
    by: str | None = None
    """Id of the member of staff who wrote or did it; "gateway" or "dispatcher" of an event."""
    text: str = ""
    """The words; empty for an event."""
    what: str = ""
    """The name of an event (CaseEvent)."""
    seen_at: datetime | None = None
    """When the young person's browser had shown a message of staff."""
    withdrawn: bool = False
    """Whether a message of staff was not shown, and is not shown any more."""
    severity: Severity | None = None
    """The assessed severity of a message of the person."""
    categories: tuple[str, ...] = ()
    message_id: str | None = None
    """The message of the person that it is, or that Lantern answered with it."""
    chat_id: str | None = None
    why: str | None = None
    """Of the end of a live chat: a LiveChatEnd."""
    to: str | None = None
    """Of an event: the member of staff who has, or is offered, the live chat."""


class LiveRoom:
    """Reads live chats. Thread-safe. Every method raises SQLAlchemyError.

    `areas` are those of the reader, None for all.
    """

    def __init__(self, engine: Engine, vault: Vault) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database."""
        self._reading = engine.execution_options(**READING)
        self._vault = vault

    def chat(self, chat_id: str, areas: Collection[str] | None = None) -> StaffChat:
        """Return one live chat. Raises UnknownCaseError."""
        found = self._chats(live_chats.c.id == chat_id, areas)
        if not found:
            raise UnknownCaseError
        return found[0]

    def of_case(self, case_id: str, areas: Collection[str] | None = None) -> StaffChat | None:
        """Return the live chat of a case that runs, else the newest; None without one.

        Those of cases merged into it count.
        """
        found = self._chats(_HEAD.c.id == case_id, areas)
        running = [each for each in found if each.state is not LiveChatState.ENDED]
        return next(reversed(running or found), None)

    def mine(self, staff_id: str) -> list[StaffChat]:
        """Return the live chats that run and that this person has or offers."""
        return self._chats((live_chats.c.owner == staff_id) & RUNS)

    def offered_to(self, staff_id: str) -> list[StaffChat]:
        """Return the live chats that a colleague offers to this person."""
        return self._chats((live_chats.c.transfer_to == staff_id) & RUNS)

    def unwrapped(self, staff_id: str) -> list[StaffChat]:
        """Return the live chats of which this person has not said yet what came of them."""
        return self._chats((live_chats.c.owner == staff_id) & UNWRAPPED)

    def running(self, areas: Collection[str] | None) -> list[StaffChat]:
        """Return all live chats that run: asked, offered and open."""
        return self._chats(RUNS, areas)

    def flags(self, case_ids: Collection[str]) -> dict[str, StaffChat]:
        """Return the live chat that runs in each of these cases that has one."""
        return {each.case_id: each for each in self._chats(_HEAD.c.id.in_(case_ids) & RUNS)}

    def blocked(self, case_id: str) -> bool:
        """Return whether a conversation of the case cannot ask for a person."""
        return any(each.blocked for each in self._chats(_HEAD.c.id == case_id))

    def ready_until(self, staff_id: str) -> datetime | None:
        """Return until when this person counts as ready to chat; None where they are not."""
        query = sa.select(live_readiness.c.ready_until)
        with self._reading.connect() as connection:
            mine = query.where(live_readiness.c.staff_id == staff_id)
            until: datetime | None = connection.execute(mine).scalar_one_or_none()
        return until

    def newest(self) -> str:
        """Return a text that differs when anything changed that a live page shows.

        That is each event about a case, and each message of staff that was shown.
        """
        shown = (
            sa.select(sa.func.count())
            .select_from(replies.join(live_chats, _addressed()))
            .where(RUNS, replies.c.delivered_at.is_not(None))
        )
        with self._reading.connect() as connection:
            return f"{trail.newest(connection)}.{connection.execute(shown).scalar_one()}"

    def mark(self, chat_id: str) -> str:
        """Return a text that differs when anything changed that the page of this chat shows.

        Raises UnknownCaseError.
        """
        of, event = live_chats.c, trail.audit_events.c
        with self._reading.connect() as connection:
            query = sa.select(of.case_id, of.conversation_id).where(of.id == chat_id)
            chat = connection.execute(query).first()
            if chat is None:
                raise UnknownCaseError
            _, group = group_of(connection, chat.case_id)
            changed = sa.select(sa.func.max(event.id)).where(event.case_id.in_(group))
            shown = sa.select(sa.func.count()).where(
                replies.c.conversation_id == chat.conversation_id,
                replies.c.delivered_at.is_not(None),
            )
            numbers = (connection.execute(each).scalar() for each in (changed, shown))
            return ".".join(map(str, numbers))

    def transcript(self, chat_id: str, areas: Collection[str] | None) -> list[LiveLine]:
        """Return the conversation of a live chat in order, from its first message on record.

        To read it is to uncover the words: call `LiveDesk.uncovered` first. Raises
        UnknownCaseError, VaultError.
        """
        own = self.chat(chat_id, areas).own_id
        with self._reading.connect() as connection:
            vault = vault_of(connection, self._vault, own)
            spoken = tuple(words_of_staff(connection, {own: vault}))
            lines = [
                *_of_person(connection, vault, own, spoken),
                *_of_staff(spoken),
                *_of_events(connection, own),
            ]
        # Lines of one moment stay in their order: an answer comes after its message.
        return sorted(lines, key=lambda line: line.at)

    def _chats(
        self, which: sa.ColumnElement[bool], areas: Collection[str] | None = None
    ) -> list[StaffChat]:
        heard = sa.select(sa.func.max(escalations.c.raised_at)).where(
            escalations.c.conversation_id == live_chats.c.case_id
        )
        seen_as = sa.func.coalesce(cases.c.merged_into, cases.c.id)
        query = (
            sa.select(live_chats, _HEAD.c.reference, _HEAD.c.severity, _HEAD.c.area)
            .add_columns(_HEAD.c.id.label("head"), heard.scalar_subquery().label("heard_at"))
            .join(cases, cases.c.id == live_chats.c.case_id)
            .join(_HEAD, _HEAD.c.id == seen_as)
            .where(which, is_chat(), may_see(areas, _HEAD))
            .order_by(live_chats.c.begun_at, live_chats.c.id)
        )
        with self._reading.connect() as connection:
            return [_staff_chat(row) for row in connection.execute(query).mappings()]


def _staff_chat(row: RowMapping) -> StaffChat:
    names = ("reference", "area", "owner", "transfer_to", "heard_at", "wrapped_at")
    return StaffChat(
        **vars(live_chat_of(row)),
        **{name: row[name] for name in names},
        case_id=row["head"],
        own_id=row["case_id"],
        severity=Severity(row["severity"]),
    )


def _addressed() -> sa.ColumnElement[bool]:
    return replies.c.conversation_id == live_chats.c.conversation_id


def _of_person(
    connection: Connection, vault: Vault, conversation_id: str, spoken: Collection[LiveWords]
) -> Iterator[LiveLine]:
    """Yield the messages of a conversation, and what Lantern showed in answer.

    Those that staff moved to a case of their own are read there.
    """
    query = (
        sa.select(escalations)
        .where(escalations.c.conversation_id == conversation_id)
        .where(escalations.c.case_id == conversation_id)
        .order_by(escalations.c.raised_at, escalations.c.message_id)
    )
    messages = [opened_row(row, vault) for row in connection.execute(query).mappings()]
    for turns, message in exchanges(messages, spoken):
        at, message_id = message.raised_at, message.message_id
        for number, turn in enumerate(turns):
            kind = PERSON if turn.by == "user" else LANTERN
            yield LiveLine(f"{message_id}-before-{number}", at, kind, text=turn.text)
        yield LiveLine(
            message_id,
            at,
            PERSON,
            text=message.text,
            severity=message.assessment.severity,
            categories=message.assessment.categories,
            message_id=message_id,
        )
        for number, text in enumerate(message.shown):
            answer = f"{message_id}-shown-{number}"
            yield LiveLine(answer, at, LANTERN, text=text, message_id=message_id)


def _of_staff(spoken: Iterable[LiveWords]) -> Iterator[LiveLine]:
    """Yield what staff wrote in the live chats of a conversation, with what was shown of it."""
    for each in spoken:
        yield LiveLine(
            each.id,
            each.at,
            WHISPER if each.is_whisper else STAFF,
            each.by,
            each.text,
            seen_at=each.seen_at,
            withdrawn=each.withdrawn,
            chat_id=each.chat_id,
        )


def _of_events(connection: Connection, case_id: str) -> Iterator[LiveLine]:
    for link in trail.of_case(connection, case_id):
        each, detail = link.event, link.event.detail
        if each.what in LIVE_EVENTS:
            yield LiveLine(
                f"event-{link.id}",
                each.at,
                EVENT,
                each.who,
                what=each.what,
                chat_id=detail.get("chat"),
                why=detail.get("why"),
                to=detail.get("to"),
            )
