"""A full disk: what cannot be kept is said so, what was kept stays whole."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from staff.cases.cases import Cases
from storage.engine import connect, migrate
from storage.spool import Spool
from tests.integration.faults import fill, small_ext4
from tests.integration.faults import small_disk as mounted
from tests.records import WorkedMailbox, escalation, message_of, vault

SMALL_DISK_BYTES = 80 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "small", SMALL_DISK_BYTES) as folder:
        yield folder


def refused(keep: Callable[[], None]) -> bool:
    """Whether keeping it raised OSError."""
    try:
        keep()
    except OSError:
        return True
    return False


def test_the_spool_says_that_the_disk_is_full_and_goes_on_when_it_is_not(
    small_disk: Path, tmp_path: Path
) -> None:
    spool = Spool(small_disk / "spool", vault())
    spool.keep(escalation("before"))
    ballast = fill(small_disk)
    long = escalation("during", text="x" * 20_000)

    with pytest.raises(OSError, match="No space left"):
        spool.keep(long)

    assert [path.name for path in spool.waiting()] == ["before.concern-wiltshire.v1"]
    assert not list((small_disk / "spool").glob(".*.draft"))
    ballast.unlink()
    spool.keep(long)
    url = f"sqlite:///{tmp_path / 'lantern.db'}"
    migrate(url)
    engine = connect(url)
    mailbox, cases = WorkedMailbox(engine), Cases(engine, vault())
    assert spool.drain(mailbox) == 2
    assert message_of(cases, "during") == replace(long, turns_before=())


def test_a_database_on_a_full_disk_refuses_and_holds_what_it_acknowledged(
    small_disk: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{small_disk / 'lantern.db'}"
    migrate(url)
    engine = connect(url)
    mailbox, cases = WorkedMailbox(engine), Cases(engine, vault())
    spool = Spool(tmp_path / "spool", vault())
    mailbox.append(escalation("before"))
    ballast = fill(small_disk)
    for number in range(12):
        told = escalation(f"m{number}", text="x" * 2_000)
        try:
            mailbox.append(told)
        except OperationalError:
            spool.keep(told)
    spooled = len(spool.waiting())
    ballast.unlink()

    assert spooled > 0
    assert spool.drain(mailbox) == spooled
    assert cases.find("c1").handoffs == 13


def test_a_full_disk_takes_records_in_the_room_that_was_reserved(
    small_disk: Path, tmp_path: Path
) -> None:
    spool = Spool(small_disk / "spool", vault())
    spool.reserve()
    fill(small_disk)
    told = [escalation(f"m{number}", text="x" * 20_000) for number in range(12)]

    with pytest.raises(OSError, match="No space left"):
        spool.probe()
    for each in told:
        spool.keep(each)

    url = f"sqlite:///{tmp_path / 'lantern.db'}"
    migrate(url)
    engine = connect(url)
    mailbox, cases = WorkedMailbox(engine), Cases(engine, vault())
    assert spool.drain(mailbox) == 12
    assert message_of(cases, "m11") == replace(told[11], turns_before=())


def test_hundreds_of_records_fit_on_a_full_disk_whose_folders_cannot_grow(tmp_path: Path) -> None:
    with small_ext4(tmp_path / "disk", 160 * 1024 * 1024) as disk:
        spool = Spool(disk / "spool", vault())
        spool.reserve()
        fill(disk)

        for number in range(500):
            spool.keep(escalation(f"{number:036}"))

        assert len(spool.waiting()) == 500


def test_nothing_that_writes_beside_it_takes_the_room_of_a_record(small_disk: Path) -> None:
    spool = Spool(small_disk / "spool", vault())
    spool.reserve()
    greedy = fill(small_disk)

    for number in range(50):
        spool.keep(escalation(f"m{number}", text="x" * 20_000))
        with pytest.raises(OSError, match="No space left"), greedy.open("ab", buffering=0) as file:
            file.write(bytes(4096))

    assert len(spool.waiting()) == 50


def test_the_last_of_the_space_is_not_reserved(small_disk: Path) -> None:
    spool = Spool(small_disk / "spool", vault())
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(SMALL_DISK_BYTES // 2))

    with pytest.raises(OSError, match="No space left"):
        spool.reserve()
    with pytest.raises(OSError, match="No space left"):
        spool.probe()

    spool.keep(escalation())


def test_the_spool_leaves_no_half_file_where_files_may_not_grow(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", vault())
    spool.keep(escalation("before"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        # Asked within the limit, judged outside it: pytest writes files of its own.
        full = refused(lambda: spool.keep(escalation("during", text="x" * 5_000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert full
    assert [path.name for path in (tmp_path / "spool").iterdir()] == ["before.concern-wiltshire.v1"]
