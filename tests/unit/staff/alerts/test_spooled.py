"""The watch on the spool: who is told that messages wait, when, and how often."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError

from safeguarding.taxonomy import Severity
from staff.accounts.accounts import Staff, StaffAccounts
from staff.alerts.outbox import deliveries
from staff.alerts.plan import AlertStep, Plan, StepTaken, advance
from staff.alerts.spooled import GROWN, WAITS, RotaKeeper, SpoolBeats, SpoolWatch
from staff.alerts.standby import StandbyOutbox
from staff.alerts.turn import SpoolTurn
from staff.loops import Beats
from staff.rota.kept import HOLDS, KeptRotaFile, read_rota
from staff.rota.rota import EMAIL, TEAM, case_readers
from storage.spool import Spool
from tests.records import PASSWORD, Clock, assessment, escalation, vault
from tests.unit.staff.alerts.conftest import ALERT, put, step

PLAN = Plan(team=frozenset({EMAIL}))


class WatchedSpool:
    """A spool, its watch, and what the plan of the stand-by outbox makes of it."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.clock = clock
        self.folder = folder
        self.spool = Spool(folder / "spool", vault())
        self.outbox = StandbyOutbox()
        self.watch = SpoolWatch(self.spool, self.outbox, SpoolTurn(folder), Beats(), clock)
        self._number = 0

    def keep(self, severity: Severity, area: str | None = None, age: timedelta = WAITS) -> None:
        self._number += 1
        told = escalation(f"m{self._number}", assessment=assessment(severity), area=area)
        before = {each.name for each in self.spool.listed()}
        self.spool.keep(told)
        at = (self.clock() - age).timestamp()
        for each in self.spool.listed():
            if each.name not in before:
                os.utime(self.folder / "spool" / each.name, (at, at))

    def drain(self) -> None:
        for path in self.spool.waiting():
            path.unlink()

    def round(self) -> list[StepTaken]:
        """Let the watch look, and the planner take what is due."""
        self.watch.once()
        with self.outbox.engine.begin() as connection:
            return advance(connection, PLAN, self.clock())

    def minutes(self, number: int, severity: Severity | None = None) -> list[StepTaken]:
        """Let minutes pass, with a round every ten seconds and a new message in each minute."""
        taken = []
        for _ in range(number):
            if severity is not None:
                self.keep(severity)
            for _ in range(6):
                self.clock.move(seconds=10)
                taken += self.round()
        return taken


@pytest.fixture
def office(tmp_path: Path, clock: Clock) -> WatchedSpool:
    return WatchedSpool(tmp_path, clock)


@pytest.fixture
def staffed(office: WatchedSpool, engine: Engine, rota: None, clock: Clock) -> WatchedSpool:
    with engine.connect() as connection:
        office.outbox.replace_rota(read_rota(connection, clock()))
    return office


def emailed(taken: list[StepTaken]) -> list[list[str]]:
    return [each.recipients.get(EMAIL, []) for each in taken]


def test_an_immediate_message_is_told_to_who_is_on_duty_and_then_to_more(
    staffed: WatchedSpool, team: dict[str, Staff]
) -> None:
    staffed.keep(Severity.IMMEDIATE)

    assert emailed(staffed.round()) == [[team["ann"].id]]
    assert emailed(staffed.minutes(4)) == []
    assert emailed(staffed.minutes(1)) == [[team["bob"].id]]
    steps = staffed.minutes(30)
    everyone = {each.id for each in team.values()} | {TEAM}
    assert set(emailed(steps)[0]) == everyone
    assert [each.step for each in steps] == [
        AlertStep.EVERYONE,
        AlertStep.DUTY_MANAGER,
        AlertStep.AGAIN,
        AlertStep.AGAIN,
    ]


@pytest.mark.parametrize("severity", [Severity.NONE, Severity.CONCERN])
def test_a_concern_that_waits_is_told_to_nobody(staffed: WatchedSpool, severity: Severity) -> None:
    staffed.keep(severity)

    assert staffed.minutes(10) == []
    assert staffed.watch.figures is not None
    assert staffed.watch.figures.waiting[severity.label] == 1
    assert staffed.watch.figures.late == 0


def test_what_is_drained_in_time_is_told_to_nobody(staffed: WatchedSpool) -> None:
    staffed.keep(Severity.IMMEDIATE, age=timedelta(0))
    staffed.clock.move(seconds=WAITS.total_seconds() - 1)
    assert staffed.round() == []
    staffed.drain()

    assert staffed.minutes(10) == []


