"""Decides what happens next in a live chat: a pure function of its row, the conversation and now.

The row says who has the chat, and only staff write it. This side decides by itself that a person
is silent or gone, or that none came, and tells staff. ADR 58.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from msgspec.structs import replace

from chat.gateway.live.progress import BY_CHILD, LiveProgress
from safeguarding.live_chat import (
    ANSWER_WITHIN,
    JOIN_WITHIN,
    QUIET_END,
    QUIET_NOTICE,
    LiveChatEnd,
    LiveChatState,
)
from storage.live_chats import LiveChat

Telling: TypeAlias = Literal[
    "offer", "joined", "handed_over", "taken_over", "quiet", "silent", "away", "not_answered",
    "nobody_came", "withdrawn", "handed_back", "finished", "ended_for_abuse",
]  # fmt: skip
"""What the young person is told: the name of a phrase."""
_ENDED_BY_STAFF: dict[LiveChatEnd | None, Telling] = {
    LiveChatEnd.HANDED_BACK: "handed_back",
    LiveChatEnd.FINISHED: "finished",
    LiveChatEnd.ABUSE: "ended_for_abuse",
    LiveChatEnd.WITHDRAWN: "withdrawn",
    LiveChatEnd.SILENT: "silent",
    LiveChatEnd.AWAY: "away",
    LiveChatEnd.NOBODY_CAME: "nobody_came",
    LiveChatEnd.NOT_ANSWERED: "not_answered",
}


@dataclass(frozen=True)
class LiveOutcome:
    """What follows."""

    progress: LiveProgress
    """The progress afterwards."""
    says: Telling | None = None
    """What the young person is told."""
    at: datetime | None = None
    """When it happened; None means at this moment."""
    before: str = ""
    """The name of the person who had the chat before."""
    end: LiveChatEnd | None = None
    """Why this side ends it, which staff are to be told, with the term `progress.over_term`."""


def next_outcome(
    progress: LiveProgress, row: LiveChat | None, now: datetime, *, is_read: bool = True
) -> LiveOutcome | None:
    """Return what follows now, or None. To be asked again until nothing follows.

    `row` is the newest live chat of the conversation, as it was read last. With `is_read` False it
    could not be read at all: then what the conversation knows of the lease counts.
    """
    ended = row is not None and row.state is LiveChatState.ENDED
    if row is None or not is_read or (ended and row.id != progress.chat):
        # A request that the case worker has not taken yet, or a row that is gone.
        return _unseen(progress, now)
    if ended:
        return _ended(progress, row) if progress.runs else None
    if row.id == progress.over and not _goes_on(progress, row):
        return _ended_again(progress, row)
    if _is_told_already(progress, row):
        return LiveOutcome(
            over(_as_read(progress, row), LiveChatEnd.NOBODY_CAME, now), end=LiveChatEnd.NOBODY_CAME
        )
    if row.id != progress.chat or not progress.runs:
        return _begun(progress, row, now)
    return _goes_along(progress, row, now)


def over(
    progress: LiveProgress, why: LiveChatEnd, at: datetime, term: int | None = None
) -> LiveProgress:
    """Return the progress after the chat has ended."""
    return replace(
        progress,
        phase="none",
        chat="",
        over=progress.chat or progress.over,
        over_why=why,
        over_term=progress.term if term is None else term,
        over_at=at,
        since=None,
        waits_since=None,
        quiet_told=False,
        danger_at=None,
        changed_at=at,
    )


def opened(progress: LiveProgress, now: datetime) -> LiveProgress:
    """Return the progress after a person has the chat: the young person waits for a first word."""
    return replace(
        progress, phase="open", since=now, waits_since=now, quiet_told=False, changed_at=now
    )


def waiting(progress: LiveProgress, now: datetime) -> LiveProgress:
    """Return the progress after a message of the young person to the person."""
    return replace(progress, waits_since=progress.waits_since or now, changed_at=now)


def _as_read(progress: LiveProgress, row: LiveChat) -> LiveProgress:
    return replace(
        progress,
        chat=row.id,
        term=row.term,
        name=row.shown_name or progress.name,
        role=row.shown_role or progress.role,
        present_until=row.present_until,
    )


def _goes_on(progress: LiveProgress, row: LiveChat) -> bool:
    """Return whether a person took the chat in the moment in which this side ended it."""
    return progress.over_why not in BY_CHILD and row.term > progress.over_term


def _ended_again(progress: LiveProgress, row: LiveChat) -> LiveOutcome | None:
    """Repeat the young person's end where a person took the chat in the same moment."""
    why = progress.over_why
    if why not in BY_CHILD or row.term <= progress.over_term:
        return None
    return LiveOutcome(replace(progress, over_term=row.term), end=why)


