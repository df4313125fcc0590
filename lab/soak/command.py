"""`make soak`: an hour of chats with restarts, and whether Lantern goes on growing meanwhile.

One Lantern of its own, with the real risk engine, answers thousands of messages. In the first half
each of its processes is ended and started again, once in an orderly way and once by kill -9. In the
second half memory, descriptors and threads of each process must level off, and no table may grow
faster than the messages. Each answered disclosure must be on record once, with its severity.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import httpx
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from chat.gateway.requests import Tokens
from lab.chaos.senders import mailed_to
from lab.overload import quiet_messages
from lab.soak.levels import level, row_growth, table
from lab.soak.people import Lead, SoakFigures, YoungPeople
from lab.soak.samples import WAITING, Sampler, Samples, used
from ops.stack import NotReadyError, Process, Stack
from safeguarding.settings import Settings
from safeguarding.taxonomy import ROOT, Severity
from staff.cases.tables import cases, escalations
from staff.dispatcher.mail_catcher import MailCatcher
from storage.engine import READING, connect

RESULTS = ROOT / "results" / "soak.jsonl"
"""Where the samples are written while it runs."""
FEWEST, EACH_SENT = 100, 20
"""The least number of different messages, and how often each is sent, about. Each of them is
assessed on a quiet system before."""
WARM = 0.5
"""Share of the time after which figures must level off; the restarts are before it."""
LONG_ENOUGH_S = 1_800.0
"""A shorter run still warms up, so that growth is not counted as a fault."""
SETTLE_S = 300.0
LEVELS = {"memory_mb": 8.0, "descriptors": 4.0, "threads": 2.0}
"""The growth of each figure of a process that counts as level in any case."""
_FIRST_RESTART, _LAST_RESTART = 0.06, 0.42
SCREENING = "gateway's screening"


@dataclass(frozen=True)
class Verdicts:
    """What came of a soak."""

    lost: int
    """Answered messages that must be on record and are not."""
    doubled: int
    """Records of messages that nobody sent."""
    lower: int
    """Conversations whose case is less severe than a quiet system judges their disclosure."""
    unanswered: int
    growing: int
    """Figures of processes, and tables, that did not level off."""


def verdicts(people: SoakFigures, engine: Engine, growing: int) -> Verdicts:
    """Compare what was answered with what is on record."""
    with engine.connect().execution_options(**READING) as connection:
        ids = set(connection.execute(sa.select(escalations.c.message_id)).scalars())
        query = sa.select(cases.c.id, cases.c.severity)
        found = {row.id: Severity(row.severity) for row in connection.execute(query)}
    begun = {each: people.severities[each] for each in set(people.to_record.values())}
    return Verdicts(
        lost=len(people.to_record.keys() - ids),
        doubled=len(ids - people.known),
        lower=sum(found.get(str(each), Severity.NONE) < due for each, due in begun.items()),
        unanswered=people.sent - people.answered,
        growing=growing,
    )


def report(samples: Samples, seconds: float) -> tuple[list[str], int]:
    """Return the tables of a run as lines, and how many figures and tables did not level off."""
    growing = 0
    rows: dict[str, list[str]] = {}
    for name in samples.names():
        cells: list[str] = []
        for figure, at_least in LEVELS.items():
            points = samples.points(name, figure, WARM * seconds)
            if not points:
                cells += ["-"]
                continue
            moved = level(points)
            is_level = moved.is_level(at_least)
            growing += not is_level
            verdict = "level" if is_level else "GROWS"
            cells += [f"{moved.lowest:g} to {moved.highest:g}, {moved.growth:+.1f}: {verdict}"]
        rows[name] = cells
    lines = list(table(("process", "memory in MB", "descriptors", "threads"), rows))
    tables = {name: row_growth(samples.rows_of(name), seconds) for name in samples.tables()}
    growing += sum(each.verdict == "faster" for each in tables.values())
    counts = {
        name: (str(each.rows), f"+{each.third}", f"+{each.last}", each.verdict)
        for name, each in tables.items()
        if each.rows or name == WAITING
    }
    heading = ("table", "rows", "third quarter", "last quarter", "growth")
    return [*lines, "", *table(heading, counts)], growing


def restarts(stack: Stack) -> Iterator[tuple[str, Callable[[], None]]]:
    """Return what is ended and started again, in order; all of them twice."""
    processes = [stack.gateway, stack.rasa, stack.dispatcher, stack.actions, stack.console]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            yield f"{process.name} {number.name}", partial(_restart, process, number)
        yield f"{SCREENING} SIGKILL", partial(_kill_screening, stack.gateway)


def _restart(process: Process, number: signal.Signals) -> None:
    process.stop(number)
    process.start()
    process.wait()


def _kill_screening(gateway: Process) -> None:
    """Kill the screening process alone; the gateway starts another by itself."""
    use = dict(used({gateway.name: gateway})).get(SCREENING)
    if use is not None:
        with suppress(ProcessLookupError):
            os.kill(use.pid, signal.SIGKILL)


class Restarts:
    """Restarts one process after the other, evenly spread over the first part of the time."""

    def __init__(self, stack: Stack, seconds: float) -> None:
        self._due = list(restarts(stack))
        self._seconds = seconds
        self._thread = threading.Thread(target=self._work, name="restarts", daemon=True)
        self.made: list[str] = []
        self.failed: list[str] = []

    def start(self) -> None:
        """Begin to wait for the first one."""
        self._thread.start()

    def wait(self) -> None:
        """Wait until the last one is done."""
        self._thread.join()

    def _work(self) -> None:
        started, span = time.monotonic(), _LAST_RESTART - _FIRST_RESTART
        for number, (name, restart) in enumerate(self._due):
            at = (_FIRST_RESTART + span * number / len(self._due)) * self._seconds
            time.sleep(max(0.0, started + at - time.monotonic()))
            try:
                restart()
            except NotReadyError:
                self.failed.append(name)
            else:
                self.made.append(name)


def settled(stack: Stack) -> float:
    """Wait until nothing waits to be recorded or alerted; return how long that took."""
    started = time.monotonic()
    while _backlog(stack) and time.monotonic() - started < SETTLE_S:
        time.sleep(0.5)
    return time.monotonic() - started


def _backlog(stack: Stack) -> int:
    try:
        gateway = httpx.get(f"{stack.url('gateway')}/readyz", timeout=10).json()
        dispatcher = httpx.get(f"{stack.url('dispatcher')}/readyz", timeout=10).json()
    except httpx.HTTPError:
        return 1
    waits = gateway["spool"] + gateway["unsaved"] + dispatcher["handoffs"]
    return int(waits + dispatcher["unassessed"] + sum(dispatcher["queued"].values()))


@click.command()
@click.option("--messages", "wanted", envvar="SOAK_MESSAGES", default=20_000, show_default=True)
@click.option("--seconds", envvar="SOAK_SECONDS", default=3_600, show_default=True)
def main(wanted: int, seconds: int) -> None:
    """Fail when a message was lost, doubled, judged lower or not answered, or something grows."""
    click.echo("assessing the messages on a quiet system")
    different = asyncio.run(quiet_messages(max(FEWEST, wanted // EACH_SENT)))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.unlink(missing_ok=True)
    with ExitStack() as life:
        folder = Path(life.enter_context(tempfile.TemporaryDirectory(prefix="lantern-soak-")))
        mailbox = MailCatcher()
        env = {"LANTERN_TRUSTED_PROXIES": "1"} | mailed_to(mailbox.start())
        life.callback(mailbox.stop)
        stack = Stack(folder / "state", env)
        life.callback(stack.stop)
        stack.setup()
        stack.start(stack.gateway, stack.console, stack.actions, stack.rasa, stack.dispatcher)
        settings = Settings.from_env(stack.env)
        engine = connect(settings.database_url)
        life.callback(engine.dispose)
        people = YoungPeople(
            stack.ports["gateway"],
            Tokens(settings.secret("token_key", stack.env)),
            different,
            wanted,
            seconds,
        )
        name, password = re.findall(r"sign-in name: +(\S+)\n +password: +(\S+)", stack.account)[0]
        lead = Lead(stack.url("console"), name, password)
        processes = (stack.gateway, stack.rasa, stack.actions, stack.console, stack.dispatcher)
        sampler = Sampler({each.name: each for each in processes}, engine, RESULTS)
        again = Restarts(stack, seconds)
        for each in (sampler, lead, again):
            each.start()
        asyncio.run(people.chat())
        sampler.stop()
        again.wait()
        settled_s = settled(stack)
        lead.stop()
        lines, growing = report(sampler.samples, seconds)
        found = verdicts(people.figures, engine, growing)
        said = people.figures
    click.echo("\n".join(lines))
    click.echo(
        f"{said.sent} messages in {seconds} s, {said.answered} answered, {said.sent_again} sent "
        f"again, {len(said.severities)} disclosures, {len(lead.opened)} cases opened; "
        f"{len(again.made)} restarts, {len(again.failed)} failed {again.failed}; "
        f"settled after {settled_s:.0f} s"
    )
    click.echo(json.dumps(vars(found)))
    faults = found.lost + found.doubled + found.lower + found.unanswered + len(again.failed)
    if faults or (found.growing and seconds >= LONG_ENOUGH_S):
        sys.exit(1)
