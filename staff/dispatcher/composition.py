"""Builds the dispatcher from the settings."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.content.phrases import read_phrases
from safeguarding.settings import Settings
from safeguarding.taxonomy import CONTENT
from staff.alerts.channels.channel import ChannelSetup
from staff.alerts.channels.channel_list import configured_channels
from staff.alerts.digest import Flood
from staff.alerts.formatter import AlertFormatter, AlertPhrases
from staff.alerts.loops import Beats, Daily, Loop, Planner, Sender
from staff.alerts.plan import Plan, ReminderDelays
from staff.audit import anchors
from staff.dispatcher.mail_catcher import MailCatcher
from staff.dispatcher.status import StatusPage, StatusServer
from staff.rota.recipients import EMAIL, WEBHOOK
from storage.engine import READING, connect

HANGS_S = 90.0
"""Seconds without a beat after which a thread is taken to hang, and the process restarts."""
_LOOK_EVERY_S = 1.0
log = structlog.get_logger("dispatcher")


@dataclass
class Dispatcher:
    """The threads of the dispatcher and its status page."""

    loops: list[Loop]
    beats: Beats
    status: StatusServer
    catcher: MailCatcher | None
    engine: Engine

    def run(self, stop: threading.Event) -> int:
        """Run until `stop` and return 0, or until a thread hangs and return 1."""
        self.status.start()
        for loop in self.loops:
            loop.start(stop)
        log.info("dispatcher.started", threads=[loop.name for loop in self.loops])
        hung: list[str] = []
        while not stop.wait(_LOOK_EVERY_S) and not hung:
            hung = [name for name, age in self.beats.ages().items() if age > HANGS_S]
        if hung:
            # Its claims expire.
            log.critical("dispatcher.hangs", threads=hung)
            return 1
        for loop in self.loops:
            loop.join(within_s=5.0)
        self.status.stop()
        if self.catcher is not None:
            self.catcher.stop()
        self.engine.dispose()
        return 0


def compose(settings: Settings, now: Callable[[], datetime] = utc_now) -> Dispatcher:
    """Return the dispatcher of these settings.

    Raises ContentError, SettingsError, OSError (a port is taken).
    """
    engine = connect(settings.database_url)
    phrases = read_phrases(CONTENT / "phrases").of("alerts", AlertPhrases)
    alerting = settings.alerts
    catcher = MailCatcher() if settings.is_demonstration() else None
    setup = ChannelSetup(settings, os.environ, catcher.start() if catcher else None)
    channels = configured_channels(setup)
    if not channels:
        log.critical("dispatcher.no_channel")
    beats = Beats()
    words = AlertFormatter(phrases, alerting.console_url)
    steps = _plan(settings, frozenset(channels), demonstration=catcher is not None)
    loops: list[Loop] = [Planner(engine, steps, beats, now)]
    flood = Flood(alerting.digest_after, timedelta(minutes=alerting.digest_minutes))
    loops += [
        Sender(name, each, engine, words, flood, beats, now) for name, each in channels.items()
    ]
    loops.append(Daily(_daily(settings, engine, now), beats, now))
    status = StatusPage(engine, beats, sorted(channels), phrases, catcher, now)
    server = StatusServer(status, alerting.dispatcher_host, alerting.dispatcher_port)
    return Dispatcher(loops, beats, server, catcher, engine)


def _daily(
    settings: Settings, engine: Engine, now: Callable[[], datetime]
) -> Mapping[str, Callable[[], object]]:
    """Return the daily tasks by name; each is harmless when it runs twice."""

    def anchor() -> object:
        with engine.connect().execution_options(**READING) as connection:
            return anchors.write(settings.state_dir, connection, now())

    return {"anchor": anchor}


def _plan(settings: Settings, channels: frozenset[str], *, demonstration: bool) -> Plan:
    alerting = settings.alerts
    mailbox = alerting.team_email is not None or demonstration
    team = {EMAIL: mailbox and EMAIL in channels, WEBHOOK: WEBHOOK in channels}
    delays = ReminderDelays(
        timedelta(minutes=alerting.immediate_minutes), timedelta(minutes=alerting.urgent_minutes)
    )
    return Plan(delays, channels, frozenset(name for name, reached in team.items() if reached))
