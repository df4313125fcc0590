"""How staff end a live chat, and what they say of it before they have the next one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from safeguarding.live_chat import LiveChatEnd, LiveChatState
from staff.accounts.accounts import check_in_use
from staff.accounts.permissions import Permission
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CaseEvent
from staff.cases.cases import case_of
from staff.cases.casework import CaseChange, WordsMissingError
from staff.cases.tables import case_actions
from staff.live.acts import LiveAct, LiveActs, row_of, words_in
from staff.live.chats import (
    UNWRAPPED,
    CannotChatError,
    StaleTermError,
    WhyNot,
    chats,
    event,
    group_of,
    locked_with_head,
)
from staff.live.saying import write
from staff.live.takers import check_right, taker
from storage.live_chats import live_chats


@dataclass(frozen=True)
class WrapUp:
    """What came of a live chat."""

    agreed: str
    """What was agreed with the young person: a note of the case."""
    next_step: str = ""
    """What is to be done: a task of the case; empty for nothing."""
    given_to: str | None = None
    """Id of the colleague whose task it is; None: of whoever does it."""
    due_on: date | None = None


class WrappingUp(LiveActs):
    """Ends live chats."""

    def hand_back(self, chat_id: str, *, by: str, term: int) -> None:
        """Give the conversation back to Lantern."""
        with self._own(chat_id, by, term, LiveChatState.OPEN) as act:
            act.end(LiveChatEnd.HANDED_BACK)

    def finish(self, chat_id: str, closing: str, *, by: str, term: int) -> None:
        """Say goodbye with these words, and end it. Raises as `say` does."""
        words, row = words_in(closing), row_of(chat_id, f"closing {term}")
        with self._own(chat_id, by, term, LiveChatState.OPEN) as act:
            said = write(act, words, row)
            # All rows are locked before the trail is.
            act.end(LiveChatEnd.FINISHED, said)

    def end_for_abuse(self, chat_id: str, reason: str, *, by: str, term: int, block: bool) -> None:
        """End it because of abuse; the reason is a note of the case.

        With `block` the conversation cannot ask for a person again. What is written there is read
        and answered by Lantern as before. Raises WordsMissingError without a reason.
        """
        with self._own(chat_id, by, term, LiveChatState.OPEN) as act:
            note_id = _change_of(act).note(reason)
            if block:
                act.change(blocked=True)
            act.end(LiveChatEnd.ABUSE, note=note_id)
            if block:
                act.record(CaseEvent.LIVE_BLOCKED)

    def unblock(self, case_id: str, *, by: str) -> None:
        """Let the conversations of a case ask for a person again."""
        with self._engine.begin() as connection:
            at, who = self._now(), taker(connection, by, self._roles)
            check_right(who)
            _, group = group_of(connection, case_id)
            _, case = locked_with_head(connection, case_id)
            who.check_sees(case["area"])
            blocked = chats(connection, live_chats.c.case_id.in_(group) & live_chats.c.blocked)
            mine = live_chats.c.id.in_([each.id for each in blocked])
            connection.execute(sa.update(live_chats).where(mine).values(blocked=False))
            what = CaseEvent.LIVE_UNBLOCKED.value
            events = [Event(at, by, what, each) for each in sorted({c.case_id for c in blocked})]
            trail.append_all(connection, events)

    def wrap_up(self, chat_id: str, wrapped: WrapUp, *, by: str) -> None:
        """Keep what came of a live chat that ended, by its owner or a supervisor. Once.

        Raises WordsMissingError where nothing is said of it, CannotChatError while it runs,
        StaleTermError for anyone else, UnknownStaffError.
        """
        if not wrapped.agreed.strip():
            raise WordsMissingError
        with self._act(chat_id, by) as act:
            if by != act.chat.owner and not act.who.member.may(Permission.SUPERVISE_CHATS):
                raise StaleTermError(act.chat.holder)
            if act.chat.runs:
                raise CannotChatError(WhyNot.RUNNING)
            if not act.chat.waits_for_wrap_up:
                return
            change = _change_of(act)
            kept = {"note": change.note(wrapped.agreed)}
            if wrapped.next_step.strip():
                if wrapped.given_to is not None:
                    check_in_use(act.connection, wrapped.given_to)
                words, to = {"what": wrapped.next_step}, wrapped.given_to
                kept["action"] = change.write(
                    case_actions, words, due_on=wrapped.due_on, given_to=to
                )
            # With it go those that were broken off before in the same conversation.
            of = live_chats.c
            same = (of.conversation_id == act.chat.conversation_id) & (of.owner == act.chat.owner)
            before = chats(act.connection, UNWRAPPED & same & (of.begun_at <= act.chat.begun_at))
            mine = of.id.in_([each.id for each in before])
            act.connection.execute(sa.update(live_chats).where(mine).values(wrapped_at=act.at))
            self._note_room(act.connection, act.chat.owner)
            what = CaseEvent.LIVE_WRAPPED_UP
            events = [event(each, act.at, act.by, what, **kept) for each in before]
            trail.append_all(act.connection, events)


def _change_of(act: LiveAct) -> CaseChange:
    """Return a change of the case that the conversation opened, to write a note or a task of it."""
    return CaseChange(act.connection, act.vault, case_of(act.own), act.by, act.at)
