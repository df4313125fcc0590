"""Everything that staff do with live chats, each act in one transaction with its audit event."""

from __future__ import annotations

from staff.live.handing_over import HandingOver
from staff.live.joining import Joining
from staff.live.saying import Saying
from staff.live.wrap_up import WrappingUp


class LiveDesk(Joining, Saying, HandingOver, WrappingUp):
    """Thread-safe. `by` is the id of a member of staff, and `term` the number that they hold.

    Methods raise UnknownCaseError, also for a case of an area that `by` may not see,
    UnknownStaffError, SQLAlchemyError; StaleTermError where another person has the live chat or it
    ended; CannotChatError with the reason. Then nothing was changed.
    """
