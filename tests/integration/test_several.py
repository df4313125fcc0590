"""Two gateways and two Rasa servers behind a real nginx with the shipped file.

One of each is killed in the middle, Redis freezes and loses everything, and people notice nothing.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest

from ops.stack import Stack
from safeguarding.escalation import Escalation
from tests.integration.client import help_card
from tests.integration.log_reader import LogReader, Recorded
from tests.nginx import CHAT, Nginx, nginx_before
from tests.redis_on import OwnRedis, own_redis

PEOPLE, AT_ONCE = 16, 6
PATIENCE_S = 30.0
"""The widget waits six seconds; a test waits as long as a busy machine needs."""
SAID = ("what is grooming", "lol", "ok then")
HELD = {"help_card", "still_here", "help_again"}


@dataclass(frozen=True)
class Deployment:
    """Everything that is there twice, and what it shares."""

    gateways: list[Stack]
    rasas: list[Stack]
    redis: OwnRedis
    nginx: Nginx

    def recorded(self) -> list[Recorded]:
        """All that is on record, once nothing waits any more."""
        limit = time.monotonic() + 30
        while time.monotonic() < limit and self._waits():
            time.sleep(0.2)
        return LogReader(self.gateways[0]).all()

    def _waits(self) -> bool:
        found = []
        for stack in self.gateways:
            try:
                ready = httpx.get(f"{stack.url('gateway')}/readyz", timeout=10).json()
            except httpx.HTTPError:
                continue  # it was killed
            found.append(ready["spool"] + ready["unsaved"])
        return any(found)


@dataclass
class Said:
    """What one person said in a conversation, and what they were shown."""

    token: str
    told: str
    bodies: list[dict[str, str]] = field(default_factory=list)
    answers: list[list[dict[str, Any]]] = field(default_factory=list)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("several")
    with ExitStack() as life:
        redis = life.enter_context(own_redis(folder))
        state = folder / "state"
        env = {
            "LANTERN_REDIS_URL": redis.url,
            "LANTERN_TRUSTED_PROXIES": "1",
            "LANTERN_STATE_DIR": str(state),
            "LANTERN_DATABASE_URL": f"sqlite:///{state / 'lantern.db'}",
        }
        # In one folder: both Rasa servers ask the action server of the last.
        rasas = [Stack(folder / "rasa", env) for _ in range(2)]
        env |= {"LANTERN_RASA_URL": ", ".join(stack.url("rasa") for stack in rasas)}
        gateways = [Stack(state, env, "tests.fakes.plain_gateway") for _ in range(2)]
        for stack in (*rasas, *gateways):
            life.callback(stack.stop)
        gateways[0].setup()
        servers = [stack.rasa for stack in rasas] + [stack.gateway for stack in gateways]
        gateways[0].start(rasas[-1].actions, *servers)
        ports = [stack.ports["gateway"] for stack in gateways]
        (folder / "nginx").mkdir()
        nginx = nginx_before(folder / "nginx", gateway=ports, console=ports[0])
        yield Deployment(gateways, rasas, redis, life.enter_context(nginx))


def test_a_redis_that_stands_still_and_loses_everything_costs_nobody_help_or_a_record(
    deployment: Deployment,
) -> None:
    def faults() -> None:
        deployment.redis.freeze()
        time.sleep(1.0)
        deployment.redis.thaw()
        time.sleep(0.5)
        deployment.redis.kill()
        time.sleep(0.5)
        deployment.redis.start()

    talks = talk(deployment, "redis", {1 / 4: faults})

    assert_nobody_noticed(deployment, talks)


def test_a_gateway_that_stands_still_costs_nobody_help_or_a_record(deployment: Deployment) -> None:
    gateway = deployment.gateways[0].gateway
    talks = talk(deployment, "frozen", {1 / 4: lambda: gateway.send(signal.SIGSTOP)})
    gateway.send(signal.SIGCONT)

    # It now answers what it was asked before, and nobody reads that.
    assert_helped_and_recorded_once(deployment, talks)
    assert_a_repeat_gets_the_same_answer(deployment, talks)


def test_a_gateway_and_a_rasa_server_that_are_killed_are_not_noticed(
    deployment: Deployment,
) -> None:
    gateway, rasa = deployment.gateways[0].gateway, deployment.rasas[0].rasa
    faults = {
        1 / 4: lambda: gateway.stop(signal.SIGKILL),
        1 / 2: lambda: rasa.stop(signal.SIGKILL),
    }

    talks = talk(deployment, "killed", faults)

    assert_nobody_noticed(deployment, talks)
    assert_a_repeat_gets_the_same_answer(deployment, talks)


def talk(deployment: Deployment, name: str, faults: dict[float, Callable[[], None]]) -> list[Said]:
    """Many people at once; each fault comes when that share of the messages is answered."""
    answered, lock = 0, threading.Lock()
    due = sorted(faults)
    happening: list[threading.Thread] = []

    def count() -> None:
        nonlocal answered
        with lock:
            answered += 1
            if due and answered >= due[0] * PEOPLE * (1 + len(SAID)):
                happening.append(threading.Thread(target=faults[due.pop(0)]))
                happening[-1].start()

    def one(number: int) -> Said:
        with httpx.Client(
            base_url=f"https://127.0.0.1:{deployment.nginx.port}",
            verify=deployment.nginx.trusted,
            timeout=PATIENCE_S,
            headers=CHAT,
        ) as http:
            begun = http.post("/v1/conversations")
            assert begun.status_code == 201, begun.text
            said = Said(begun.json()["token"], f"he keeps touching me, {name} {number}")
            for text in (said.told, *SAID):
                body = {"id": str(uuid4()), "text": text}
                answer = http.post("/v1/messages", json=body, headers=bearer(said))
                assert answer.status_code == 200, answer.text
                said.bodies.append(body)
                said.answers.append(answer.json()["messages"])
                count()
            return said

    with ThreadPoolExecutor(AT_ONCE) as threads:
        talks = list(threads.map(one, range(PEOPLE)))
    for each in happening:
        each.join()
    assert not due
    return talks


def bearer(said: Said) -> dict[str, str]:
    return {"Authorization": f"Bearer {said.token}"}


def assert_nobody_noticed(deployment: Deployment, talks: list[Said]) -> None:
    """Each was helped, and by Rasa; each message is on record, and once."""
    recorded = assert_helped_and_recorded_once(deployment, talks)

    assert Counter(each.extra["fallback"] for each in recorded if "fallback" in each.extra) == {}


def assert_helped_and_recorded_once(deployment: Deployment, talks: list[Said]) -> list[Escalation]:
    """Each was helped, at once and ever after; each message is on record, and once."""
    for said in talks:
        assert help_card(said.answers[0])["severity"] == "urgent"
        for messages in said.answers[1:]:
            # Whoever answers it knows what was told before.
            led = {message.get("topic", "") for message in messages} | {messages[0]["kind"]}
            buttons = {each["id"] for message in messages for each in message.get("choices", [])}
            helped = any(message.get("contacts") for message in messages)
            assert led & HELD or helped or "not_safe_now" in buttons, messages
    texts, recorded = {said.told for said in talks}, deployment.recorded()
    cases = {each.case.id for each in recorded if each.escalation.text in texts}
    ours = [each.escalation for each in recorded if each.case.id in cases]

    assert len(cases) == len(talks)
    assert Counter(each.text for each in ours) == Counter(
        body["text"] for said in talks for body in said.bodies
    )
    assert len({each.message_id for each in ours}) == len(ours)
    return ours


def assert_a_repeat_gets_the_same_answer(deployment: Deployment, talks: list[Said]) -> None:
    """Also from a gateway that has not answered it itself."""
    for said in talks:
        for body, answer in zip(said.bodies, said.answers, strict=True):
            again = deployment.nginx.client.post(
                "/v1/messages", json=body, headers=bearer(said) | CHAT
            )
            assert again.json()["messages"] == answer
