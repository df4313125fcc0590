"""How a live chat goes to another person: a transfer that they accept, or a supervisor takes it."""

from __future__ import annotations

from safeguarding.live_chat import LiveChatState
from staff.accounts.accounts import UnknownStaffError
from staff.cases.case import CaseEvent
from staff.live.acts import LiveActs
from staff.live.chats import StaleTermError
from staff.live.takers import check_free, check_on_duty, check_right, taker


class HandingOver(LiveActs):
    """Changes who has a live chat. Of two who take it at once, one does."""

    def offer_transfer(self, chat_id: str, to: str, *, by: str, term: int) -> None:
        """Offer an open live chat to a colleague on duty; it stays the owner's until they accept.

        An offer to another colleague ends. Raises CannotChatError where the colleague cannot have
        it, UnknownStaffError for an offer to oneself, and UnknownCaseError where they may not see
        the case.
        """
        if to == by:
            raise UnknownStaffError
        with self._own(chat_id, by, term, LiveChatState.OPEN) as act:
            # Without a lock: what counts is checked again when they accept.
            colleague = taker(act.connection, to, self._roles, lock=False)
            check_on_duty(act.connection, colleague, act.at)
            colleague.check_sees(act.case["area"])
            if act.chat.transfer_to == to:
                return
            act.change(transfer_to=to)
            act.record(CaseEvent.LIVE_TRANSFER_OFFERED, to=to)

    def end_transfer(self, chat_id: str, *, by: str) -> None:
        """Take the offer to a colleague back, or decline it as the colleague.

        Raises StaleTermError where there is none, or `by` is neither of the two.
        """
        with self._act(chat_id, by) as act:
            to = act.chat.transfer_to
            if to is None or by not in {act.chat.owner, to}:
                raise StaleTermError(act.chat.holder)
            act.change(transfer_to=None)
            act.record(CaseEvent.LIVE_TRANSFER_ENDED, to=to)

    def accept_transfer(self, chat_id: str, *, by: str) -> int:
        """Take over a live chat that a colleague offered; return the term.

        Raises CannotChatError, and StaleTermError where it is not offered to `by` any more.
        """
        with self._act(chat_id, by) as act:
            if act.chat.state is not LiveChatState.OPEN or act.chat.transfer_to != by:
                raise StaleTermError(act.chat.holder)
            conversation = act.chat.conversation_id
            check_free(act.connection, act.who, act.at, self._at_once, conversation)
            term = act.give_to(act.who)
            self._note_room(act.connection, by, act.chat.owner)
            act.record(CaseEvent.LIVE_TRANSFERRED, to=by, **{"from": act.chat.owner})
        return term

    def take_over(self, chat_id: str, *, by: str) -> int:
        """Take an open live chat over as a supervisor, on duty or not; return the term.

        Raises CannotChatError unless `by` is a supervisor who may chat, and StaleTermError where
        they have it already or it is not open.
        """
        with self._supervised(chat_id, by) as act:
            check_right(act.who)
            if act.chat.state is not LiveChatState.OPEN or act.chat.owner == by:
                raise StaleTermError(act.chat.holder)
            term = act.give_to(act.who)
            self._note_room(act.connection, by, act.chat.owner)
            act.record(CaseEvent.LIVE_TAKEN_OVER, to=by, **{"from": act.chat.owner})
        return term
