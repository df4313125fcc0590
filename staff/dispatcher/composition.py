"""Puts the dispatcher together: settings in, threads that can be started out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.content.phrases import read_phrases
from safeguarding.settings import NoSecretError, Settings
from safeguarding.taxonomy import CONTENT
from staff.alerts.channels.channel import Channel
from staff.alerts.channels.email import EmailChannel, MailServer
from staff.alerts.channels.notify import NotifyEmail, NotifySms, notify_client
from staff.alerts.channels.webhook import WebhookChannel
from staff.alerts.digest import Flood
from staff.alerts.formatter import AlertFormatter, AlertPhrases
from staff.alerts.loops import Beats, Daily, Loop, Planner, Sender
from staff.alerts.plan import Plan, ReminderDelays
from staff.alerts.reach import EMAIL, SMS, WEBHOOK
from staff.audit import anchors
from staff.cases.worker import CaseWorker, CaseWorkerLoop
from staff.dispatcher.mail_catcher import MailCatcher
from staff.dispatcher.status import StatusPage, StatusServer
from storage import handoffs, key_users
from storage.engine import READING, connect
from storage.listener import Listener
from storage.vault import Vault

DEMONSTRATION_TEAM = "safeguarding-team@lantern.example"
"""Whom the demonstration writes to: the catcher keeps it."""
HANGS_S = 90.0
"""A thread that has not gone round for so long never will: the process must be started anew."""
_LOOK_EVERY_S = 1.0
log = structlog.get_logger("dispatcher")


@dataclass
class Dispatcher:
    """All threads, and the page that says how they are."""

    loops: list[Loop]
    beats: Beats
    status: StatusServer
    catcher: MailCatcher | None
    listener: Listener
    engine: Engine

    def run(self, stop: threading.Event) -> int:
        """Work until `stop`: 0; or until a thread hangs: 1. What was begun is finished first."""
        self.status.start()
        for loop in self.loops:
            loop.start(stop)
        log.info("dispatcher.started", threads=[loop.name for loop in self.loops])
        hung: list[str] = []
        while not stop.wait(_LOOK_EVERY_S) and not hung:
            hung = [name for name, age in self.beats.ages().items() if age > HANGS_S]
        if hung:
            # Its claims end by themselves.
            log.critical("dispatcher.hangs", threads=hung)
            return 1
        for loop in self.loops:
            loop.join(within_s=5.0)
        self.status.stop()
        if self.catcher is not None:
            self.catcher.stop()
        self.listener.close()
        self.engine.dispose()
        return 0


def compose(settings: Settings, now: Callable[[], datetime] = utc_now) -> Dispatcher:
    """The dispatcher of these settings.

    Raises ContentError, SettingsError, VaultError, OSError (a port is taken).
    """
    engine = connect(settings.database_url)
    ring = Vault.of(settings)
    key_users.announce(settings, ring)
    phrases = read_phrases(CONTENT / "phrases").of("alerts", AlertPhrases)
    alerting = settings.alerts
    catcher = MailCatcher() if settings.is_demonstration() else None
    channels = channels_of(settings, catcher.start() if catcher else None)
    if not channels:
        log.critical("dispatcher.no_channel")
    beats = Beats()
    words = AlertFormatter(phrases, alerting.console_url)
    steps = _plan(settings, frozenset(channels), demonstration=catcher is not None)
    flood = Flood(alerting.digest_after, timedelta(minutes=alerting.digest_minutes))
    listener = Listener(engine, handoffs.CHANNEL)
    cases = CaseWorkerLoop(CaseWorker(engine, ring, now), listener, beats)
    planner = Planner(engine, steps, beats, now)
    senders = [
        Sender(name, each, engine, words, flood, beats, now) for name, each in channels.items()
    ]
    # Each looks by itself every second; what the one before it has done is seen at once.
    cases.followed_by(planner)
    planner.followed_by(*senders)
    loops: list[Loop] = [cases, planner, *senders]
    loops.append(Daily(_daily(settings, engine, now), beats, now))
    status = StatusPage(engine, beats, sorted(channels), phrases, catcher, now)
    server = StatusServer(status, alerting.dispatcher_host, alerting.dispatcher_port)
    return Dispatcher(loops, beats, server, catcher, listener, engine)


def _daily(
    settings: Settings, engine: Engine, now: Callable[[], datetime]
) -> Mapping[str, Callable[[], object]]:
    """What is done once a day, by name: each does no harm when it is done twice."""

    def anchor() -> object:
        with engine.connect().execution_options(**READING) as connection:
            return anchors.write(settings.state_dir, connection, now())

    return {"anchor": anchor}


def _plan(settings: Settings, channels: frozenset[str], *, demonstration: bool) -> Plan:
    alerting = settings.alerts
    mailbox = alerting.team_email is not None or demonstration
    team = {EMAIL: mailbox and EMAIL in channels, WEBHOOK: WEBHOOK in channels}
    clocks = ReminderDelays(
        timedelta(minutes=alerting.immediate_minutes), timedelta(minutes=alerting.urgent_minutes)
    )
    return Plan(clocks, channels, frozenset(name for name, reached in team.items() if reached))


def channels_of(settings: Settings, catcher_port: int | None) -> dict[str, Channel]:
    """The channels by name, each with what it needs. Raises SettingsError for half of that.

    `catcher_port` is the demonstration's mail catcher, where there is one.
    """
    alerting = settings.alerts
    found: dict[str, Channel] = {}
    notify_key = _optional(settings, "notify_api_key")
    if catcher_port is not None:
        server = MailServer("127.0.0.1", catcher_port, "none")
        team = alerting.team_email or DEMONSTRATION_TEAM
        found[EMAIL] = EmailChannel(server, alerting.email_from, team)
    elif alerting.smtp_host is not None:
        server = MailServer(
            alerting.smtp_host,
            alerting.smtp_port,
            alerting.smtp_security,
            alerting.smtp_user,
            settings.secret("smtp_password") if alerting.smtp_user else None,
        )
        found[EMAIL] = EmailChannel(server, alerting.email_from, alerting.team_email)
    elif notify_key and alerting.notify_email_template:
        client = notify_client(notify_key, alerting.notify_url)
        found[EMAIL] = NotifyEmail(client, alerting.notify_email_template, alerting.team_email)
    if notify_key and alerting.notify_sms_template:
        client = notify_client(notify_key, alerting.notify_url)
        found[SMS] = NotifySms(client, alerting.notify_sms_template)
    if url := _optional(settings, "webhook_url"):
        key = settings.secret("webhook_key")
        found[WEBHOOK] = WebhookChannel(url, key, alerting.webhook_shape)
    return found


def _optional(settings: Settings, name: str) -> str | None:
    """A secret that an installation may go without."""
    try:
        return settings.secret(name)
    except NoSecretError:
        return None
