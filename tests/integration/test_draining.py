"""A gateway that is told to stop: a real process, SIGTERM, and everybody gets their answer."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from chat.gateway.requests import Tokens
from chat.gateway.shared_conversations import SharedConversations
from chat.gateway.shared_store import Seal, SharedStore
from ops.stack import Stack
from tests.fakes.rasa import FakeRasa, answering, running_rasa
from tests.integration.client import Person, help_card
from tests.integration.log_reader import LogReader
from tests.redis_on import OwnRedis, own_redis

PEOPLE = 6
"""As many as one Rasa server is asked for at once, less those who would wait."""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[OwnRedis]:
    with own_redis(tmp_path) as server:
        yield server


def test_whoever_is_being_answered_when_the_gateway_is_stopped_is_answered_and_recorded(
    redis: OwnRedis, tmp_path: Path
) -> None:
    with running_rasa() as rasa:
        rasa.behave = answering({"kind": "text", "text": "Hello from Rasa"})
        env = {"LANTERN_RASA_URL": rasa.url, "LANTERN_REDIS_URL": redis.url}
        env |= {"LANTERN_RASA_TIMEOUT_S": "15", "LANTERN_DRAIN_S": "1"}
        stack = Stack(tmp_path / "state", env, "tests.fakes.plain_gateway")
        stack.setup()
        stack.start(stack.gateway)
        try:
            people = [Person(stack.url("gateway")) for _ in range(PEOPLE)]
            told = [f"my uncle keeps touching me, at the end {number}" for number in range(PEOPLE)]
            rasa.hang()
            with ThreadPoolExecutor(PEOPLE) as threads:
                answers = [
                    threads.submit(Person.say, *each) for each in zip(people, told, strict=True)
                ]
                until_asked(rasa, PEOPLE)
                stopping = threading.Thread(target=stack.gateway.stop, args=(signal.SIGTERM,))
                stopping.start()
                draining = until_draining(stack)
                until_closed(stack)
                rasa.hold.set()
                shown = [answer.result() for answer in answers]
            stopping.join()
        finally:
            stack.stop()
        logs = stack.logs()

    assert draining == "draining"
    for messages in shown:
        help_card(messages)
        assert messages[-1]["text"] == "Hello from Rasa"
    reader = LogReader(stack)
    assert [len(reader.eventually(text)) for text in told] == [1] * PEOPLE
    # The next message may come to another gateway.
    token_key = (stack.state / "secrets" / "token_key").read_text().strip()
    assert asyncio.run(turns(redis, token_key, people[0].token)) == 2
    assert "Traceback" not in logs
    assert "lost" not in logs


async def turns(redis: OwnRedis, token_key: str, token: str) -> int:
    """How many turns of a conversation another gateway finds."""
    other = SharedConversations(SharedStore(redis.url), Seal(token_key), 60)
    try:
        return len((await other.look(Tokens(token_key).read(token))).turns)
    finally:
        await other.finish()


def until_asked(rasa: FakeRasa, number: int) -> None:
    limit = time.monotonic() + 20
    while len(rasa.received) < number and time.monotonic() < limit:
        time.sleep(0.02)


def until_draining(stack: Stack) -> str:
    """Return what readiness says, while new connections are still taken."""
    limit = time.monotonic() + 20
    while True:
        said = httpx.get(f"{stack.url('gateway')}/readyz", timeout=10)
        if said.json()["status"] == "draining" or time.monotonic() > limit:
            assert said.status_code == 503
            return str(said.json()["status"])
        time.sleep(0.02)


def until_closed(stack: Stack) -> None:
    """Until nobody is let in any more."""
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        try:
            socket.create_connection(("127.0.0.1", stack.ports["gateway"]), 5).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.02)
    pytest.fail("the gateway still takes connections")
