"""No hand-off is lost, and none is there twice: a real gateway, and faults made for real.

No Rasa runs here, and a stand-in assesses: the gateway answers alone, and records all the same.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import URL

from chat.gateway.callbacks import CallbackPhrases
from chat.gateway.recorder import DRAIN_EVERY_S
from ops.stack import Stack, free_port
from safeguarding.content.phrases import read_phrases
from safeguarding.taxonomy import CONTENT
from storage.engine import connect
from tests.databases import database_on
from tests.fakes.freezing_proxy import FreezingProxy
from tests.integration.client import Person, help_card
from tests.integration.faults import fill, frozen, small_disk, small_ext4
from tests.integration.log_reader import LogReader
from tests.programs import program

DISK_BYTES = 96 * 1024 * 1024
WIDGET_WAITS_S = 6.0
"""After so long the widget stops waiting, and shows the help that is in the page."""
UNLIMITED = {"LANTERN_MESSAGES_PER_MINUTE": "100000"}


@contextmanager
def gateway_on(state: Path, **env: str) -> Iterator[Stack]:
    """Run a gateway alone, over a state folder of its own."""
    stack = Stack(state, UNLIMITED | env, gateway="tests.fakes.plain_gateway")
    stack.setup()
    stack.start(stack.gateway)
    try:
        yield stack
    finally:
        stack.stop()


def disclosures(number: int, fault: str) -> list[str]:
    """As many different messages that must be recorded."""
    return [f"my uncle keeps touching me, {fault} {each}" for each in range(number)]


def disclose(stack: Stack, texts: list[str]) -> None:
    """Say them all at once, everybody in a conversation of their own; each is shown help."""
    people = [Person(stack.url("gateway")) for _text in texts]
    with ThreadPoolExecutor(len(texts)) as threads:
        for shown in threads.map(Person.say, people, texts):
            help_card(shown)


def readiness(stack: Stack) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(f"{stack.url('gateway')}/readyz", timeout=15).json()
    return answer


def until_ready(stack: Stack, **wanted: object) -> dict[str, Any]:
    """Return what readiness says, once it says what is wanted or after twenty seconds."""
    limit = time.monotonic() + 20
    while True:
        found = readiness(stack)
        if wanted.items() <= found.items() or time.monotonic() > limit:
            return found
        time.sleep(0.2)


def times_recorded(stack: Stack, texts: list[str]) -> dict[str, int]:
    """How often each is in the log, once all are."""
    reader = LogReader(stack)
    return {text: len(reader.eventually(text)) for text in texts}


@pytest.fixture
def frozen_server(postgres: URL, postgres_template: str) -> Iterator[tuple[FreezingProxy, str]]:
    """Run a proxy before PostgreSQL; yield it and the address of a database through it."""
    with database_on(postgres, postgres_template) as url:
        proxy = FreezingProxy(url.host or "127.0.0.1", url.port or 5432)
        through = url.set(host="127.0.0.1", port=proxy.port)
        try:
            yield proxy, through.render_as_string(hide_password=False)
        finally:
            proxy.close()


def test_a_hanging_postgresql_and_a_killed_gateway_lose_nothing(
    frozen_server: tuple[FreezingProxy, str], tmp_path: Path
) -> None:
    proxy, url = frozen_server
    with gateway_on(tmp_path / "state", LANTERN_DATABASE_URL=url) as stack:
        before = disclosures(4, "the pool is warm")
        disclose(stack, before)
        recorded_before = times_recorded(stack, before)
        told = disclosures(8, "the database hangs")

        proxy.freeze()
        disclose(stack, told[:1])
        time.sleep(DRAIN_EVERY_S)  # by now what drains the spool hangs inside the database
        disclose(stack, told[1:])
        stack.gateway.stop(signal.SIGKILL)
        proxy.thaw()
        stack.start(stack.gateway)

        assert times_recorded(stack, before + told) == dict.fromkeys(before + told, 1)
        assert recorded_before == dict.fromkeys(before, 1)
        assert until_ready(stack, spool=0)["unsaved"] == 0


def test_a_postgresql_that_hangs_for_a_while_is_found_again(
    frozen_server: tuple[FreezingProxy, str], tmp_path: Path
) -> None:
    proxy, url = frozen_server
    with gateway_on(tmp_path / "state", LANTERN_DATABASE_URL=url) as stack:
        disclose(stack, disclosures(4, "the pool is warm"))
        told = disclosures(8, "the database hangs")
        proxy.freeze()
        disclose(stack, told)
        hanging = until_ready(stack, spool=8, database="down")
        proxy.thaw()

        assert (hanging["spool"], hanging["database"]) == (8, "down")
        assert times_recorded(stack, told) == dict.fromkeys(told, 1)
        assert until_ready(stack, spool=0, database="up")["database"] == "up"


def test_a_way_back_is_answered_truly_while_postgresql_hangs(
    frozen_server: tuple[FreezingProxy, str], tmp_path: Path
) -> None:
    proxy, url = frozen_server
    with gateway_on(tmp_path / "state", LANTERN_DATABASE_URL=url) as stack:
        person = Person(stack.url("gateway"))
        help_card(person.say(*disclosures(1, "the pool is warm")))
        person.press("leave_wish")
        person.say("Sam")
        proxy.freeze()
        (hanging,) = person.say("after school by the gate")
        proxy.thaw()
        until_ready(stack, database="up")
        (kept,) = person.say("after school by the gate")

    phrases = read_phrases(CONTENT / "phrases").of("wishes", CallbackPhrases)
    assert hanging["text"] == phrases.not_kept
    assert kept["text"] == phrases.kept


def test_a_full_disk_and_a_killed_gateway_lose_nothing(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk", DISK_BYTES) as disk,
        gateway_on(disk / "state") as stack,
    ):
        until_ready(stack, disk="up")
        told = disclosures(6, "the disk is full")
        ballast = fill(disk)
        disclose(stack, told)
        full = readiness(stack)
        stack.gateway.stop(signal.SIGKILL)
        ballast.unlink()
        stack.start(stack.gateway)

        assert (full["status"], full["disk"], full["unsaved"]) == ("degraded", "down", 0)
        assert times_recorded(stack, told) == dict.fromkeys(told, 1)


def test_a_disk_without_any_room_holds_back_nothing_once_there_is_some(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk", DISK_BYTES) as disk,
        gateway_on(disk / "state") as stack,
    ):
        until_ready(stack, disk="up")
        for reserved in (disk / "state" / "spool" / ".reserve").iterdir():
            reserved.unlink()
        told = disclosures(6, "the disk is full and nothing was reserved")
        ballast = fill(disk)
        disclose(stack, told)
        full = readiness(stack)
        ballast.unlink()

        assert (full["status"], full["disk"]) == ("degraded", "down")
        assert full["unsaved"] > 0
        assert times_recorded(stack, told) == dict.fromkeys(told, 1)
        assert until_ready(stack, unsaved=0)["unsaved"] == 0


def test_a_disk_that_hangs_beside_a_database_that_is_locked_holds_up_no_answer(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    with small_ext4(state / "spool", DISK_BYTES) as spool, gateway_on(state) as stack:
        until_ready(stack, disk="up")
        told = disclosures(6, "disk and database hang")
        engine = connect(f"sqlite:///{state / 'lantern.db'}")
        with frozen(spool), engine.begin():
            disclose(stack, told)
            hanging = readiness(stack)
        engine.dispose()

        assert (hanging["disk"], hanging["database"], hanging["unsaved"]) == ("down", "down", 6)
        assert times_recorded(stack, told) == dict.fromkeys(told, 1)
        assert until_ready(stack, unsaved=0)["unsaved"] == 0


@pytest.fixture(scope="module")
def with_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Any]]:
    """Run a gateway that counts in a Redis of its own; yield both."""
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    command = [program("redis-server"), "--port", str(port), "--save", "", "--dir", str(folder)]
    redis = subprocess.Popen([*command, "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL)
    try:
        url = f"redis://127.0.0.1:{port}/0"
        with gateway_on(folder / "state", LANTERN_REDIS_URL=url) as stack:
            yield stack, redis
    finally:
        redis.send_signal(signal.SIGCONT)
        redis.terminate()
        redis.wait(15)


def test_a_browser_that_closes_at_once_is_heard(with_redis: tuple[Stack, Any]) -> None:
    stack, _redis = with_redis
    told = disclosures(40, "the page was closed")
    people = [Person(stack.url("gateway")) for _text in told]

    for person, text in zip(people, told, strict=True):
        send_and_close(stack.ports["gateway"], person.token, text)

    assert times_recorded(stack, told) == dict.fromkeys(told, 1)


def send_and_close(port: int, token: str, text: str) -> None:
    """One whole message, and the connection is closed before anything can come back."""
    body = json.dumps({"id": str(uuid.uuid4()), "text": text}).encode()
    head = (
        f"POST /v1/messages HTTP/1.1\r\nHost: lantern\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode() + body)


def test_a_redis_that_hangs_keeps_nobody_waiting(with_redis: tuple[Stack, Any]) -> None:
    stack, redis = with_redis
    (told,) = disclosures(1, "redis hangs")
    person = Person(stack.url("gateway"))
    redis.send_signal(signal.SIGSTOP)
    try:
        answer = httpx.post(
            f"{stack.url('gateway')}/v1/messages",
            json={"id": str(uuid.uuid4()), "text": told},
            headers={"Authorization": f"Bearer {person.token}"},
            timeout=WIDGET_WAITS_S,
        )
    finally:
        redis.send_signal(signal.SIGCONT)

    help_card(answer.json()["messages"])
    assert times_recorded(stack, [told]) == {told: 1}
