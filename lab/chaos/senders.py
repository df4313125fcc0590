"""The deployment that `make chaos` breaks, and the people who write to its gateways."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from uuid import UUID

import httpx

from chat.gateway.conversations import scoped_id
from chat.gateway.requests import Beginning, IncomingMessage, Tokens
from lab.overload import QuietMessage
from ops.stack import Process, Stack
from safeguarding.settings import Settings
from safeguarding.taxonomy import Severity
from tests.fakes.plain_engine import DISCLOSES

SENDERS, GATEWAYS = 12, 2
GATEWAY, DISPATCHER = "lab.chaos.gateway", "lab.chaos.dispatcher"
"""The modules that are run as gateway and dispatcher."""
IN_A_CONVERSATION = 5
_REAL_EVERY = 3
"""One of so many conversations is a single real message: a tenth of the messages are real."""
TIMEOUT_S = 8.0
"""Wait for an answer; a little longer than the widget waits before it sends a message again."""
_BUSY_SHARE = 0.9
"""Share of the time in which conversations begin; in the rest messages are sent again."""
SETTLE_S = 180.0
"""Longest time for everything to recover, in seconds."""


def mailed_to(port: int) -> dict[str, str]:
    """Return the settings of a Lantern that sends its alerts to a mail server on this port."""
    return {
        "LANTERN_ALERT_TEAM_EMAIL": "team@lantern.example",
        "LANTERN_SMTP_HOST": "127.0.0.1",
        "LANTERN_SMTP_PORT": str(port),
        "LANTERN_SMTP_SECURITY": "none",
    }


class Deployment:
    """The processes under test: two gateways, two dispatchers, one Rasa, action server, console."""

    def __init__(
        self, state: Path, url: str | None, redis_url: str | None, mail_port: int | None
    ) -> None:
        """Prepare the processes. Without a mail server the dispatchers catch their mail."""
        env = {
            "LANTERN_MESSAGES_PER_MINUTE": "10000000",
            # Each case in a message of its own, which names it; else the flood comes as digests.
            "LANTERN_ALERT_DIGEST_AFTER": "1000",
            "LANTERN_ALERT_DIGEST_MINUTES": "1",
            **(mailed_to(mail_port) if mail_port else {}),
        }
        env |= {"LANTERN_DATABASE_URL": url} if url else {}
        env |= {"LANTERN_REDIS_URL": redis_url} if redis_url else {}
        first = Stack(state, env, GATEWAY, dispatcher=DISPATCHER)
        env |= {"LANTERN_RASA_URL": first.url("rasa")}
        self.stacks = [
            first,
            *(Stack(state, env, GATEWAY, dispatcher=DISPATCHER) for _ in range(GATEWAYS - 1)),
        ]
        self.settings = Settings.from_env(first.env)
        self.gateways = [stack.gateway for stack in self.stacks]
        self.dispatchers = [stack.dispatcher for stack in self.stacks]
        self.rasa, self.actions, self.console = first.rasa, first.actions, first.console

    def start(self) -> None:
        """Set up the state folder and start all processes but the console."""
        self._start(self.rasa, self.actions)

    def start_live(self, *, with_rasa: bool) -> None:
        """Start the console too; without Rasa the gateways answer alone."""
        self._start(self.console, *([self.rasa, self.actions] if with_rasa else []))
        until = time.monotonic() + SETTLE_S
        while not self._assesses() and time.monotonic() < until:
            time.sleep(0.5)

    def _assesses(self) -> bool:
        """Return whether each gateway assesses messages: some time after its start."""
        addresses = [f"{stack.url('gateway')}/readyz" for stack in self.stacks]
        return all(httpx.get(each, timeout=10).json()["screening"] == "up" for each in addresses)

    def _start(self, *more: Process) -> None:
        first = self.stacks[0]
        first.setup()
        first.start(*more, *self.gateways, *self.dispatchers)

    def stop(self) -> None:
        """Stop all processes."""
        for stack in self.stacks:
            stack.stop()

    def gateway(self, chance: random.Random) -> str:
        """Return the address of any of the gateways."""
        return chance.choice(self.stacks).url("gateway")

    def backlog(self) -> int:
        """Count the records that are not in a case yet and the alerts that are not sent.

        Returns -1 while a process does not answer.
        """
        total = 0
        for stack in self.stacks:
            try:
                gateway = httpx.get(f"{stack.url('gateway')}/readyz", timeout=10).json()
                dispatcher = httpx.get(f"{stack.url('dispatcher')}/readyz", timeout=10).json()
            except httpx.HTTPError:
                return -1
            total += gateway["spool"] + gateway["unsaved"] + (gateway["database"] != "up")
            total += sum(dispatcher["queued"].values()) + (dispatcher["late_s"] > 0)
            # Without its database a dispatcher counts nothing.
            total += dispatcher["handoffs"] + dispatcher["unassessed"]
            total += dispatcher["database"] != "up"
        return total


def settle(deployment: Deployment) -> float:
    """Wait until there is no backlog. Returns how long that took, in seconds."""
    started = time.monotonic()
    while deployment.backlog() != 0 and time.monotonic() - started < SETTLE_S:
        time.sleep(0.5)
    return time.monotonic() - started


@dataclass
class SenderFigures:
    """What the senders did so far."""

    answered: dict[str, str] = field(default_factory=dict)
    """The messages that got an answer, by the id that the record holds: when, and from which
    gateway."""
    sent: int = 0
    """Number of messages begun."""
    expected: dict[str, Severity] = field(default_factory=dict)
    """The real messages that got an answer, by their conversation, which holds nothing else: the
    severity that a quiet system gives each."""
    again: int = 0
    """Number of times that a message was sent again."""


class Senders:
    """Threads that send `wanted` disclosures, spread over `seconds`."""

    def __init__(
        self,
        deployment: Deployment,
        seed: int,
        wanted: int,
        seconds: float,
        real: Sequence[QuietMessage],
    ) -> None:
        """`real` are messages for the real risk engine, each of which is sent once."""
        self._deployment = deployment
        self._real = list(real)
        self._tokens = Tokens(deployment.settings.secret("token_key"))
        self._seed, self._wanted, self._seconds = seed, wanted, seconds
        self._started = time.monotonic()
        self._until = self._started + seconds
        self._lock = threading.Lock()
        self.figures = SenderFigures()
        self._threads = [threading.Thread(target=self._send, args=(n,)) for n in range(SENDERS)]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Wait until the last message was answered or given up."""
        for thread in self._threads:
            thread.join()

    def busy(self) -> bool:
        """Return whether any thread still sends."""
        return any(thread.is_alive() for thread in self._threads)

    def _send(self, number: int) -> None:
        chance = random.Random(f"{self._seed} {number}")  # noqa: S311 - chaos, not secrets
        with httpx.Client(timeout=TIMEOUT_S) as http:
            while self._next_is_due() and time.monotonic() < self._until:
                token = self._tokens.issue(Beginning(None, None))
                conversation_id = self._tokens.read(token).conversation_id
                real = self._next_real(chance)
                for _ in range(1 if real else IN_A_CONVERSATION):
                    message_id = UUID(int=chance.getrandbits(128), version=4)
                    text = real.text if real else f"he keeps {DISCLOSES}, {message_id}"
                    message = IncomingMessage(message_id, text)
                    gateway = self._send_until_answered(http, chance, token, message)
                    if gateway is not None:
                        at = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
                        with self._lock:
                            if real:
                                self.figures.expected[str(conversation_id)] = real.severity
                            if not real or real.severity > Severity.NONE:
                                answered = scoped_id(conversation_id, message)
                                self.figures.answered[answered] = f"{at} {gateway}"

    def _next_real(self, chance: random.Random) -> QuietMessage | None:
        """Return the next real message, or None where a conversation says only DISCLOSES."""
        with self._lock:
            is_real = self._real and chance.random() * _REAL_EVERY < 1
            return self._real.pop() if is_real else None

    def _next_is_due(self) -> bool:
        """Wait until the next conversation is due. Returns False when there are enough."""
        with self._lock:
            before = self.figures.sent
            if before >= self._wanted:
                return False
            self.figures.sent += IN_A_CONVERSATION
        turn = self._started + _BUSY_SHARE * self._seconds * before / self._wanted
        time.sleep(max(0.0, turn - time.monotonic()))
        return True

    def _send_until_answered(
        self, http: httpx.Client, chance: random.Random, token: str, message: IncomingMessage
    ) -> str | None:
        """Send a message to any of the gateways until one answers. Returns its address."""
        body = {"id": str(message.id), "text": message.text}
        while time.monotonic() < self._until + SETTLE_S:
            gateway = self._deployment.gateway(chance)
            with suppress(httpx.HTTPError):
                answer = http.post(
                    f"{gateway}/v1/messages",
                    json=body,
                    headers={"Authorization": f"Bearer {token}"},
                )
                if answer.is_success:
                    return gateway
            with self._lock:
                self.figures.again += 1
            time.sleep(0.2)
        return None
