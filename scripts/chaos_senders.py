"""What chaos is made on: the gateways of a deployment, and the people who write to them."""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx

from safeguarding.settings import Settings
from scripts.plain_gateway import DISCLOSES
from scripts.stack import Stack
from web.gateway.conversations import Conversation, scoped_id
from web.gateway.requests import Beginning, Sent, Tokens

SENDERS, GATEWAYS = 12, 2
IN_A_CONVERSATION = 5
ASK_S = 8.0
"""A little longer than the widget waits before it sends a message again."""
SETTLE_S = 120.0
"""How long all may take to come back, in seconds."""


class Deployment:
    """The processes under test, and what can be done to them."""

    def __init__(self, state: Path, url: str | None, redis_url: str | None) -> None:
        env = {"LANTERN_MESSAGES_PER_MINUTE": "10000000"}
        env |= {"LANTERN_DATABASE_URL": url} if url else {}
        env |= {"LANTERN_REDIS_URL": redis_url} if redis_url else {}
        self.stacks = [Stack(state, env, "scripts.plain_gateway") for _ in range(GATEWAYS)]
        self.settings = Settings.from_env(self.stacks[0].env)

    def start(self) -> None:
        """Set it up and start the gateways."""
        self.stacks[0].setup()
        for stack in self.stacks:
            stack.start(stack.gateway)

    def stop(self) -> None:
        """Stop the gateways."""
        for stack in self.stacks:
            stack.stop()

    def gateway(self, chance: random.Random) -> str:
        """The address of one of the gateways."""
        return chance.choice(self.stacks).url("gateway")

    def waits(self) -> int:
        """How many records are on the spool or in memory only; -1 while a gateway is not there."""
        total = 0
        for stack in self.stacks:
            try:
                found = httpx.get(f"{stack.url('gateway')}/readyz", timeout=10).json()
            except httpx.HTTPError:
                return -1
            total += found["spool"] + found["unsaved"] + (found["database"] != "up")
        return total


@dataclass
class Told:
    """What the senders did."""

    answered: set[str]
    """The record's id of each message that got an answer."""
    sent: int = 0
    again: int = 0


class Senders:
    """People who disclose, until there are enough or the time is up."""

    def __init__(self, deployment: Deployment, seed: int, wanted: int, until: float) -> None:
        self._deployment = deployment
        self._tokens = Tokens(deployment.settings.secret("token_key"))
        self._seed, self._wanted, self._until = seed, wanted, until
        self._lock = threading.Lock()
        self.told = Told(set())
        self._threads = [threading.Thread(target=self._send, args=(n,)) for n in range(SENDERS)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Wait for the last answer."""
        for thread in self._threads:
            thread.join()

    def busy(self) -> bool:
        """Whether anybody still sends."""
        return any(thread.is_alive() for thread in self._threads)

    def _send(self, number: int) -> None:
        chance = random.Random(f"{self._seed} {number}")  # noqa: S311 - chaos, not secrets
        with httpx.Client(timeout=ASK_S) as http:
            while time.monotonic() < self._until and self._claim(IN_A_CONVERSATION):
                token = self._tokens.issue(Beginning(None, None))
                conversation = Conversation(self._tokens.read(token).conversation_id)
                for _ in range(IN_A_CONVERSATION):
                    message = UUID(int=chance.getrandbits(128), version=4)
                    sent = Sent(message, f"he keeps {DISCLOSES}, {message}")
                    if self._insist(http, chance, token, sent):
                        with self._lock:
                            self.told.answered.add(scoped_id(conversation, sent))

    def _claim(self, number: int) -> bool:
        with self._lock:
            free = self.told.sent < self._wanted
            self.told.sent += number if free else 0
        return free

    def _insist(self, http: httpx.Client, chance: random.Random, token: str, sent: Sent) -> bool:
        """Send it until it is answered, each time to any of the gateways; whether it was."""
        body = {"id": str(sent.id), "text": sent.text}
        while time.monotonic() < self._until + SETTLE_S:
            with suppress(httpx.HTTPError):
                answer = http.post(
                    f"{self._deployment.gateway(chance)}/v1/messages",
                    json=body,
                    headers={"Authorization": f"Bearer {token}"},
                )
                if answer.is_success:
                    return True
            with self._lock:
                self.told.again += 1
            time.sleep(0.2)
        return False
