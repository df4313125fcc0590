"""What the actions work with. Asked for at run time: rasa-sdk pickles actions first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

import structlog

from safeguarding.approvals import Approvals
from safeguarding.approved_words import ApprovedWords
from safeguarding.content.answers import Answers, answers
from safeguarding.content.chat_signs import ChatSigns
from safeguarding.content.chat_signs import chat_signs as read_chat_signs
from safeguarding.content.contacts import ContactDirectory, contact_directory
from safeguarding.content.items import Approved
from safeguarding.content.pieces import Pieces
from safeguarding.content.pledge import Pledge
from safeguarding.content.pledge import pledge as read_pledge
from safeguarding.content.stories import stories as read_stories
from safeguarding.content.tools import tools as read_tools
from safeguarding.escalations.log import EscalationLog
from safeguarding.escalations.spool import Spool
from safeguarding.escalations.wiring import engine, escalation_log, escalation_spool
from safeguarding.pledges import PledgeCounter
from safeguarding.settings import Settings

LONDON = ZoneInfo("Europe/London")
Clock = Callable[[], datetime]
logger = structlog.get_logger()


@dataclass(frozen=True)
class Signing:
    """Which words are signed, and whether those that are not may be shown."""

    approved: Approved
    required: bool


def now() -> datetime:
    """This moment in the time zone in which opening hours and review dates are written."""
    return datetime.now(LONDON)


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings.from_env()


@cache
def log() -> EscalationLog:
    """The escalation log of this process."""
    return escalation_log(settings())


@cache
def spool() -> Spool:
    """Where escalations wait while the log cannot be written."""
    return escalation_spool(settings())


def vetted_answers() -> Answers:
    """The answers of this process."""
    return answers()


def stories() -> Pieces:
    """The stories of this process."""
    return read_stories()


def tools() -> Pieces:
    """The tools of this process."""
    return read_tools()


def chat_signs() -> ChatSigns:
    """What this process says of a pasted chat."""
    return read_chat_signs()


def pledge() -> Pledge:
    """The journey of the pledge."""
    return read_pledge()


@cache
def pledge_counter() -> PledgeCounter:
    """Where the pledges of this process are counted."""
    return PledgeCounter(engine(settings()))


def directory() -> ContactDirectory:
    """The contacts of this process."""
    return contact_directory()


@cache
def signing() -> Signing:
    """The signatures of the database of this process, read at most every half minute."""
    approvals = Approvals(engine(settings()))
    return Signing(ApprovedWords(approvals.approved, _not_read), settings().require_approval)


def _not_read(error: Exception) -> None:
    logger.warning("approvals.not_read", reason=type(error).__name__)
