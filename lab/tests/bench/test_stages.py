"""The stages that the bench times: functions, coroutine functions and class methods."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab.bench import stages
from lab.bench.breakdown import Stage, lines
from lab.bench.stages import Stages


def test_a_timed_stage_returns_and_raises_as_before(tmp_path: Path) -> None:
    noted = Stages()

    async def wait(value: int) -> int:
        await asyncio.sleep(0)
        return value

    def fail() -> None:
        raise NotADirectoryError

    assert asyncio.run(noted.timed("wait", wait)(3)) == 3
    assert noted.timed("double", lambda x: 2 * x)(4) == 8
    with pytest.raises(NotADirectoryError):
        noted.timed("fail", fail)()

    noted.write(tmp_path / "stages.json")
    taken = json.loads((tmp_path / "stages.json").read_text("utf-8"))
    assert {name: row[0] for name, row in taken.items()} == {"wait": 1, "double": 1, "fail": 1}
    assert all(wall >= 0 and cpu >= 0 for _, wall, cpu in taken.values())


def test_timing_replaces_the_function_in_its_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    class Room:
        def method(self) -> str:
            return "done"

        @classmethod
        def made(cls) -> str:
            return cls.__name__

    place, noted = SimpleNamespace(Room=Room), Stages()
    monkeypatch.setitem(sys.modules, "somewhere", place)
    stages.time_calls(noted, "a", "somewhere:Room.method")
    stages.time_calls(noted, "b", "somewhere:Room.made")

    assert (Room().method(), Room.made()) == ("done", "Room")
    assert {name: row[0] for name, row in noted.taken.items()} == {"a": 1, "b": 1}


def test_a_part_of_a_stage_stands_below_it() -> None:
    table = list(lines([Stage("assess", 1.0, 12.0, 11.0), Stage("assess / encoder", 2.0, 9.0, 0)]))

    assert table[1].startswith("assess ")
    assert table[1].endswith("  1.0    12.00   11.00")
    assert table[2].startswith("  encoder ")
