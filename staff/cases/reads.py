"""Which cases a member of staff has read, as the audit trail proves it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy.engine import Connection

from staff.audit import trail
from staff.audit.trail import Link
from staff.cases.case import CaseEvent

_MESSAGE_CAME = frozenset(
    {
        CaseEvent.RECORDED.value,
        CaseEvent.RAISED.value,
        CaseEvent.ADDED_TO.value,
        CaseEvent.JOINED.value,
        CaseEvent.ATTACHED.value,
        CaseEvent.MERGED.value,
        CaseEvent.SPLIT.value,
    }
)
"""Events after which a case has words that nobody has read yet."""


def read_by(
    connection: Connection,
    case_ids: Collection[str],
    staff_id: str,
    session: str,
    since: Collection[str] = _MESSAGE_CAME,
    *,
    in_session: bool = False,
) -> set[str]:
    """Return which of these cases `staff_id` has read since the newest event of these kinds.

    By default, that is since their newest message came. A case is read when its words are
    uncovered, or when its page is opened again in the session in which they were; `session` is the
    digest that names the reader's session on the trail. With `in_session`, what was uncovered in
    another session does not count.
    """
    of_case: dict[str, list[Link]] = {}
    for link in trail.of_case(connection, *case_ids):
        of_case.setdefault(str(link.event.case_id), []).append(link)
    return {
        each
        for each, links in of_case.items()
        if _is_read(links, staff_id, session, since, in_session=in_session)
    }


def _is_read(
    links: Iterable[Link],
    staff_id: str,
    session: str,
    since: Collection[str],
    *,
    in_session: bool,
) -> bool:
    read = uncovered = False
    for event in (link.event for link in links):
        if event.what in since:
            read = False
        elif event.who == staff_id and event.what == CaseEvent.REVEALED.value:
            here = event.detail.get("session") == session
            read = read or here or not in_session
            uncovered = uncovered or here
        elif event.who == staff_id and event.what == CaseEvent.VIEWED.value:
            read = read or uncovered
    return read
