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

from chat.gateway.conversation import scoped_id
from chat.gateway.requests import Beginning, IncomingMessage, Tokens
from lab.plain_gateway import DISCLOSES
from ops.stack import Stack
from safeguarding.settings import Settings

SENDERS, GATEWAYS = 12, 2
GATEWAY = "lab.plain_gateway"
IN_A_CONVERSATION = 5
ASK_S = 8.0
"""A little longer than the widget waits before it sends a message again."""
_BUSY_SHARE = 0.9
"""Of the time, in which conversations begin; the rest is for those who still insist."""
SETTLE_S = 180.0
"""How long all may take to come back, in seconds."""


class Deployment:
    """The processes under test: two gateways and two dispatchers, one Rasa and action server."""

    def __init__(self, state: Path, url: str | None, redis_url: str | None, mail_port: int) -> None:
        env = {
            "LANTERN_MESSAGES_PER_MINUTE": "10000000",
            "LANTERN_ALERT_TEAM_EMAIL": "team@lantern.example",
            "LANTERN_SMTP_HOST": "127.0.0.1",
            "LANTERN_SMTP_PORT": str(mail_port),
            "LANTERN_SMTP_SECURITY": "none",
            # Each case in a message of its own, which names it; else the flood comes as digests.
            "LANTERN_ALERT_DIGEST_AFTER": "1000",
            "LANTERN_ALERT_DIGEST_MINUTES": "1",
        }
        env |= {"LANTERN_DATABASE_URL": url} if url else {}
        env |= {"LANTERN_REDIS_URL": redis_url} if redis_url else {}
        first = Stack(state, env, GATEWAY)
        env |= {"LANTERN_RASA_URL": first.url("rasa")}
        self.stacks = [first, *(Stack(state, env, GATEWAY) for _ in range(GATEWAYS - 1))]
        self.settings = Settings.from_env(first.env)
        self.gateways = [stack.gateway for stack in self.stacks]
        self.dispatchers = [stack.dispatcher for stack in self.stacks]
        self.rasa, self.actions = first.rasa, first.actions

    def start(self) -> None:
        """Set it up and start all."""
        first = self.stacks[0]
        first.setup()
        first.start(self.rasa, self.actions, *self.gateways, *self.dispatchers)

    def stop(self) -> None:
        """Stop all."""
        for stack in self.stacks:
            stack.stop()

    def gateway(self, chance: random.Random) -> str:
        """The address of one of the gateways."""
        return chance.choice(self.stacks).url("gateway")

    def waits(self) -> int:
        """How many records are on the spool, in memory only or in no case yet, and how many alerts
        are not sent.

        -1 while a process is not there.
        """
        total = 0
        for stack in self.stacks:
            try:
                kept = httpx.get(f"{stack.url('gateway')}/readyz", timeout=10).json()
                sent = httpx.get(f"{stack.url('dispatcher')}/readyz", timeout=10).json()
            except httpx.HTTPError:
                return -1
            total += kept["spool"] + kept["unsaved"] + (kept["database"] != "up")
            total += sum(sent["queued"].values()) + (sent["late_s"] > 0) + sent["handoffs"]
        return total


@dataclass
class Told:
    """What the senders did."""

    answered: set[str]
    """The record's id of each message that got an answer."""
    sent: int = 0
    again: int = 0


class Senders:
    """People who disclose, spread over the time that there is, and no more than are wanted."""

    def __init__(self, deployment: Deployment, seed: int, wanted: int, seconds: float) -> None:
        self._deployment = deployment
        self._tokens = Tokens(deployment.settings.secret("token_key"))
        self._seed, self._wanted, self._seconds = seed, wanted, seconds
        self._started = time.monotonic()
        self._until = self._started + seconds
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
            while self._is_next() and time.monotonic() < self._until:
                token = self._tokens.issue(Beginning(None, None))
                conversation_id = self._tokens.read(token).conversation_id
                for _ in range(IN_A_CONVERSATION):
                    message = UUID(int=chance.getrandbits(128), version=4)
                    sent = IncomingMessage(message, f"he keeps {DISCLOSES}, {message}")
                    if self._insist(http, chance, token, sent):
                        with self._lock:
                            self.told.answered.add(scoped_id(conversation_id, sent))

    def _is_next(self) -> bool:
        """Wait for the turn of the next conversation; False when there are enough."""
        with self._lock:
            before = self.told.sent
            if before >= self._wanted:
                return False
            self.told.sent += IN_A_CONVERSATION
        turn = self._started + _BUSY_SHARE * self._seconds * before / self._wanted
        time.sleep(max(0.0, turn - time.monotonic()))
        return True

    def _insist(
        self, http: httpx.Client, chance: random.Random, token: str, sent: IncomingMessage
    ) -> bool:
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
