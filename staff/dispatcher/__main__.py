"""`python -m staff.dispatcher`: opens cases from hand-offs and alerts staff.

Several may run at once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.content.phrases import read_phrases
from safeguarding.logs import configure_logs
from safeguarding.records import ContentError
from safeguarding.settings import Settings, SettingsError
from safeguarding.state_folder import make_private
from safeguarding.taxonomy import CONTENT
from staff.alerts.channels.channel import ChannelSetup, configured_channels
from staff.alerts.flood import Flood
from staff.alerts.formatter import AlertFormatter, AlertPhrases
from staff.alerts.loops import Beats, Daily, Loop, Planner, Sender
from staff.alerts.plan import Plan, ReminderDelays
from staff.alerts.refusal_notices import RefusalNotices
from staff.audit.verify import write_anchor
from staff.cases.worker import CaseWorker, CaseWorkerLoop
from staff.dispatcher.mail_catcher import MailCatcher
from staff.dispatcher.status import StatusPage, StatusServer
from staff.rota import refusals
from staff.rota.refusal_wording import RefusedWayPhrases
from staff.rota.rota import EMAIL, TEAM, WEBHOOK
from storage.engine import READING, connect
from storage.handoffs import HandoffListener
from storage.replies import ReplyMailbox
from storage.vault import Vault, VaultError, note_key_in_use

HANGS_S = 90.0
"""Seconds without a beat after which a thread counts as hanging, and the process restarts."""
_LOOK_EVERY_S = 1.0
log = structlog.get_logger("dispatcher")


@dataclass
class Dispatcher:
    """The threads of the dispatcher and its status page."""

    loops: list[Loop]
    beats: Beats
    status: StatusServer
    catcher: MailCatcher | None
    listener: HandoffListener
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
        self.listener.close()
        self.engine.dispose()
        return 0


def compose(settings: Settings) -> Dispatcher:
    """Return the dispatcher of these settings.

    Raises ContentError, SettingsError, VaultError, OSError (a port is taken).
    """
    engine = connect(settings.database_url)

    def anchor() -> None:
        with engine.connect().execution_options(**READING) as connection:
            write_anchor(settings.state_dir, connection, utc_now())

    def expire_replies() -> None:
        ReplyMailbox(engine, ring).expire(utc_now())

    def try_team_again() -> None:
        # Its address is a setting: after a start it may be another one.
        with engine.begin() as connection:
            refusals.try_again(connection, TEAM, utc_now())

    ring = Vault.of(settings)
    note_key_in_use(settings, ring)
    said = read_phrases(CONTENT / "phrases")
    phrases = said.of("alerts", AlertPhrases)
    alerting = settings.alerts
    catcher = MailCatcher() if settings.is_demonstration() else None
    setup = ChannelSetup(settings, os.environ, catcher.start() if catcher else None)
    channels = configured_channels(setup)
    if not channels:
        log.critical("dispatcher.no_channel")
    beats = Beats()
    words = AlertFormatter(phrases, alerting.console_url)
    steps = _plan(settings, frozenset(channels), demonstration=catcher is not None)
    flood = Flood(alerting.digest_after, timedelta(minutes=alerting.digest_minutes))
    listener = HandoffListener(engine)
    cases = CaseWorkerLoop(CaseWorker(engine, ring), listener, beats)
    planner = Planner(engine, steps, beats)
    senders = [Sender(name, each, engine, words, flood, beats) for name, each in channels.items()]
    # Each looks by itself every second; what the one before it has done is seen at once.
    cases.followed_by(planner)
    planner.followed_by(*senders)
    loops: list[Loop] = [cases, planner, *senders]
    if EMAIL in channels:
        # A second set: a channel is used by one thread.
        mail = configured_channels(setup)[EMAIL]
        refused_way_phrases = said.of("refused_ways", RefusedWayPhrases)
        url, team = alerting.console_url, EMAIL in steps.team
        loops.append(
            RefusalNotices(engine, mail, refused_way_phrases, url, beats, has_team_mailbox=team)
        )
    daily = {"anchor": anchor, "expire-replies": expire_replies, "try-team": try_team_again}
    loops.append(Daily(daily, beats))
    status = StatusPage(engine, beats, sorted(channels), phrases, catcher)
    server = StatusServer(status, alerting.dispatcher_host, alerting.dispatcher_port)
    return Dispatcher(loops, beats, server, catcher, listener, engine)


def _plan(settings: Settings, channels: frozenset[str], *, demonstration: bool) -> Plan:
    alerting = settings.alerts
    mailbox = alerting.team_email is not None or demonstration
    team = {EMAIL: mailbox and EMAIL in channels, WEBHOOK: WEBHOOK in channels}
    delays = ReminderDelays(
        timedelta(minutes=alerting.immediate_minutes), timedelta(minutes=alerting.urgent_minutes)
    )
    return Plan(delays, channels, frozenset(name for name, reached in team.items() if reached))


def main() -> int:
    """Run until stopped; return 1 after printing in one line what is missing."""
    configure_logs()
    try:
        settings = Settings.from_env()
        make_private(settings.state_dir)
        dispatcher = compose(settings)
    except (ContentError, SettingsError, VaultError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return dispatcher.run(stop)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: a thread that hangs inside a library would delay the end.
    os._exit(status)
