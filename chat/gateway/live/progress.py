"""What the gateway knows of the live chat in a conversation, and what the page is still to be told.

A browser says by a cursor how far it has shown: the number of the last message of staff, and the
index of the last notice of Lantern about the chat. Indexes grow with the clock, so that a gateway
that has lost its memory does not use one twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from safeguarding.live_chat import LiveChatEnd
from safeguarding.messages import Message

LivePhase: TypeAlias = Literal["none", "asked", "offered", "open"]
"""What the young person's page shows. It is "open" from their yes, or from the moment at which the
gateway sees that their request was answered."""
BY_CHILD = frozenset({LiveChatEnd.STOPPED, LiveChatEnd.LEFT, LiveChatEnd.DECLINED})
"""Ends after which nothing that staff write in the chat is shown."""
MOST_NOTICES = 20
_CURSOR = re.compile(r"(\d{1,15})\.(\d{1,15})", re.ASCII)
_AHEAD = timedelta(days=1)
"""How far ahead of this clock another gateway's may be."""


class Cursor(NamedTuple):
    """How far a browser has shown what came."""

    number: int = 0
    notice: int = 0

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        """Return the cursor that a browser sent; the beginning for one that cannot be read."""
        found = _CURSOR.fullmatch(text or "")
        return cls(*map(int, found.groups())) if found else cls()

    def __str__(self) -> str:
        return f"{self.number}.{self.notice}"


class LiveNotice(msgspec.Struct, frozen=True, array_like=True):
    """A message of Lantern about the chat, until the browser has shown it."""

    index: int
    at: datetime
    """When what it tells happened: it stands before what staff wrote later."""
    message: bytes
    """As JSON."""


class LiveProgress(msgspec.Struct, frozen=True, array_like=True):
    """The live chat in this conversation. A new field goes to the end and has a default."""

    phase: LivePhase = "none"
    chat: str = ""
    """The id of the chat that is asked for, offered or open."""
    term: int = 0
    name: str = ""
    role: str = ""
    since: datetime | None = None
    """When it was asked for, offered or opened, by the clock of the chat."""
    present_until: datetime | None = None
    """The end of the lease that was read last."""
    waits_since: datetime | None = None
    """When the young person began to wait for an answer; None while they do not."""
    heard: datetime | None = None
    """When the person last wrote, as it was read when the young person began to wait."""
    quiet_told: bool = False
    danger_at: datetime | None = None
    """When a message in this chat last told of immediate danger."""
    over: str = ""
    """The id of the last chat that ended for this side."""
    over_why: LiveChatEnd | None = None
    over_term: int = 0
    over_at: datetime | None = None
    offered: bool = False
    """Whether the button that asks for a person was shown with a help card."""
    offered_after: int = 0
    """How many replies there were before the offer: words answer it only directly after it."""
    listens: bool = False
    """Whether the page is to listen although nothing graver than NONE is known here: a message was
    handed over before it was assessed, and staff may have a case of it."""
    explained: bool = False
    """Whether the young person was told who reads what they write to a person."""
    number: int = 0
    """The highest number of a message of staff that is among the turns."""
    last: int = 0
    """The highest index of a notice so far."""
    notices: tuple[LiveNotice, ...] = ()
    changed_at: datetime | None = None

    @property
    def runs(self) -> bool:
        """Whether a chat is asked for, offered or open."""
        return self.phase != "none"

    @property
    def is_open(self) -> bool:
        """Whether a person has the chat: Lantern says nothing by itself."""
        return self.phase == "open"

    def hides(self, chat_id: str) -> bool:
        """Return whether what staff wrote in a chat is not shown: the young person ended it."""
        return chat_id == self.over and self.over_why in BY_CHILD

    @property
    def size(self) -> int:
        """Return the bytes of the notices."""
        return sum(len(each.message) for each in self.notices)

    def tell(self, messages: Sequence[Message], at: datetime, now: datetime) -> LiveProgress:
        """Return it with these messages to be shown, as of `at`."""
        index, notices = max(self.last, _milliseconds(now)), [*self.notices]
        for message in messages:
            index += 1
            notices.append(LiveNotice(index, at, msgspec.json.encode(message)))
        return replace(self, last=index, notices=tuple(notices[-MOST_NOTICES:]), changed_at=now)

    def confirmed(self, cursor: Cursor, now: datetime) -> LiveProgress:
        """Return it without the notices that the browser has shown.

        A cursor that is ahead comes from another gateway's notices: those of this one were not
        shown, and get indexes behind it.
        """
        if not self.notices:
            return self
        if self.last < cursor.notice <= _milliseconds(now + _AHEAD):
            base = cursor.notice - self.notices[0].index + 1
            moved = tuple(replace(each, index=each.index + base) for each in self.notices)
            return replace(self, last=moved[-1].index, notices=moved, changed_at=now)
        left = tuple(each for each in self.notices if each.index > cursor.notice)
        return self if len(left) == len(self.notices) else replace(self, notices=left)

    def joined(self, other: LiveProgress) -> LiveProgress:
        """Return what two gateways know together: the later change counts."""
        mine, theirs = self.changed_at, other.changed_at
        later = theirs is not None and (mine is None or theirs > mine)
        first, second = (other, self) if later else (self, other)
        notices = {each.index: each for each in (*second.notices, *first.notices)}
        return replace(
            first,
            offered=first.offered or second.offered,
            listens=first.listens or second.listens,
            explained=first.explained or second.explained,
            number=max(first.number, second.number),
            last=max(first.last, second.last),
            notices=tuple(notices[index] for index in sorted(notices))[-MOST_NOTICES:],
        )


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