def test_an_hour_of_more_and_more_messages_is_told_every_few_minutes(staffed: WatchedSpool) -> None:
    taken = staffed.minutes(60, Severity.IMMEDIATE)

    longest = timedelta(hours=1) / GROWN
    assert 4 < len(taken) <= longest + 1
    assert taken[-1].step is AlertStep.AGAIN
    assert staffed.watch.waiting().severity is Severity.IMMEDIATE
    assert len(staffed.watch.waiting().files) == 60
    # After the last of them the reminders come further apart again.
    assert 1 <= len(staffed.minutes(60)) <= 4


def test_a_mail_server_that_is_away_is_not_owed_a_message_for_each_step(
    staffed: WatchedSpool, team: dict[str, Staff]
) -> None:
    staffed.minutes(60, Severity.IMMEDIATE)

    queued = sa.select(deliveries.c.recipient).where(deliveries.c.status == "queued")
    with staffed.outbox.engine.connect() as connection:
        owed = connection.execute(queued.where(deliveries.c.channel == EMAIL)).scalars().all()
    assert sorted(owed) == sorted([TEAM, *(each.id for each in team.values())])


def test_the_first_immediate_message_behind_urgent_ones_is_told_at_once(
    staffed: WatchedSpool,
) -> None:
    staffed.keep(Severity.URGENT)
    assert [each.severity for each in staffed.round()] == [Severity.URGENT]
    staffed.clock.move(seconds=5)
    staffed.keep(Severity.IMMEDIATE)

    assert [each.severity for each in staffed.round()] == [Severity.IMMEDIATE]


def test_an_empty_spool_ends_it_and_drops_what_is_not_sent(staffed: WatchedSpool) -> None:
    staffed.keep(Severity.IMMEDIATE)
    staffed.round()
    staffed.drain()

    assert staffed.minutes(120) == []
    assert staffed.watch.figures is not None
    assert staffed.watch.figures.late == 0


def test_a_spool_that_fills_again_and_again_is_told_every_few_minutes(
    staffed: WatchedSpool,
) -> None:
    taken = []
    for _ in range(30):
        staffed.keep(Severity.IMMEDIATE)
        taken += staffed.round()
        staffed.drain()
        staffed.clock.move(seconds=20)
        taken += staffed.round()

    # Ten minutes, each time from the beginning: who is on duty.
    assert {each.step for each in taken} == {AlertStep.ON_DUTY}
    assert 2 <= len(taken) <= timedelta(minutes=10) / GROWN + 1


def test_part_of_them_taken_in_is_no_news(staffed: WatchedSpool) -> None:
    for _ in range(3):
        staffed.keep(Severity.IMMEDIATE)
    staffed.round()
    staffed.spool.waiting()[0].unlink()

    assert staffed.minutes(4) == []
    assert len(staffed.watch.waiting().files) == 2


def test_where_nobody_is_known_the_team_is_told(office: WatchedSpool) -> None:
    office.keep(Severity.IMMEDIATE)

    assert emailed(office.round()) == [[TEAM]]


def test_who_may_not_see_the_area_is_told_only_where_areas_differ(
    office: WatchedSpool,
    engine: Engine,
    rota: None,
    accounts: StaffAccounts,
    team: dict[str, Staff],
) -> None:
    accounts.set_areas("ann", frozenset({"swindon"}))
    with engine.connect() as connection:
        office.outbox.replace_rota(read_rota(connection, office.clock()))
    office.keep(Severity.IMMEDIATE, area="wiltshire")
    (first,) = office.round()
    office.drain()
    office.round()
    office.clock.move(minutes=10)
    office.keep(Severity.IMMEDIATE, area="wiltshire")
    office.keep(Severity.IMMEDIATE, area="swindon")
    (second,) = office.round()

    assert (first.nobody_on_duty, team["ann"].id in first.recipients[EMAIL]) == (True, False)
    assert second.recipients[EMAIL] == [team["ann"].id]


def test_a_clock_that_was_set_back_does_not_hide_what_waits(staffed: WatchedSpool) -> None:
    staffed.keep(Severity.IMMEDIATE, age=timedelta(hours=-1))

    assert len(staffed.round()) == 1


