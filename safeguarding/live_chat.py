"""A live chat: a member of staff writes to the young person in a conversation that is open now.

The words that chat and staff share about it, and its times. ADR 58.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

LIVE_CHAT = "live_chat"
"""The name in `Escalation.extra` of the id of the live chat in which a message was written."""

LEASE = timedelta(seconds=45)
"""How long a member of staff counts as present after their page last told so. It tells every
BEAT."""
BEAT = timedelta(seconds=10)
TYPING = timedelta(seconds=6)
"""How long "is typing" is shown after the last key."""
QUIET_NOTICE = timedelta(seconds=60)
"""After so long without an answer the young person is told that they can wait or go on."""
QUIET_END = timedelta(seconds=180)
"""After so long without an answer Lantern takes up the conversation again."""
JOIN_WITHIN = timedelta(seconds=60)
"""After so long without anyone a young person who asked is told what else there is."""
ANSWER_WITHIN = timedelta(minutes=3)
"""How long an offer waits for the young person's yes."""
READY = timedelta(seconds=60)
"""How long a member of staff counts as ready to chat after their open page last told so."""
LONGEST_WORDS = 2_000
"""Characters of one message of staff."""
WRITING_FOR = timedelta(minutes=3)
"""How long after a message the person counts as writing now."""
ADDRESS = "address"
"""The name in `Escalation.extra` of the conversation to which staff write, where it is not that of
the case: an older case was opened in it by its letterbox."""


class LiveChatState(str, Enum):
    """The states of a live chat. The values are stored: never rename one."""

    ASKED = "asked"
    """The young person asked for a person, and none has joined."""
    OFFERED = "offered"
    """A member of staff would like to join, and the young person has not answered."""
    OPEN = "open"
    """A person has the chat: Lantern says nothing by itself."""
    ENDED = "ended"


class LiveChatEnd(str, Enum):
    """Why a live chat ended. The values are stored: never rename one."""

    DECLINED = "declined"
    """The young person said "not now" to an offer."""
    STOPPED = "stopped"
    """The young person stopped talking to the person, or took back that they had asked."""
    LEFT = "left"
    """The young person left the conversation."""
    WITHDRAWN = "withdrawn"
    """The member of staff took the offer back."""
    HANDED_BACK = "handed_back"
    """The member of staff gave the conversation back to Lantern."""
    FINISHED = "finished"
    """The member of staff said goodbye with a reviewed closing."""
    ABUSE = "abuse"
    """The member of staff ended it because of abuse."""
    NOT_ANSWERED = "not_answered"
    """The young person did not answer the offer within ANSWER_WITHIN."""
    NOBODY_CAME = "nobody_came"
    """No member of staff joined within JOIN_WITHIN of a request."""
    SILENT = "silent"
    """The member of staff did not answer for QUIET_END."""
    AWAY = "away"
    """The member of staff's page did not tell for LEASE that it is open."""


class LiveChatStep(str, Enum):
    """What the chat tells the staff side of a live chat. The values are stored."""

    ASKED = "asked"
    """The young person would like to talk to a person."""
    ACCEPTED = "accepted"
    """The young person said yes to an offer."""
    ENDED = "ended"
    """It ended, on the side of the chat, for `LiveChatChange.why`."""


@dataclass(frozen=True)
class LiveMessage:
    """One message of a member of staff to the young person."""

    number: int
    """Grows within a conversation: a browser that saw this number shows it no more."""
    chat_id: str
    name: str
    """The name that the young person reads."""
    text: str
    at: datetime
