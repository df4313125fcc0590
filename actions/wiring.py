"""What the actions work with. Asked for at run time: rasa-sdk pickles actions first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from safeguarding.content.answers import Answers, answers
from safeguarding.content.contacts import ContactDirectory, contact_directory
from safeguarding.escalations.log import EscalationLog
from safeguarding.escalations.spool import Spool
from safeguarding.escalations.wiring import escalation_log, escalation_spool
from safeguarding.settings import Settings

LONDON = ZoneInfo("Europe/London")
Clock = Callable[[], datetime]


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


def directory() -> ContactDirectory:
    """The contacts of this process."""
    return contact_directory()