def test_a_second_dispatcher_takes_over_and_the_first_is_quiet(
    staffed: WatchedSpool, tmp_path: Path, clock: Clock
) -> None:
    second = WatchedSpool(tmp_path, clock)
    staffed.keep(Severity.IMMEDIATE)
    assert (len(staffed.round()), staffed.round()) == (1, [])
    assert second.round() == []
    clock.move(seconds=20)  # the first stands still
    assert second.round() == []
    clock.move(minutes=3)

    # It knows nobody, so it tells the team.
    assert emailed(second.round()) == [[TEAM]]
    assert staffed.minutes(0) == staffed.round() == []


def test_a_folder_that_cannot_be_read_is_no_empty_one(office: WatchedSpool) -> None:
    (office.folder / "spool").write_text("a file where the folder should be")

    with pytest.raises(OSError, match="Not a directory"):
        office.watch.once()
    assert office.watch.figures is None


def test_without_a_folder_nothing_waits(office: WatchedSpool) -> None:
    assert office.round() == []
    assert office.watch.figures is not None
    assert office.watch.figures.late == 0


def test_numbers_of_deliveries_are_unlike_those_of_the_real_outbox(
    staffed: WatchedSpool, engine: Engine, clock: Clock
) -> None:
    put(engine, clock, ALERT)
    step(engine, clock)
    staffed.keep(Severity.IMMEDIATE)
    staffed.round()

    def numbers(of: Engine) -> set[int]:
        query = sa.select(deliveries.c.id).where(deliveries.c.channel == EMAIL)
        with of.connect() as connection:
            return set(connection.execute(query).scalars())

    assert numbers(engine)
    assert min(numbers(staffed.outbox.engine)) > 10**12


def test_beats_of_the_second_plan_do_not_cover_for_the_first() -> None:
    beats = Beats()
    SpoolBeats(beats).beat("plan")

    assert set(beats.ages()) == {"spool-plan"}


# ---- the rota is kept ---------------------------------------------------------------------------
@pytest.fixture
def file(tmp_path: Path) -> KeptRotaFile:
    return KeptRotaFile(tmp_path / "kept-rota", vault())


def readers(outbox: StandbyOutbox) -> set[str]:
    with outbox.engine.connect() as connection:
        return set(case_readers(connection))


@pytest.mark.usefixtures("rota")
def test_the_rota_is_read_and_written_only_when_it_differs(
    engine: Engine,
    file: KeptRotaFile,
    tmp_path: Path,
    clock: Clock,
    accounts: StaffAccounts,
    team: dict[str, Staff],
) -> None:
    outbox = StandbyOutbox()
    keeper = RotaKeeper(engine, file, outbox, Beats(), clock)
    keeper.once()
    first = (tmp_path / "kept-rota").read_bytes()
    clock.move(minutes=1)
    keeper.once()
    same = (tmp_path / "kept-rota").read_bytes()
    fay = accounts.add("fay", PASSWORD).id
    keeper.once()

    assert first == same != (tmp_path / "kept-rota").read_bytes()
    assert readers(outbox) == {each.id for each in team.values()} | {fay}


@pytest.mark.usefixtures("rota")
def test_a_rota_that_stays_the_same_stays_usable(
    engine: Engine, file: KeptRotaFile, clock: Clock
) -> None:
    keeper = RotaKeeper(engine, file, StandbyOutbox(), Beats(), clock)
    keeper.once()
    clock.move(days=6)
    keeper.once()
    clock.move(days=6)

    assert file.kept(clock()) is not None


@pytest.mark.usefixtures("rota")
def test_without_a_database_the_rota_of_the_file_is_used_for_some_days(
    engine: Engine, file: KeptRotaFile, clock: Clock, team: dict[str, Staff], tmp_path: Path
) -> None:
    RotaKeeper(engine, file, StandbyOutbox(), Beats(), clock).once()
    outbox = StandbyOutbox()
    gone = sa.create_engine(f"sqlite:///{tmp_path}/missing/lantern.db")
    keeper = RotaKeeper(gone, file, outbox, Beats(), clock)

    known = readers(outbox)
    with pytest.raises(OperationalError):
        keeper.once()
    kept = readers(outbox)
    clock.move(seconds=HOLDS.total_seconds() + 1)
    with pytest.raises(OperationalError):
        keeper.once()

    assert known == kept == {each.id for each in team.values()}
    assert readers(outbox) == set()
