"""A few live chats while each fault of `make chaos` is made once: nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import json
import os
import random
from pathlib import Path

import pytest

from lab.chaos.faults import Chaos, Pace
from lab.chaos.live_counts import FAILURES, TIMED
from lab.chaos.live_people import both
from lab.chaos.live_record import LiveRecord
from lab.chaos.live_run import SMALL, LiveResult, keep_live_evidence, run_live
from lab.chaos.live_young import YoungPerson, speaker

FAULTS = 8
"""Kinds of faults that there are on a machine without Redis."""


def test_each_kind_of_fault_is_made_once_in_a_round() -> None:
    made: list[str] = []
    kinds = {name: lambda _chance, name=name: made.append(name) for name in "abc"}
    pace = Pace(threads=2, rest_s=(0, 0.01), rounds=2)
    chaos = Chaos(kinds, 1, lambda: True, pace)
    chaos.start()
    chaos.wait()
    assert sorted(made[:3]) == sorted(made[3:]) == ["a", "b", "c"]
    assert [trouble.what for trouble in chaos.troubles] == made
    assert not chaos.is_busy()


def test_when_one_side_gives_up_the_other_ends_too() -> None:
    ended = False

    async def waits() -> None:
        nonlocal ended
        try:
            await asyncio.sleep(60)
        finally:
            ended = True

    async def fails() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(both(waits(), fails()))
    assert ended


def test_a_page_shows_what_has_a_number_once() -> None:
    async def shown() -> list[str]:
        record = LiveRecord("c1", by_events=True)
        chance = random.Random(1)  # noqa: S311 - no secret
        person = YoungPerson("http://127.0.0.1:1", record, chance)
        said = {"kind": "text", "by": "person", "name": "Sam", "number": 7, "text": "Hello."}
        notice = {"kind": "notice", "notice": 0, "text": "Sam is here now."}
        live = {"cursor": "7.0", "state": "open", "chat": "l1", "typing": False, "listen": True}
        body = {**live, "choices": [{"id": "live_stop", "label": "Stop"}]}
        assert person._take({**body, "messages": [notice, said]}, "events", 0)
        assert person._take({**body, "messages": [notice, said]}, "events", 0)
        gone = {"kind": "notice", "notice": 1, "text": "Sam has gone."}
        ended = {**body, "state": "none", "listen": False, "messages": [gone]}
        assert not person._take(ended, "events", 0)
        assert record.told_at is not None
        assert person.state == "none"
        await person.offered("live_stop", until=0)
        await person.leave()
        return [line.text for line in record.shown]

    assert asyncio.run(shown()) == ["Sam is here now.", "Hello.", "Sam has gone."]


def test_who_speaks_follows_from_the_message() -> None:
    assert speaker({"kind": "text", "by": "person"}, "events") == "person"
    assert speaker({"kind": "notice"}, "answer") == "notice"
    assert speaker({"kind": "text"}, "polls") == "notice"
    assert speaker({"kind": "help_card", "severity": "immediate"}, "answer") == "danger"
    assert speaker({"kind": "help_card", "severity": "urgent"}, "answer") == "lantern"
    assert speaker({"kind": "text"}, "answer") == "lantern"


def test_what_went_wrong_is_kept_with_the_faults(tmp_path: Path) -> None:
    good, bad = LiveRecord("c1", True), LiveRecord("c2", True, left_open="the chat did not open")
    place = tmp_path / "kept" / "SQLite-1.json"
    keep_live_evidence(LiveResult({}, [good], []), place)
    assert not place.exists()

    keep_live_evidence(LiveResult({}, [good, bad], []), place)
    kept = json.loads(place.read_text("utf-8"))
    assert [(chat["conversation_id"], chat["wrong"]) for chat in kept["chats"]] == [
        ("c2", {"left_open": 1})
    ]


@pytest.mark.skipif("LANTERN_LIVE_CHAOS" not in os.environ, reason="`make chaos` does it too")
def test_no_message_is_lost_doubled_or_out_of_order_while_each_fault_happens_once() -> None:
    result = run_live("SQLite", None, 1, SMALL)
    wrong = {name: result.row[name] for name in FAILURES if name not in TIMED and result.row[name]}
    assert wrong == {}
    assert int(result.row["chats"] or 0) >= SMALL.chats
    assert int(result.row["faults"] or 0) >= FAULTS
    assert int(result.row["written"] or 0) >= SMALL.chats * 5
    assert int(result.row["said"] or 0) >= SMALL.chats * 5
