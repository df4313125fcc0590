"""The open door signs and is bounded; the folder has each event whole, in order, without a gap."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from staff.records.adapters.adapter import adapter_of
from staff.records.adapters.file.adapter import RecordFolder
from staff.records.adapters.open.adapter import OpenDoor
from staff.records.event import NotTakenError, record_of
from staff.records.settings import RecordSettings
from tests.peers import Receiver, frozen_server, slow_server
from tests.unit.staff.records.conftest import EVENT, KEY


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


def test_the_receiver_can_prove_where_it_comes_from(receiver: Receiver) -> None:
    with receiver:
        OpenDoor(f"{receiver.url}/in", (KEY, b"old"), now=lambda: 1000.9).take(EVENT)

    [(_, headers, body)] = receiver.posts
    proofs = [hmac.new(key, b"1000." + body, hashlib.sha256).hexdigest() for key in (KEY, b"old")]
    assert headers["x-lantern-signature"] == f"t=1000,v1={proofs[0]},v1={proofs[1]}"
    assert headers["idempotency-key"] == EVENT.id
    assert json.loads(body) == record_of(EVENT)


@pytest.mark.parametrize(
    ("status", "for_good"),
    [
        (302, False),
        (400, True),
        (401, False),
        (404, False),
        (409, False),
        (422, True),
        (503, False),
    ],
)
def test_only_a_refusal_of_the_event_is_for_good(
    receiver: Receiver, status: int, for_good: bool
) -> None:
    receiver.status = status
    with receiver, pytest.raises(NotTakenError) as refused:
        OpenDoor(f"{receiver.url}/in", (KEY,)).take(EVENT)

    assert (refused.value.kind, refused.value.for_good) == (f"HTTP {status}", for_good)
    assert len(receiver.posts) == 1


def test_a_server_that_hangs_is_given_up() -> None:
    with frozen_server() as port, pytest.raises(NotTakenError, match="TimeoutError"):
        OpenDoor(f"http://127.0.0.1:{port}/in", (KEY,), within_s=0.2).take(EVENT)


def test_a_server_that_drips_is_given_up() -> None:
    with slow_server() as port, pytest.raises(NotTakenError, match="Error"):
        OpenDoor(f"http://127.0.0.1:{port}/in", (KEY,), within_s=0.3).take(EVENT)


def test_what_leaves_has_the_shape_that_is_published(schema: dict[str, Any]) -> None:
    closed = replace(
        EVENT,
        kind="closed",
        state="closed",
        closed_at=EVENT.at,
        facts={"outcome": "advice_given"},
        words="words",
    )
    for event in (EVENT, closed):
        record = record_of(event)
        jsonschema_rs.validator_for(schema, validate_formats=True).validate(record)
        assert set(record) <= set(schema["properties"])
        assert set(record["case"]) == set(schema["properties"]["case"]["required"])


def test_the_schema_refuses_another_severity(schema: dict[str, Any]) -> None:
    record = record_of(EVENT)
    record["case"]["severity"] = "high"

    assert not jsonschema_rs.validator_for(schema).is_valid(record)


def test_files_are_numbered_without_a_gap(tmp_path: Path) -> None:
    other = replace(EVENT, number=90, id="0b5a0a5e-3a29-46b4-9a6f-16142fde533a")
    take = adapter_of(RecordSettings("file", tmp_path.as_uri(), (), False, ""))
    for event in (EVENT, other):
        take(event)

    names = sorted(each.name for each in tmp_path.glob("*.jsonl"))
    assert names == [f"000000000001-{EVENT.id}.jsonl", f"000000000002-{other.id}.jsonl"]
    lines = (tmp_path / names[1]).read_text().splitlines()
    assert [json.loads(line) for line in lines] == [record_of(other)]


def test_the_group_of_the_folder_may_read_a_file(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        RecordFolder(tmp_path).take(EVENT)
    finally:
        os.umask(before)

    (file,) = tmp_path.glob("*.jsonl")
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_dispatcher_that_is_frozen_while_it_writes_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staff.records.adapters.file.adapter.LONGEST_WAIT_S", 0.1)
    code = (
        "import fcntl, sys, time; lock = open(sys.argv[1], 'w'); "
        "fcntl.flock(lock, fcntl.LOCK_EX); print('locked', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / ".lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == b"locked\n"
            other.send_signal(signal.SIGSTOP)
            with pytest.raises(NotTakenError):
                RecordFolder(tmp_path).take(EVENT)
        finally:
            other.kill()

    RecordFolder(tmp_path).take(EVENT)
    assert len([*tmp_path.glob("*.jsonl")]) == 1


def test_the_number_goes_on_when_files_were_taken_away(tmp_path: Path) -> None:
    RecordFolder(tmp_path).take(EVENT)
    next(tmp_path.glob("*.jsonl")).unlink()
    RecordFolder(tmp_path).take(replace(EVENT, id="next"))

    assert [each.name for each in tmp_path.glob("*.jsonl")] == ["000000000002-next.jsonl"]


def test_an_event_that_is_written_again_is_the_same_file(tmp_path: Path) -> None:
    for _ in range(2):
        RecordFolder(tmp_path).take(EVENT)

    assert len(list(tmp_path.glob("*.jsonl"))) == 1
    assert list(tmp_path.glob(".*.draft")) == []


def test_a_folder_that_is_not_there_takes_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotTakenError, match="FileNotFoundError"):
        RecordFolder(tmp_path / "gone").take(EVENT)
