"""`python -m staff.dispatcher`: opens cases from hand-offs and alerts staff.

Several may run at once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.content.phrases import Phrases, read_phrases
from safeguarding.logs import configure_logs
from safeguarding.records import ContentError
from safeguarding.screening.process import COMMAND, ScreeningProcess
from safeguarding.settings import Settings, SettingsError
from safeguarding.state_folder import make_private
from safeguarding.taxonomy import CONTENT
from safeguarding.watchdog import ServiceManager
from staff.alerts.channels.channel import Channel, ChannelSetup, configured_channels
from staff.alerts.flood import Flood
from staff.alerts.formatter import AlertFormatter, AlertPhrases
from staff.alerts.loops import Planner, Sender
from staff.alerts.plan import Plan, ReminderDelays
from staff.alerts.refusal_notices import RefusalNotices
from staff.alerts.spooled import (
    ASSESSING_SPOOL,
    USES_DISK,
    RotaKeeper,
    SpoolBeats,
    SpoolWatch,
)
from staff.alerts.spooled_words import SpooledFormatter, SpooledPhrases
from staff.alerts.standby import StandbyOutbox
from staff.alerts.turn import SpoolTurn
from staff.cases.assessing import AssessmentLoop, AssessmentWorker
from staff.cases.task_notices import TaskNoticePhrases, TaskNotices
from staff.cases.worker import CaseWorker, CaseWorkerLoop
from staff.dispatcher.anchoring import Anchoring
from staff.dispatcher.database import DatabaseProbe
from staff.dispatcher.mail_catcher import MailCatcher
from staff.dispatcher.status import StatusPage, StatusServer
from staff.letterbox.ending import end_letterboxes
from staff.live.ending import LiveChatLoop
from staff.loops import Beats, Daily, Loop
from staff.records.adapters.adapter import adapter_of
from staff.records.notices import RecordNotices, RecordPushPhrases
from staff.records.sender import RecordSender
from staff.records.settings import RecordSettings
from staff.records.switch import switch
from staff.rota import refusals
from staff.rota.kept import KeptRotaFile
from staff.rota.refusal_wording import RefusedWayPhrases
from staff.rota.rota import EMAIL, TEAM, WEBHOOK
from storage.engine import connect
from storage.handoffs import HandoffListener
from storage.replies import ReplyMailbox
from storage.spool import Spool
from storage.vault import Vault, VaultError, note_key_in_use

HANGS_S = 90.0
"""Seconds without a beat after which a thread counts as hanging, and the process restarts."""
NICENESS = 10
"""The niceness of the process that assesses messages that wait: those in the chat come first."""
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
        log.info("dispatcher.started", threads=sorted(self.beats.ages()))
        manager = ServiceManager.of_this_process()
        if manager is not None:
            manager.report(first=True)
        hung: list[str] = []
        while not stop.wait(_LOOK_EVERY_S) and not hung:
            ages = self.beats.ages().items()
            hung = [name for name, age in ages if age > HANGS_S and name not in USES_DISK]
            if manager is not None and not hung:
                manager.report()
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


def compose(settings: Settings, screening: Sequence[str] = COMMAND) -> Dispatcher:
    """Return the dispatcher of these settings. `screening` is the command of its screening process.

    Raises ContentError, SettingsError, VaultError, OSError (a port is taken).
    """
    engine = connect(settings.database_url)

    ring = Vault.of(settings)
    note_key_in_use(settings, ring)
    spoken = read_phrases(CONTENT / "phrases")
    phrases = spoken.of("alerts", AlertPhrases)
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
    screener = partial(ScreeningProcess, screening, niceness=NICENESS)
    assessing = AssessmentWorker.of_mailbox(engine, ring, screener)
    case_worker = CaseWorker(engine, ring, assessing_idle_s=lambda: assessing.idle_s)
    cases = CaseWorkerLoop(case_worker, listener, beats)
    assessments = AssessmentLoop(assessing, beats)
    anchoring = Anchoring(engine, settings.state_dir, beats)
    alerts = _outbox(engine, channels, words, steps, flood, beats)
    # The same once more for the spool, on an outbox and channels of its own: those above may hang.
    standby, spool = StandbyOutbox(), Spool.of(settings, ring)
    away = AssessmentLoop(AssessmentWorker.of_spool(spool, screener), beats, ASSESSING_SPOOL)
    watch = SpoolWatch(spool, standby, SpoolTurn(settings.state_dir), beats)
    spooled = spoken.of("spooled_alerts", SpooledPhrases)
    about_spool = SpooledFormatter(phrases, spooled, alerting.console_url, watch.waiting)
    again = configured_channels(setup)
    alerts_of_spool = _outbox(standby.engine, again, about_spool, steps, flood, SpoolBeats(beats))
    keeper = RotaKeeper(engine, KeptRotaFile.of(settings, ring), standby, beats)
    # Each looks by itself every second; what the one before it has done is seen at once.
    cases.followed_by(alerts[0], anchoring)
    assessments.followed_by(alerts[0], anchoring)
    away.followed_by(watch)
    watch.followed_by(alerts_of_spool[0])
    record_senders, switching = _record_push(engine, ring, alerting.console_url, beats)
    regular = [
        Daily(_daily_tasks(engine, ring) | switching, beats),
        LiveChatLoop(engine, beats),
        keeper,
    ]
    loops = [cases, assessments, *alerts, anchoring, watch, *alerts_of_spool, away, *regular]
    loops += record_senders
    if EMAIL in channels:
        loops += _notices(engine, setup, spoken, beats, has_team_mailbox=EMAIL in steps.team)
    status = StatusPage(DatabaseProbe(engine), beats, sorted(channels), watch, phrases, catcher)
    server = StatusServer(status, alerting.dispatcher_host, alerting.dispatcher_port)
    return Dispatcher(loops, beats, server, catcher, listener, engine)


def _record_push(
    engine: Engine, ring: Vault, console_url: str, beats: Beats
) -> tuple[list[Loop], dict[str, Callable[[], object]]]:
    """Return the sender to a system of records, if one is set, and the task that switches it.

    Settings that are wrong are logged, and nothing is sent or switched: alerts go on.
    """
    try:
        records = RecordSettings.from_env(os.environ, console_url)
    except SettingsError as error:
        log.critical("records.not_set_up", problem=str(error))
        return [], {}

    def switch_records() -> None:
        with engine.begin() as connection:
            switch(connection, records, utc_now())

    tasks: dict[str, Callable[[], object]] = {"switch-records": switch_records}
    if records is None:
        return [], tasks
    return [RecordSender(engine, ring, records, adapter_of(records), beats)], tasks


def _daily_tasks(engine: Engine, ring: Vault) -> dict[str, Callable[[], object]]:
    """Return what is done once a day and after each start."""

    def try_team_again() -> None:
        # Its address is a setting: after a start it may be another one.
        with engine.begin() as connection:
            refusals.try_again(connection, TEAM, utc_now())

    return {
        "expire-replies": lambda: ReplyMailbox(engine, ring).expire(utc_now()),
        "end-letterboxes": lambda: end_letterboxes(engine, utc_now()),
        "try-team": try_team_again,
    }


def _notices(
    engine: Engine, setup: ChannelSetup, spoken: Phrases, beats: Beats, *, has_team_mailbox: bool
) -> list[Loop]:
    """Return the loops that write about what refuses, and about tasks that are due."""
    url = setup.settings.alerts.console_url
    refused = spoken.of("refused_ways", RefusedWayPhrases)
    tasks = spoken.of("task_notices", TaskNoticePhrases)
    records = spoken.of("record_push", RecordPushPhrases)
    # Each has a channel of its own: one thread uses it.
    mails = [configured_channels(setup)[EMAIL] for _ in range(3)]
    return [
        RefusalNotices(engine, mails[0], refused, url, beats, has_team_mailbox=has_team_mailbox),
        TaskNotices(engine, mails[1], tasks, url, beats, has_team_mailbox=has_team_mailbox),
        RecordNotices(engine, mails[2], records, url, beats, has_team_mailbox=has_team_mailbox),
    ]


def _outbox(
    engine: Engine,
    channels: Mapping[str, Channel],
    words: AlertFormatter,
    steps: Plan,
    flood: Flood,
    beats: Beats,
) -> list[Loop]:
    """Return the loops that work off an outbox: the planner, and then a sender a channel."""
    planner = Planner(engine, steps, beats)
    senders = [Sender(name, each, engine, words, flood, beats) for name, each in channels.items()]
    planner.followed_by(*senders)
    return [planner, *senders]


def _plan(settings: Settings, channels: frozenset[str], *, demonstration: bool) -> Plan:
    alerting = settings.alerts
    mailbox = alerting.team_email is not None or demonstration
    team = {EMAIL: mailbox and EMAIL in channels, WEBHOOK: WEBHOOK in channels}
    delays = ReminderDelays(
        timedelta(minutes=alerting.immediate_minutes), timedelta(minutes=alerting.urgent_minutes)
    )
    return Plan(delays, channels, frozenset(name for name, reached in team.items() if reached))


def main(screening: Sequence[str] = COMMAND) -> int:
    """Run until stopped; return 1 after printing in one line what is missing.

    `screening` is as in `compose`.
    """
    configure_logs()
    try:
        settings = Settings.from_env()
        make_private(settings.state_dir, *settings.secrets_folders)
        dispatcher = compose(settings, screening)
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
