"""A mail like an alert's, by the way that alerts take."""

from __future__ import annotations

import time

import msgspec

from ops.doctor.finding import Installation
from ops.doctor.people import MAIL_TRIED
from safeguarding.content.phrases import read_phrases
from safeguarding.secret_files import SettingsError
from safeguarding.settings import Settings
from safeguarding.taxonomy import CONTENT, Severity
from staff.alerts.channels.channel import ChannelSetup
from staff.alerts.channels.channel_list import configured_channels
from staff.alerts.formatter import Notice
from staff.alerts.outbox import Alert
from staff.alerts.queue import Delivery
from staff.audit.audit_log import record_command
from staff.rota.recipients import EMAIL

_REFERENCE = "TEST"


class TrialMailPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/trial_mail.yml."""

    subject: str
    text: str
    open_line: str
    last_line: str


def send(here: Installation, address: str) -> None:
    """Send it, and say so on the audit trail. Raises SettingsError, NotSentError."""
    channel = configured_channels(ChannelSetup(here.settings, here.env)).get(EMAIL)
    if channel is None:
        raise SettingsError("There is no way to send mail: LANTERN_SMTP_HOST, or GOV.UK Notify")
    channel.send(_delivery(here, address), _notice(here.settings))
    record_command(MAIL_TRIED, here.settings)


def _delivery(here: Installation, address: str) -> Delivery:
    alert = Alert("", _REFERENCE, Severity.CONCERN, "", "", here.now(), "new", "test", None)
    number = time.time_ns() // 1_000_000
    return Delivery(number, alert, _REFERENCE, address, None, attempts=1, claimed_by="doctor")


def _notice(settings: Settings) -> Notice:
    say = read_phrases(CONTENT / "phrases").of("trial_mail", TrialMailPhrases)
    link = settings.alerts.console_url
    return Notice(
        subject=say.subject,
        lines=(say.text,),
        link=link,
        open_line=f"{say.open_line} {link}",
        open_button=say.open_line,
        text=say.text,
        last_lines=(say.last_line,),
    )
