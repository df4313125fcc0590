"""The last rota is kept for when the database is away: whole, sealed, and not for ever."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from safeguarding.taxonomy import Severity
from staff.accounts.accounts import Staff, StaffAccounts
from staff.alerts.standby import StandbyOutbox
from staff.rota.kept import HOLDS, Colleague, KeptRota, KeptRotaFile, read_rota
from staff.rota.rota import (
    ContactPreferences,
    ShiftKind,
    add_shifts,
    case_readers,
    contact_preferences,
    on_duty,
    set_contact_preferences,
    those_who_may_see,
)
from storage.engine import READING
from storage.spool import locked
from storage.vault import Vault, key_ring, new_key
from tests.records import NOON, PASSWORD, Clock, vault
from tests.unit.staff.rota.conftest import shift


def read(engine: Engine, clock: Clock) -> KeptRota:
    with engine.connect().execution_options(**READING) as connection:
        return read_rota(connection, clock())


@pytest.fixture
def file(tmp_path: Path) -> KeptRotaFile:
    return KeptRotaFile(tmp_path / "kept-rota", vault())


@pytest.mark.usefixtures("rota")
def test_a_stand_by_database_says_of_the_rota_what_the_real_one_says(
    engine: Engine, team: dict[str, Staff], accounts: StaffAccounts, clock: Clock
) -> None:
    limited = accounts.add("fay", PASSWORD).id
    accounts.set_areas("fay", frozenset({"swindon"}))
    cem = ContactPreferences(team["cem"].id, None, "+447700900124", Severity.IMMEDIATE, 22, 7)
    tomorrow = NOON + timedelta(days=1)
    cover = shift(team["bob"], start=tomorrow, cover_for=team["ann"])
    with engine.begin() as connection:
        set_contact_preferences(connection, cem)
        add_shifts(connection, [cover, shift(team["ann"], start=tomorrow)])
    standby = StandbyOutbox()

    standby.replace_rota(read(engine, clock))

    def said(of: Engine) -> list[object]:
        with of.connect() as connection:
            everyone = sorted(case_readers(connection))
            times = [NOON, tomorrow + timedelta(hours=1)]
            duty = [on_duty(connection, at, kind) for at in times for kind in ShiftKind]
            seen = sorted(those_who_may_see(connection, everyone, "wiltshire"))
            return [everyone, duty, seen, contact_preferences(connection, everyone)]

    assert said(standby.engine) == said(engine)
    assert limited in said(standby.engine)[0]  # type: ignore[operator]


@pytest.mark.usefixtures("rota")
def test_who_has_left_is_not_kept(
    engine: Engine, team: dict[str, Staff], accounts: StaffAccounts, clock: Clock
) -> None:
    standby = StandbyOutbox()
    standby.replace_rota(read(engine, clock))
    accounts.disable("bob")

    kept = read(engine, clock)
    standby.replace_rota(kept)

    assert team["bob"].id not in {each.id for each in kept.colleagues}
    with standby.engine.connect() as connection:
        assert on_duty(connection, NOON, ShiftKind.SECOND) == []


@pytest.mark.usefixtures("rota")
def test_the_file_is_sealed_and_gives_back_what_was_kept(
    engine: Engine, file: KeptRotaFile, clock: Clock, tmp_path: Path
) -> None:
    rota = read(engine, clock)

    file.keep(rota)

    path = tmp_path / "kept-rota"
    assert file.kept(clock()) == rota
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"example.org" not in path.read_bytes()
    assert "password_hash" not in vault().open(
        path.read_text("ascii"), table="kept_rota", row="rota", column="rota"
    )


def some_rota() -> KeptRota:
    return KeptRota(NOON, (Colleague("ann", "lead", admitted=True, areas=None),), (), ())


def test_a_rota_is_used_for_some_days(file: KeptRotaFile) -> None:
    file.keep(some_rota())

    assert file.kept(NOON + HOLDS) == some_rota()
    assert file.kept(NOON + HOLDS + timedelta(seconds=1)) is None


@pytest.mark.parametrize("content", [b"", b"v2|k1|AAAA|AAAA", b"\xff\xfe", b"{}"])
def test_a_damaged_file_is_as_none(file: KeptRotaFile, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "kept-rota").write_bytes(content)

    assert file.kept(NOON) is None


def test_a_file_of_a_key_that_is_gone_is_as_none(file: KeptRotaFile, tmp_path: Path) -> None:
    KeptRotaFile(tmp_path / "kept-rota", Vault(key_ring(f"k2:{new_key()}"))).keep(some_rota())

    assert file.kept(NOON) is None


def test_two_that_write_at_once_leave_a_whole_file(file: KeptRotaFile, tmp_path: Path) -> None:
    file.keep(some_rota())
    later = replace(some_rota(), read_at=NOON + timedelta(minutes=1))
    with locked(tmp_path / "kept-rota.lock"):
        file.keep(later)

    assert file.kept(NOON) == some_rota()


def test_a_disk_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")

    KeptRotaFile(tmp_path / "state" / "kept-rota", vault()).keep(some_rota())