def _is_told_already(progress: LiveProgress, row: LiveChat) -> bool:
    """Return whether the young person has read that no one came to the request of this row."""
    told = not progress.runs and not progress.over and progress.over_why is LiveChatEnd.NOBODY_CAME
    is_asked = row.state is LiveChatState.ASKED
    return told and is_asked and progress.over_at is not None and row.begun_at <= progress.over_at


def _begun(progress: LiveProgress, row: LiveChat, now: datetime) -> LiveOutcome:
    """Take in a chat that this conversation does not know, or knew under another id."""
    known = _as_read(replace(progress, term=row.term, name="", role="", heard=row.spoke_at), row)
    known = replace(known, danger_at=None, changed_at=now)
    if row.state is LiveChatState.OPEN:
        return LiveOutcome(opened(known, now), says="joined", at=row.opened_at)
    if row.state is LiveChatState.OFFERED:
        return LiveOutcome(replace(known, phase="offered", since=now), says="offer")
    return LiveOutcome(replace(known, phase="asked", since=row.begun_at))


def _goes_along(progress: LiveProgress, row: LiveChat, now: datetime) -> LiveOutcome | None:
    if row.term < progress.term:
        return None  # read before the last change
    return _renewed(progress, row, now) or _late(_as_read(progress, row), row, now)


def _renewed(progress: LiveProgress, row: LiveChat, now: datetime) -> LiveOutcome | None:
    """Take in what is new in the row of a chat that goes on."""
    is_open = row.state is LiveChatState.OPEN
    known = replace(_as_read(progress, row), changed_at=now)
    if is_open and not progress.is_open:
        known = replace(known, heard=row.spoke_at)
        return LiveOutcome(opened(known, now), says="joined", at=row.opened_at)
    if row.state is LiveChatState.OFFERED and progress.phase == "asked":
        return LiveOutcome(replace(known, phase="offered", since=now), says="offer")
    if is_open and row.term != progress.term:
        since = now if progress.waits_since else None
        known = replace(known, waits_since=since, quiet_told=False, heard=row.spoke_at)
        gone = progress.present_until is None or now >= progress.present_until
        how: Telling = "taken_over" if gone else "handed_over"
        other = known.name != progress.name
        return LiveOutcome(known, how if other else None, row.spoke_at, before=progress.name)
    if is_open and _is_later(row.spoke_at, progress.heard):
        known = replace(known, heard=row.spoke_at, waits_since=None, quiet_told=False)
        return LiveOutcome(known)
    return None


def _late(progress: LiveProgress, row: LiveChat, now: datetime) -> LiveOutcome | None:
    """End a chat whose time is over, or tell that the person is silent."""
    if progress.phase == "asked":
        return _nobody_came(progress, now)
    if row.present_until is not None and not row.is_present(now):
        return _gone(progress, now)
    if progress.phase == "offered":
        late = progress.since is not None and now >= progress.since + ANSWER_WITHIN
        return _end(progress, LiveChatEnd.NOT_ANSWERED, "not_answered", now) if late else None
    return None if row.is_typing(now) else _quiet(progress, now)


def _quiet(progress: LiveProgress, now: datetime) -> LiveOutcome | None:
    if progress.waits_since is None:
        return None
    if now >= progress.waits_since + QUIET_END:
        return _end(progress, LiveChatEnd.SILENT, "silent", now)
    if now >= progress.waits_since + QUIET_NOTICE and not progress.quiet_told:
        return LiveOutcome(replace(progress, quiet_told=True, changed_at=now), says="quiet")
    return None


def _unseen(progress: LiveProgress, now: datetime) -> LiveOutcome | None:
    """Go by what the conversation knows, without a row."""
    if progress.phase == "asked":
        return _nobody_came(progress, now)
    if progress.runs and (progress.present_until is None or now >= progress.present_until):
        return _gone(progress, now)
    return None


def _nobody_came(progress: LiveProgress, now: datetime) -> LiveOutcome | None:
    if progress.since is not None and now < progress.since + JOIN_WITHIN:
        return None
    return _end(progress, LiveChatEnd.NOBODY_CAME, "nobody_came", now)


def _gone(progress: LiveProgress, now: datetime) -> LiveOutcome:
    says: Telling = "away" if progress.is_open else "withdrawn"
    return _end(progress, LiveChatEnd.AWAY, says, now)


def _end(progress: LiveProgress, why: LiveChatEnd, says: Telling, now: datetime) -> LiveOutcome:
    return LiveOutcome(over(progress, why, now), says, before=progress.name, end=why)


def _ended(progress: LiveProgress, row: LiveChat) -> LiveOutcome:
    """Take in that staff, or another gateway, ended it."""
    why = row.ended_why or LiveChatEnd.HANDED_BACK
    says = _ENDED_BY_STAFF.get(why)
    at = row.ended_at or row.begun_at
    known = _as_read(progress, row)
    return LiveOutcome(over(known, why, at, row.term), says, at, before=known.name)


def _is_later(moment: datetime | None, than: datetime | None) -> bool:
    return moment is not None and (than is None or moment > than)
