"""Anchors are a line each on a disk; what a crash or a full disk left half-written harms none."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta, timezone
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.taxonomy import ROOT
from staff.audit.anchors import (
    ANCHORS,
    Anchor,
    AnchorError,
    newest_anchor,
    read_anchors,
    short_anchors,
    write_anchor,
)
from staff.audit.trail import Event, append
from staff.audit.verify import verify
from storage.engine import READING, connect
from tests.records import NOON

WRITER = """
import sys
from pathlib import Path
from safeguarding.clock import utc_now
from staff.audit.anchors import write_anchor
from storage.engine import READING, connect
engine = connect(sys.argv[1])
while True:
    with engine.connect().execution_options(**READING) as connection:
        write_anchor(Path(sys.argv[2]), connection, utc_now())
"""


@pytest.fixture
def trail(sqlite_url: str) -> Engine:
    """Open a database with one event."""
    engine = connect(sqlite_url)
    add(engine)
    return engine


def add(engine: Engine) -> None:
    with engine.begin() as connection:
        append(connection, Event(NOON, "ann", "viewed"))


def anchored(engine: Engine, state: Path, at: datetime = NOON) -> Anchor | None:
    with engine.connect().execution_options(**READING) as connection:
        return write_anchor(state, connection, at)


def held(state: Path) -> list[Anchor]:
    return read_anchors([state / ANCHORS]).anchors


def test_each_anchor_is_a_line_in_the_file_of_its_month(trail: Engine, tmp_path: Path) -> None:
    first = anchored(trail, tmp_path)
    add(trail)
    second = anchored(trail, tmp_path, NOON + timedelta(hours=1))
    # In UTC it is still November.
    evening = datetime(2026, 12, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    third = anchored(trail, tmp_path, evening)
    fourth = anchored(trail, tmp_path, NOON + timedelta(days=10))

    assert held(tmp_path) == [first, second, third, fourth]
    november, december = sorted((tmp_path / ANCHORS).iterdir())
    assert (november.name, december.name) == ("2026-11", "2026-12")
    assert len(november.read_text("utf-8").splitlines()) == 3
    assert november.stat().st_mode & 0o077 == 0
    assert newest_anchor(tmp_path) == fourth
    december.write_text("half a line", "utf-8")
    assert newest_anchor(tmp_path) == third


def test_the_files_of_earlier_releases_with_a_line_a_day_still_count(
    trail: Engine, tmp_path: Path
) -> None:
    anchor = anchored(trail, tmp_path)
    assert anchor is not None
    (tmp_path / ANCHORS / "2026-11").rename(tmp_path / ANCHORS / "2026-11-25")

    assert [(each.number, each.link) for each in held(tmp_path)] == [(1, anchor.link)]


def test_an_empty_trail_has_no_anchor_yet(engine: Engine, tmp_path: Path) -> None:
    with engine.connect() as connection:
        assert write_anchor(tmp_path, connection, NOON) is None

    assert held(tmp_path) == []


def test_a_writer_that_is_killed_leaves_only_whole_anchors(
    trail: Engine, sqlite_url: str, tmp_path: Path
) -> None:
    file = tmp_path / ANCHORS / f"{utc_now():%Y-%m}"
    for _ in range(3):
        before = file.stat().st_size if file.exists() else 0
        command = [sys.executable, "-c", WRITER, sqlite_url, str(tmp_path)]
        with subprocess.Popen(command, cwd=ROOT) as writer:
            limit = time.monotonic() + 30
            while not file.exists() or file.stat().st_size < before + 2000:
                assert time.monotonic() < limit
                time.sleep(0.01)
            writer.send_signal(signal.SIGKILL)

    assert anchored(trail, tmp_path, utc_now()) is not None
    found = read_anchors([tmp_path / ANCHORS])
    assert len(found.anchors) > 30
    assert found.half_written == []
    with trail.connect() as connection:
        assert verify(connection, found.anchors).broken is None


def _fail_half_way(url: str, state: str) -> str:
    """Write an anchor where a file may grow by ten bytes only."""
    file = Path(state) / ANCHORS / "2026-11"
    room = file.stat().st_size + 10
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        anchored(connect(url), Path(state))
    except OSError as error:
        return type(error).__name__
    return "written"


def test_half_a_line_is_reported_and_the_next_anchor_takes_its_place(
    trail: Engine, sqlite_url: str, tmp_path: Path
) -> None:
    first = anchored(trail, tmp_path)
    file = tmp_path / ANCHORS / "2026-11"
    whole = file.read_bytes()
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert pool.submit(_fail_half_way, sqlite_url, str(tmp_path)).result(60) == "OSError"
    assert file.read_bytes() == whole + whole[:10]

    found = read_anchors([tmp_path / ANCHORS])
    assert (found.anchors, found.half_written) == ([first], [str(file)])
    assert newest_anchor(tmp_path) == first

    second = anchored(trail, tmp_path, NOON + timedelta(hours=1))
    found = read_anchors([tmp_path / ANCHORS])
    assert (found.anchors, found.half_written) == ([first, second], [])


def _write_many(url: str, state: str) -> None:
    engine = connect(url)
    for _ in range(50):
        anchored(engine, Path(state))


def test_two_dispatchers_of_one_machine_do_not_mix_their_lines(
    trail: Engine, sqlite_url: str, tmp_path: Path
) -> None:
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for done in [pool.submit(_write_many, sqlite_url, str(tmp_path)) for _ in range(2)]:
            done.result(60)

    assert len(held(tmp_path)) == 100


@pytest.mark.parametrize(
    "line",
    ["", "12", "x y z", "1 abc yesterday", f"1 {'0' * 64} 2026-11-25", f"1 {'g' * 64} {NOON}"],
)
def test_a_damaged_anchor_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "2026-11").write_text(f"{line}\n", "utf-8")

    with pytest.raises(AnchorError, match=r"line 1 of .*2026-11 is not an anchor"):
        read_anchors([tmp_path])


def test_anchors_are_found_in_the_text_of_mails() -> None:
    text = (
        "Severity: immediate\nReceived 12:30:00\nFor checking: 1234:0123456789abcdef\n\n"
        "For checking:7:FEDCBA9876543210 and 8:0123456789abcde"
    )

    found = short_anchors(text, "saved.txt")

    assert [(each.number, each.link) for each in found] == [
        (1234, "0123456789abcdef"),
        (7, "fedcba9876543210"),
    ]
    assert str(found[0]) == "anchor 1234:0123456789abcdef (saved.txt)"
