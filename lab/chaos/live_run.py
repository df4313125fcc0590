"""The take-overs of `make chaos`: many live chats under faults on one database.

Two gateways, two dispatchers, the console, Redis and a database. Half of the young people listen by
server-sent events, the others by long polls, each in the network of a school that is cut now and
then, or whose proxy holds streams. Members of staff on duty talk to two of them at once. Afterwards
it is compared what each side wrote, what the other was shown, and what the record holds.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import click
import sqlalchemy as sa
from sqlalchemy.engine import URL

from chat.gateway.requests import Tokens
from lab.chaos import faults
from lab.chaos.faults import Pace
from lab.chaos.live_counts import Figures, counted, wrongs
from lab.chaos.live_desk import AwayError, Desk, RefusedError
from lab.chaos.live_faults import LONGEST_CUT_S, NETWORKS, School, cut, hold_streams
from lab.chaos.live_people import LiveChats
from lab.chaos.live_record import LiveRecord, Trouble
from lab.chaos.senders import Deployment, settle
from safeguarding.clock import utc_now
from safeguarding.settings import Settings
from safeguarding.taxonomy import ROOT
from staff.accounts.accounts import StaffAccounts
from staff.rota.rota import Shift, ShiftKind, add_shifts
from storage.engine import connect
from storage.live_chats import live_chats
from tests.fakes.freezing_proxy import FreezingProxy
from tests.fakes.school_network import SchoolNetwork

LIVE_EVIDENCE = ROOT / "results" / "chaos-live"
"""Where the chats of a run are kept in which something went wrong."""
LiveRow: TypeAlias = dict[str, str | int | float | None]
AT_ONCE = 2
"""Chats that one member of staff has at once."""
PASSWORD = "seven quiet green lamps"  # noqa: S105 - of accounts that live as long as the run


@dataclass(frozen=True)
class LivePlan:
    """How much is tried."""

    chats: int
    staff: int = 10
    pace: Pace = field(default_factory=lambda: Pace(threads=1, rest_s=(3, 10)))
    """Of the faults that all have."""
    networks_pace: Pace = field(default_factory=lambda: Pace(threads=1, rest_s=(2, 8)))
    """Of the faults of one school."""
    longest_cut_s: float = LONGEST_CUT_S
    with_rasa: bool = True
    longest_s: float = 420
    """Seconds until a chat is given up: several faults may hold it up."""


SMALL = LivePlan(
    chats=20,
    staff=5,
    pace=Pace(threads=1, rest_s=(1, 3), rounds=1),
    networks_pace=Pace(threads=1, rest_s=(1, 3), rounds=1),
    longest_cut_s=15,
    with_rasa=False,
)
"""Each fault once, in a few minutes; chats go on until the last one is over."""


@dataclass
class LiveResult:
    """What came of one run."""

    row: LiveRow
    records: list[LiveRecord]
    troubles: list[Trouble]


@dataclass
class LiveWorld:
    """The processes, the networks, and the faults that are made in them."""

    deployment: Deployment
    schools: list[School]
    chaos: faults.Chaos
    networks: faults.Chaos
    goes_on: bool = True

    def has_faults_left(self) -> bool:
        """Return whether any fault is still to be made, or active."""
        return self.chaos.is_busy() or self.networks.is_busy()

    def start(self) -> None:
        """Begin with the faults."""
        self.chaos.start()
        self.networks.start()

    def stop(self) -> None:
        """Begin no more faults, and wait for the end of those that are active."""
        self.goes_on = False
        self.chaos.wait()
        self.networks.wait()


def run_live(database: str, server: URL | None, seed: int, plan: LivePlan) -> LiveResult:
    """Hold the live chats of a plan on one database. `server`: of PostgreSQL, else SQLite."""
    with ExitStack() as life:
        world = _world(life, server, seed, plan)
        names = put_on_duty(world.deployment.settings, plan.staff)
        result = asyncio.run(_hold(world, seed, plan, names))
        made = sorted((world.chaos.made + world.networks.made).items())
        click.echo(f"{database}: {', '.join(f'{name} {count}' for name, count in made)}")
        result.row = {"database": database, **result.row}
        return result


def _world(life: ExitStack, server: URL | None, seed: int, plan: LivePlan) -> LiveWorld:
    folder = Path(life.enter_context(tempfile.TemporaryDirectory(prefix="lantern-live-")))
    redis = life.enter_context(faults.own_redis(folder))
    proxy = FreezingProxy(server.host or "127.0.0.1", server.port or 5432) if server else None
    url = server.set(host="127.0.0.1", port=proxy.port) if server and proxy else None
    deployment = Deployment(
        folder / "state",
        url.render_as_string(hide_password=False) if url else None,
        redis[1] if redis else None,
        None,
    )
    life.callback(deployment.stop)
    deployment.start_live(with_rasa=plan.with_rasa)
    schools = [School(_network(deployment, seed, number)) for number in range(NETWORKS)]
    for school in schools:
        life.callback(school.network.close)
    kinds = {
        "gateway killed": faults.kill(deployment.gateways),
        "gateway frozen": faults.freeze(deployment.gateways),
        "dispatcher killed": faults.kill(deployment.dispatchers),
        "dispatcher frozen": faults.freeze(deployment.dispatchers),
        "console killed": faults.kill([deployment.console]),
        "database frozen": faults.freeze_proxy(proxy)
        if proxy
        else faults.lock_sqlite(deployment.settings.database_url),
    }
    kinds |= {"redis frozen": faults.freeze_redis(redis[0])} if redis else {}
    of_networks = {
        "connections cut": cut(schools, plan.longest_cut_s),
        "streams held": hold_streams(schools),
    }
    world: LiveWorld
    chaos = faults.Chaos(kinds, seed, lambda: world.goes_on, plan.pace)
    networks = faults.Chaos(of_networks, seed + 1, lambda: world.goes_on, plan.networks_pace)
    world = LiveWorld(deployment, schools, chaos, networks)
    return world


async def _hold(world: LiveWorld, seed: int, plan: LivePlan, names: Sequence[str]) -> LiveResult:
    deployment = world.deployment
    desks = [Desk(deployment.stacks[0].url("console")) for _ in range(AT_ONCE * len(names))]
    for number, desk in enumerate(desks):
        await desk.sign_in(names[number // AT_ONCE], PASSWORD)
    tokens = Tokens(deployment.settings.secret("token_key"))
    live = LiveChats(desks, world.schools, tokens, seed, plan.longest_s)
    ready = asyncio.create_task(_stay_ready(desks[::AT_ONCE]))
    started = time.monotonic()
    world.start()
    rounds = [each.rounds for each in (plan.pace, plan.networks_pace)]
    await live.hold(plan.chats, lambda: any(rounds) and world.has_faults_left())
    await asyncio.to_thread(world.stop)
    ready.cancel()
    held_s = time.monotonic() - started
    settled_s = await asyncio.to_thread(settle, deployment)
    for record in live.records:
        school = live.schools.get(record.conversation_id)
        record.troubles += school.troubles if school else []
    note_rows(deployment.settings, live.records)
    await live.read_again()
    for desk in desks:
        await desk.close()
    figures: Figures = dict(counted(live.records, world.chaos.troubles))
    figures |= {"faults": (world.chaos.made + world.networks.made).total()}
    figures |= {"streams_held": sum(school.network.held for school in world.schools)}
    figures |= {"sent_again": live.again, "held_s": round(held_s), "settled_s": round(settled_s)}
    return LiveResult({**figures}, live.records, world.chaos.troubles)


def keep_live_evidence(result: LiveResult, place: Path) -> None:
    """Write down the chats in which something went wrong, and when each fault was active."""
    found = [(record, wrongs(record, result.troubles)) for record in result.records]
    wrong = [{"wrong": +count, **asdict(record)} for record, count in found if count.total()]
    if wrong:
        place.parent.mkdir(parents=True, exist_ok=True)
        kept = {"faults": result.troubles, "chats": wrong}
        place.write_text(json.dumps(kept, indent=2) + "\n", "utf-8")
        click.echo(f"Kept: {place}")


def put_on_duty(settings: Settings, number: int) -> list[str]:
    """Open accounts of members of staff who are on duty for a day. Returns their names."""
    engine, now, day = connect(settings.database_url), utc_now(), timedelta(days=1)
    accounts = StaffAccounts(engine)
    members = [
        accounts.add(f"colleague{each}", PASSWORD, f"Sam{each} Green") for each in range(number)
    ]
    shifts = [Shift(member.id, ShiftKind.ON_DUTY, now - day, now + day) for member in members]
    with engine.begin() as connection:
        add_shifts(connection, shifts)
    engine.dispose()
    return [member.name for member in members]


def note_rows(settings: Settings, records: Sequence[LiveRecord]) -> None:
    """Note in each record what the table of live chats says in the end."""
    engine = connect(settings.database_url)
    with engine.connect() as connection:
        query = sa.select(live_chats).order_by(live_chats.c.begun_at)
        rows = {row["conversation_id"]: row for row in connection.execute(query).mappings()}
    engine.dispose()
    for record in records:
        row = rows.get(record.conversation_id)
        if row is not None:
            record.opened_at = row["opened_at"] and row["opened_at"].timestamp()
            record.ended_at = row["ended_at"] and row["ended_at"].timestamp()
            record.ended_why = row["ended_why"]


async def _stay_ready(desks: Sequence[Desk]) -> None:
    """Tell again and again that everyone on duty is ready to chat."""
    while True:
        for desk in desks:
            try:
                await desk.be_ready()
            except (AwayError, RefusedError):
                continue
        await asyncio.sleep(10)


def _network(deployment: Deployment, seed: int, number: int) -> SchoolNetwork:
    chance = random.Random(f"{seed} network {number}")  # noqa: S311 - chaos, not secrets
    ports = [stack.ports["gateway"] for stack in deployment.stacks]
    return SchoolNetwork(ports, chance.choice)
