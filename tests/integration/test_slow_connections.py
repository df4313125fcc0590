"""Whoever holds connections and says nothing keeps no child out: a real gateway, 1,024 descriptors.

No Rasa runs here, and a stand-in assesses: the gateway answers alone, and records all the same.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import NAMESPACE_URL, uuid4, uuid5

import httpx
import pytest

from ops.stack import Stack, free_port
from tests.integration import crowd as crowds
from tests.integration.client import Person, help_card
from tests.integration.crowd import crowd
from tests.integration.log_reader import LogReader
from tests.nginx import CHAT, nginx_before

DESCRIPTORS = 1_024
HABITS = {
    crowds.SILENT: 1_100,
    crowds.DRIPS_HEADERS: 200,
    crowds.DRIPS_A_BODY: 200,
    crowds.READS_NOTHING: 100,
    crowds.KEEPS_ALIVE: 100,
}


@contextmanager
def limited_gateway(state: Path, **env: str) -> Iterator[Stack]:
    """Run a gateway alone that may open few files and sockets."""
    env = {"LANTERN_MESSAGES_PER_MINUTE": "100000"} | env
    stack = Stack(state, env, "tests.fakes.plain_gateway")
    stack.setup()
    stack.gateway.limit_descriptors(DESCRIPTORS)
    stack.start(stack.gateway)
    try:
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with limited_gateway(tmp_path_factory.mktemp("slow") / "state") as stack:
        yield stack


def tell(stack: Stack, text: str) -> int:
    """Say it, and again when the connection is lost; how often it was lost. There must be help."""
    for tries in range(5):
        try:
            help_card(Person(stack.url("gateway")).say(text, id=str(uuid5(NAMESPACE_URL, text))))
        except httpx.TransportError:
            continue
        return tries
    raise AssertionError(text)


def figure(stack: Stack, name: str) -> float:
    """Return what monitoring reads, from an address of its own."""
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.9")) as monitoring:
        figures = monitoring.get(f"{stack.url('gateway')}/metrics", timeout=15).text
    found = re.search(rf"^{name} (\S+)$", figures, re.MULTILINE)
    assert found, figures
    return float(found[1])


@pytest.mark.parametrize(
    "addresses", [("127.0.0.1",), tuple(f"127.0.1.{n}" for n in range(1, 9))], ids=["one", "eight"]
)
def test_a_child_is_answered_and_recorded_among_them(
    alone: Stack, addresses: tuple[str, ...]
) -> None:
    told = [f"he keeps touching me, crowd of {len(addresses)}, {each}" for each in range(12)]
    failed = 0
    with crowd(alone.ports["gateway"], HABITS, addresses) as came_back:
        time.sleep(2)
        for text in told:
            failed += tell(alone, text)
            time.sleep(0.5)
        held, most = (figure(alone, f"lantern_connections{end}") for end in ("", "_most"))
        returned = came_back()
    reader = LogReader(alone)

    assert {text: len(reader.eventually(text)) for text in told} == dict.fromkeys(told, 1)
    assert most / 3 < held <= most < DESCRIPTORS
    assert returned > 0
    # Whoever shares an address with all of them may have to knock again, as the widget does.
    assert failed == 0 or addresses == ("127.0.0.1",)
    assert "Too many open files" not in alone.logs()


def test_the_same_behind_the_proxy_as_it_is_shipped(tmp_path: Path) -> None:
    """Those who drip and do not read come by TLS; the silent ones never say what they come by."""
    told = [f"he keeps touching me, behind a proxy, {each}" for each in range(8)]
    addresses = tuple(f"127.0.1.{number}" for number in range(1, 9))
    with (
        limited_gateway(tmp_path / "state", LANTERN_TRUSTED_PROXIES="1") as stack,
        nginx_before(tmp_path, gateway=stack.ports["gateway"], console=free_port()) as nginx,
        crowd(nginx.port, HABITS, addresses, nginx.trusted) as came_back,
    ):
        time.sleep(12)
        for text in told:
            opened = nginx.client.post("/v1/conversations", headers=CHAT, json={}).json()
            headers = CHAT | {"Authorization": f"Bearer {opened['token']}"}
            sent = {"id": str(uuid4()), "text": text}
            answer = nginx.client.post("/v1/messages", headers=headers, json=sent)
            help_card(answer.json()["messages"])
            assert answer.headers.get_list("Strict-Transport-Security") == ["max-age=63072000"]
        returned = came_back()
        reader = LogReader(stack)

        assert {text: len(reader.eventually(text)) for text in told} == dict.fromkeys(told, 1)
    assert returned > 0
