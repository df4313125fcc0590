"""The mail server of `make chaos`: for a while it refuses one address, which belongs to no one."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from aiosmtpd.smtp import Envelope

from lab.chaos.faults import Fault
from safeguarding.clock import utc_now
from safeguarding.content.phrases import read_phrases
from safeguarding.settings import Settings
from safeguarding.taxonomy import CONTENT
from staff.accounts.permissions import Role
from staff.accounts.tables import staff
from staff.dispatcher.mail_catcher import Caught, MailCatcher
from staff.rota.refusal_wording import RefusedWayPhrases
from staff.rota.rota import (
    ContactPreferences,
    Shift,
    ShiftKind,
    add_shifts,
    set_contact_preferences,
)
from storage.engine import connect

ON_DUTY, ADMINISTRATOR = "duty@lantern.example", "administrator@lantern.example"
NO_SUCH_PERSON = "550 5.1.1 No such person here"
MOST_TRIES = 4
"""How often the address may be tried for each time that it begins to refuse: once by each of two
dispatchers, once more after a minute's pause, and once where a killed dispatcher noted nothing."""


class RefusingMailbox(MailCatcher):
    """Catches mail, and refuses the address of the member of staff on duty when it is told to."""

    def __init__(self, kept: int) -> None:
        super().__init__(kept)
        self.is_refusing = False
        self.times = 0
        """How often it began to refuse."""
        self.tries = 0
        """Mails to the address while it was refused."""

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Accept a recipient or not: aiosmtpd calls this for each one."""
        if address == ON_DUTY and self.is_refusing:
            self.tries += 1
            return NO_SUCH_PERSON
        envelope.rcpt_tos.append(address)
        return "250 OK"


def refuse(mailbox: RefusingMailbox) -> Fault:
    """Return a fault in which the address on duty refuses all mail for some seconds."""

    def one(chance: random.Random) -> None:
        mailbox.times += 1
        mailbox.is_refusing = True
        time.sleep(chance.uniform(5, 15))
        mailbox.is_refusing = False

    return one


def put_on_duty(settings: Settings) -> None:
    """Put a lead on duty for a day, who has an address, as the administrator has."""
    engine, now, day = connect(settings.database_url), utc_now(), timedelta(days=1)
    with engine.begin() as connection:
        query = sa.select(staff.c.role, staff.c.id).order_by(staff.c.name)
        ids = dict(connection.execute(query).tuples().all())
        lead, administrator = ids[Role.LEAD.value], ids[Role.ADMINISTRATOR.value]
        set_contact_preferences(connection, ContactPreferences(lead, ON_DUTY))
        set_contact_preferences(connection, ContactPreferences(administrator, ADMINISTRATOR))
        add_shifts(connection, [Shift(lead, ShiftKind.ON_DUTY, now - day, now + day)])
    engine.dispose()


def refusals(mailbox: RefusingMailbox, mails: Sequence[Caught]) -> dict[str, int]:
    """Count the tries that are too many, and a refusal of which no administrator was told."""
    subject = read_phrases(CONTENT / "phrases").of("refused_ways", RefusedWayPhrases).subject
    told = any(mail.to == ADMINISTRATOR and mail.subject == subject for mail in mails)
    return {
        "refused": mailbox.tries,
        "tried_too_often": max(0, mailbox.tries - MOST_TRIES * mailbox.times),
        "untold": int(mailbox.tries > 0 and not told),
    }
