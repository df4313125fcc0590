"""Whoever holds connections and says nothing keeps no child out: a real gateway, 1,024 descriptors.

No Rasa runs here, and a stand-in assesses: the gateway answers alone, and records all the same.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import httpx
import pytest

from scripts.stack import Stack
from tests.integration import crowd as crowds
from tests.integration.client import Person, help_card
from tests.integration.crowd import crowd
from tests.integration.log_reader import LogReader

DESCRIPTORS = 1_024
HABITS = {
    crowds.SILENT: 1_100,
    crowds.DRIPS_HEADERS: 200,
    crowds.DRIPS_A_BODY: 200,
    crowds.READS_NOTHING: 100,
    crowds.KEEPS_ALIVE: 100,
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    state = tmp_path_factory.mktemp("slow") / "state"
    stack = Stack(state, {"LANTERN_MESSAGES_PER_MINUTE": "100000"}, "scripts.plain_gateway")
    stack.setup()
    stack.gateway.limit_descriptors(DESCRIPTORS)
    stack.start(stack.gateway)
    try:
        yield stack
    finally:
        stack.stop()


def figure(stack: Stack, name: str) -> float:
    figures = httpx.get(f"{stack.url('gateway')}/metrics", timeout=15).text
    found = re.search(rf"^{name} (\S+)$", figures, re.MULTILINE)
    assert found, figures
    return float(found[1])


@pytest.mark.parametrize(
    "addresses", [("127.0.0.1",), tuple(f"127.0.1.{n}" for n in range(1, 9))], ids=["one", "eight"]
)
def test_a_child_is_answered_and_recorded_among_them(
    stack: Stack, addresses: tuple[str, ...]
) -> None:
    told = [f"he keeps touching me, crowd of {len(addresses)}, {each}" for each in range(12)]
    with crowd(stack.ports["gateway"], HABITS, addresses) as came_back:
        time.sleep(2)
        for text in told:
            help_card(Person(stack.url("gateway")).say(text))
            time.sleep(0.5)
        held, most = (figure(stack, f"lantern_connections{end}") for end in ("", "_most"))
        returned = came_back()
    reader = LogReader(stack)

    assert {text: len(reader.eventually(text)) for text in told} == dict.fromkeys(told, 1)
    assert most / 3 < held <= most < DESCRIPTORS
    assert returned > 0
    assert "Too many open files" not in stack.logs()
