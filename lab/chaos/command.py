"""`make chaos`: escalations and live chats during faults; counts what was lost or doubled.

Two real gateways, two dispatchers, a Rasa and an action server share a state folder, a Redis and a
database: SQLite first, then PostgreSQL. Senders disclose as the widget does: they send a message
again, under the same id, until it is answered. Meanwhile processes are killed and frozen, the
database and Redis freeze and the disk fills, at random and overlapping. After everything has
recovered, each answered message is looked up in the record and in the safeguarding team's mailbox.
A tenth of the messages is real and assessed by the real risk engine: the severity on record must be
that of a quiet system. The other messages disclose to a stand-in (tests/fakes/plain_engine.py).

Now and then the mail server refuses the address of the member of staff on duty: it must not be
tried without pauses, another person must get each alert, and an administrator must be told. In the
end the last events of the audit trail are deleted in a copy, and `verify-audit` must say so.

After that members of staff take over conversations, while faults go on: see live_run.py.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeAlias

import click
import sqlalchemy as sa
from sqlalchemy.engine import URL

from lab.chaos import faults
from lab.chaos.live_counts import FAILURES as LIVE_FAILURES
from lab.chaos.live_counts import LIVE_COLUMNS
from lab.chaos.live_run import LIVE_EVIDENCE, LivePlan, LiveRow, keep_live_evidence, run_live
from lab.chaos.mail import RefusingMailbox, put_on_duty, refusals, refuse
from lab.chaos.senders import Deployment, SenderFigures, Senders, settle
from lab.chaos.tampering import tampered
from lab.overload import QuietMessage, quiet_messages
from ops.stack import POSTGRESQL, own_cluster
from safeguarding.settings import Settings
from safeguarding.taxonomy import ROOT, Severity
from staff.cases.tables import cases, escalations
from staff.dispatcher.mail_catcher import Caught
from storage.engine import connect
from storage.handoffs import handoffs
from tests.fakes.freezing_proxy import FreezingProxy

RESULTS = ROOT / "results" / "chaos.json"
EVIDENCE = ROOT / "results" / "chaos-lost"
"""Where the state folder of a run that lost something is kept: the run itself may not repeat it."""
FAILURES = (
    *("lost", "doubled", "unalerted", "misjudged"),
    *("tried_too_often", "untold", "disagreeing", "unnoticed"),
)
REAL = 0.1
"""Share of the messages that are real, and assessed by the real risk engine."""
COLUMNS = (
    *("database", "sent", "answered", "real", *FAILURES),
    *("faults", "refused", "sent_again", "settled_s"),
)
Row: TypeAlias = dict[str, str | int]


def lost_and_doubled(settings: Settings, senders: SenderFigures) -> dict[str, int]:
    """Count answered messages that are not recorded, and records without an answered message."""
    recorded = Counter(recorded_ids(settings))
    doubled = sum(recorded.values()) - len(senders.answered.keys() & set(recorded))
    return {"lost": len(senders.answered.keys() - set(recorded)), "doubled": doubled}


def recorded_ids(settings: Settings) -> list[str]:
    """Return the ids of the messages on record."""
    with connect(settings.database_url).connect() as connection:
        return list(connection.execute(sa.select(escalations.c.message_id)).scalars())


def keep_evidence(settings: Settings, senders: SenderFigures, place: Path) -> None:
    """Write down where each lost message was last seen, beside a copy of the state folder."""
    lost = senders.answered.keys() - set(recorded_ids(settings))
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(settings.state_dir, place, ignore=shutil.ignore_patterns(".reserve"))
    seen = whereabouts(settings, lost)
    found = {each: {"answered": senders.answered[each], **seen[each]} for each in sorted(lost)}
    (place / "lost.json").write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    click.echo(f"Kept: {place}")


def whereabouts(settings: Settings, ids: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    """Return for each message its rows in the mailbox, its files and its lines in the logs."""
    with connect(settings.database_url).connect() as connection:
        rows = connection.execute(
            sa.select(handoffs.c.key, handoffs.c.number, handoffs.c.done_at)
        ).all()
    logs = [path.read_text(errors="replace") for path in settings.state_dir.glob("*.log")]
    lines = [line for log in logs for line in log.splitlines()]
    return {
        each: {
            "mailbox": [f"{row.number} done {row.done_at}" for row in rows if each in row.key],
            "files": sorted(path.name for path in settings.state_dir.rglob(f"*{each}*")),
            "logged": [line for line in lines if each in line],
        }
        for each in ids
    }


def unalerted(settings: Settings, mails: Sequence[Caught]) -> dict[str, int]:
    """Count the cases for which no mail reached a member of staff."""
    with connect(settings.database_url).connect() as connection:
        references = set(connection.execute(sa.select(cases.c.reference)).scalars())
    mentioned = {word for mail in mails for word in mail.subject.split()}
    return {"unalerted": len(references - mentioned)}


def misjudged(settings: Settings, expected: Mapping[str, Severity]) -> dict[str, int]:
    """Count real messages whose case has another severity than a quiet system gives them.

    `expected` is that severity by conversation: with none there must be no case.
    """
    with connect(settings.database_url).connect() as connection:
        query = sa.select(cases.c.id, cases.c.severity)
        recorded = {row.id: Severity(row.severity) for row in connection.execute(query)}
    wrong = [
        conversation
        for conversation, severity in expected.items()
        if recorded.get(conversation, Severity.NONE) != severity
    ]
    return {"real": len(expected), "misjudged": len(wrong)}


def run(
    database: str,
    server: URL | None,
    seed: int,
    wanted: int,
    seconds: float,
    real: Sequence[QuietMessage],
) -> Row:
    """Run chaos on one database and return its figures. `server`: of PostgreSQL, else SQLite."""
    with ExitStack() as life:
        folder = Path(life.enter_context(tempfile.TemporaryDirectory(prefix="lantern-chaos-")))
        disk = folder / "disk"
        can_fill = life.enter_context(faults.own_disk(disk))
        redis = life.enter_context(faults.own_redis(folder))
        proxy = FreezingProxy(server.host or "127.0.0.1", server.port or 5432) if server else None
        url = server.set(host="127.0.0.1", port=proxy.port) if server and proxy else None
        mailbox = RefusingMailbox(kept=4 * wanted)
        deployment = Deployment(
            disk / "state",
            url.render_as_string(hide_password=False) if url else None,
            redis[1] if redis else None,
            mailbox.start(),
        )
        life.callback(mailbox.stop)
        life.callback(deployment.stop)
        deployment.start()
        put_on_duty(deployment.settings)
        kinds = {
            "gateway killed": faults.kill(deployment.gateways),
            "gateway frozen": faults.freeze(deployment.gateways),
            "dispatcher killed": faults.kill(deployment.dispatchers),
            "dispatcher frozen": faults.freeze(deployment.dispatchers),
            "Rasa killed": faults.kill([deployment.rasa]),
            "Rasa frozen": faults.freeze([deployment.rasa]),
            "action server killed": faults.kill([deployment.actions]),
            "action server frozen": faults.freeze([deployment.actions]),
            "address refused": refuse(mailbox),
            "database frozen": faults.freeze_proxy(proxy)
            if proxy
            else faults.lock_sqlite(deployment.settings.database_url),
        }
        kinds |= {"disk full": faults.fill_disk(disk)} if can_fill else {}
        kinds |= {"redis frozen": faults.freeze_redis(redis[0])} if redis else {}
        senders = Senders(deployment, seed, wanted, seconds, real)
        chaos = faults.Chaos(kinds, seed, senders.busy)
        senders.start()
        chaos.start()
        senders.wait()
        chaos.wait()
        settled = settle(deployment)
        made = ", ".join(f"{name} {number}" for name, number in sorted(chaos.made.items()))
        click.echo(f"{database}: {made}")
        row: Row = {"database": database, "sent": senders.figures.sent}
        row |= {"answered": len(senders.figures.answered), "sent_again": senders.figures.again}
        row |= {"faults": chaos.made.total(), "settled_s": round(settled)}
        row |= lost_and_doubled(deployment.settings, senders.figures)
        mails = mailbox.newest_first()
        row |= unalerted(deployment.settings, mails) | refusals(mailbox, mails)
        row |= misjudged(deployment.settings, senders.figures.expected)
        deployment.stop()  # nothing may change while it is copied
        row |= tampered(deployment.settings, server, folder)
        if row["lost"]:
            place = EVIDENCE / f"{database}-{seed}"
            keep_evidence(deployment.settings, senders.figures, place)
        click.echo(", ".join(f"{name} {figure}" for name, figure in row.items()))
        return row


def table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> str:
    """Return the figures as a table for a terminal."""
    lines = [[column.replace("_", " ") for column in columns]]
    lines += [[str(row[column]) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )


@contextmanager
def databases() -> Iterator[dict[str, URL | None]]:
    """Yield the databases that are here, each with the address of its server, if it has one."""
    programs = sorted(POSTGRESQL.glob("*/bin/initdb"))
    if not programs:
        click.echo("PostgreSQL is not here: only SQLite is tried")
        yield {"SQLite": None}
        return
    with own_cluster(programs[-1].parent) as server:
        yield {"SQLite": None, "PostgreSQL": server}


def escalations_under_faults(
    servers: Mapping[str, URL | None], seed: int, wanted: int, seconds: float
) -> list[Row]:
    """Run chaos on each database, with its share of messages and time."""
    if not wanted:
        return []
    wanted, share_s = wanted // len(servers), seconds / len(servers)
    click.echo("assessing real messages on a quiet system")
    real = asyncio.run(quiet_messages(round(REAL * wanted), seed))
    return [run(name, server, seed, wanted, share_s, real) for name, server in servers.items()]


def chats_under_faults(servers: Mapping[str, URL | None], seed: int, wanted: int) -> list[LiveRow]:
    """Hold live chats on each database, each with its share of them."""
    if not wanted:
        return []
    plan = LivePlan(max(1, wanted // len(servers)))
    rows: list[LiveRow] = []
    for name, server in servers.items():
        result = run_live(name, server, seed, plan)
        keep_live_evidence(result, LIVE_EVIDENCE / f"{name}-{seed}.json")
        rows.append(result.row)
    return rows


@click.command()
@click.option(
    *("--escalations", "wanted"), envvar="CHAOS_ESCALATIONS", default=10_000, show_default=True
)
@click.option("--seconds", envvar="CHAOS_SECONDS", default=720, show_default=True, help="In all.")
@click.option("--live", envvar="CHAOS_LIVE", default=200, show_default=True, help="Live chats.")
@click.option("--seed", envvar="CHAOS_SEED", type=int, help="To repeat a run.")
def main(wanted: int, seconds: int, live: int, seed: int | None) -> None:
    """Fail when a message was lost, recorded twice or misjudged, or anything else went wrong."""
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    click.echo(f"seed {seed}: CHAOS_SEED={seed} make chaos")
    with databases() as servers:
        rows = escalations_under_faults(servers, seed, wanted, seconds)
        chats = chats_under_faults(servers, seed, live)
    if rows:
        click.echo(table(rows, COLUMNS))
    for part in LIVE_COLUMNS if chats else ():
        click.echo(table(chats, ("database", *part)))
    RESULTS.parent.mkdir(exist_ok=True)
    results = {"seed": seed, "runs": rows, "live": chats}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    failed = any(row[failure] for row in rows for failure in FAILURES)
    if failed or any(row[failure] for row in chats for failure in LIVE_FAILURES):
        sys.exit(1)
