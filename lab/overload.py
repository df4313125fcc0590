"""More messages than can be answered, all different, and perhaps a kill -9 of everything meanwhile.

Each message begins a conversation of its own. First, an idle screening process assesses each one:
that is the severity that a quiet system gives it. Afterwards each case is compared with that: a
disclosure must be on record with its severity, and a harmless message must not be a case.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from statistics import quantiles
from typing import Any

import httpx
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from chat.gateway.requests import Bearer, Tokens
from ops.stack import SERVICES, Stack
from safeguarding.corpus import read_examples
from safeguarding.screening.lanes import SHORT
from safeguarding.screening.process import COMMAND, ScreeningProcess
from safeguarding.screening.task import ScreeningTask
from safeguarding.settings import Settings
from safeguarding.taxonomy import Severity
from staff.cases.tables import cases
from storage.engine import READING, connect
from storage.handoffs import figures

DISCLOSURES = 0.15
"""Share of the messages that disclose something."""
SETTLE_S = 60.0
"""Seconds after the load within which every severity must be on record."""
GIVE_UP_S = 1_800.0
"""Seconds after which waiting for the assessment of every message is given up."""
HELP_S = 2.0
"""Seconds within which every answer must be there."""
SENT_AGAIN = 8
"""How often a message that got no answer is sent again, as the page does."""
AGAIN_AFTER_S = 2.0
_AT_ONCE = 16


@dataclass(frozen=True)
class QuietMessage:
    """A message, and the severity that a quiet system gives it."""

    text: str
    severity: Severity


class PlainClient:
    """Posts JSON to one port of this machine over kept connections.

    Libraries for people spend more on a request than the gateway does, on the same cores.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, path: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
        """Return the decoded answer. Raises OSError, IncompleteReadError and ValueError."""
        content = json.dumps(body).encode()
        about = {"Host": "load", "Content-Type": "application/json", **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in about.items())
        start = f"POST {path} HTTP/1.1\r\n{head}Content-Length: {len(content)}\r\n\r\n"
        if self._idle:
            reader, writer = self._idle.pop()
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(start.encode() + content)
        said = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(said.partition("content-length:")[2].split()[0])
        answer: dict[str, Any] = json.loads(await reader.readexactly(length))
        if "connection: close" in said:
            writer.close()
        else:
            self._idle.append((reader, writer))
        return answer


@dataclass
class OverloadFigures:
    """What came of one storm."""

    sent: int = 0
    answered_at_once: int = 0
    """Messages whose first sending was answered."""
    unanswered: int = 0
    """Messages that got no answer, however often they were sent."""
    seconds: list[float] = field(default_factory=list)
    """How long each answered sending took."""
    disclosures: int = 0
    missing: int = 0
    """Disclosures that are on no record."""
    lower: int = 0
    """Disclosures on record with a lower severity than a quiet system gives."""
    higher: int = 0
    harmless_cases: int = 0
    settled_s: float = 0.0
    """Seconds after the load until no message waited for its assessment."""

    def lines(self) -> Iterator[str]:
        """Return the figures as lines for a terminal."""
        late = sum(each > HELP_S for each in self.seconds)
        cuts = quantiles(self.seconds, n=100) if len(self.seconds) > 1 else [0.0] * 99
        yield (
            f"  {self.sent} messages, {self.answered_at_once} answered at once, "
            f"{self.unanswered} never; median {cuts[49]:.2f} s, 99 of 100 within {cuts[98]:.2f} s, "
            f"{late} after {HELP_S:.0f} s"
        )
        yield (
            f"  {self.disclosures} disclosures after {SETTLE_S:.0f} s: {self.missing} missing, "
            f"{self.lower} lower, {self.higher} higher; {self.harmless_cases} harmless messages "
            f"are cases; nothing waits after {self.settled_s:.0f} s"
        )

    @property
    def faults(self) -> int:
        """The number of messages that were not treated as they must be."""
        late = sum(each > HELP_S for each in self.seconds)
        return self.unanswered + self.missing + self.lower + self.harmless_cases + late


async def quiet_messages(number: int, seed: int = 1) -> list[QuietMessage]:
    """Return messages that are all different, each assessed by an idle screening process.

    They are the corpus's own sentences in a random order. Raises ScreeningAwayError.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    risk, harmless = set[str](), set[str]()
    for example in read_examples():
        (risk if example.severity >= Severity.CONCERN else harmless).add(example.text)
    wanted = round(number * DISCLOSURES)
    texts = chance.sample(sorted(risk), min(wanted, len(risk)))
    texts += chance.sample(sorted(harmless - risk), min(number - wanted, len(harmless)))
    chance.shuffle(texts)
    # The environment of the lab lacks what the services' process needs.
    command = (str(SERVICES / "python"), *COMMAND[1:])
    process, room = ScreeningProcess(command), asyncio.Semaphore(_AT_ONCE)
    await process.start()

    async def one(text: str) -> QuietMessage:
        async with room:
            found, _ = await process.screen(ScreeningTask(text, is_answered=False), SHORT)
        return QuietMessage(text, found.assessment.severity)

    try:
        return list(await asyncio.gather(*map(one, texts)))
    finally:
        await process.close()


def overload(
    stack: Stack, messages: Sequence[QuietMessage], per_second: float, *, kill: bool
) -> OverloadFigures:
    """Send the messages to a running Lantern; with `kill`, end it without warning half-way."""
    found = OverloadFigures(sent=len(messages))
    tokens = asyncio.run(_storm(stack, messages, per_second, found, kill=kill))
    ended, settings = time.monotonic(), Settings.from_env(stack.env)
    engine = connect(settings.database_url)

    def settled(within_s: float) -> bool:
        while waits := _waiting(engine, stack.url("gateway")):
            if time.monotonic() - ended > within_s:
                break
            time.sleep(0.5)
        return not waits

    settled(SETTLE_S)
    _compare(engine, settings, stack.env, messages, tokens, found)
    found.settled_s = time.monotonic() - ended if settled(GIVE_UP_S) else inf
    engine.dispose()
    return found


async def _storm(
    stack: Stack,
    messages: Sequence[QuietMessage],
    per_second: float,
    found: OverloadFigures,
    *,
    kill: bool,
) -> list[str]:
    """Send the messages, each at its time; return the tokens of their conversations."""
    http = PlainClient(stack.ports["gateway"])
    tokens = await _tokens(http, len(messages))
    sending, started = set[asyncio.Task[None]](), time.monotonic()
    for number, (message, token) in enumerate(zip(messages, tokens, strict=True)):
        due = started + number / per_second
        if (early := due - time.monotonic()) > 0:
            await asyncio.sleep(early)
        sending.add(asyncio.create_task(_send(http, token, number, message.text, found)))
        if kill and number == len(messages) // 2:
            sending.add(asyncio.create_task(asyncio.to_thread(_kill, stack)))
    await asyncio.gather(*sending)
    return tokens


def _kill(stack: Stack) -> None:
    processes = (stack.gateway, stack.dispatcher)
    for process in processes:
        process.stop(signal.SIGKILL)
    for process in processes:
        process.start()


async def _tokens(http: PlainClient, number: int) -> list[str]:
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(address: int) -> str:
        async with room:
            answer = await http.post("/v1/conversations", {}, _address(address))
        return str(answer["token"])

    return list(await asyncio.gather(*map(one, range(number))))


async def _send(
    http: PlainClient, token: str, number: int, text: str, found: OverloadFigures
) -> None:
    body = {"id": str(uuid.uuid4()), "text": text}
    headers = {"Authorization": f"Bearer {token}", **_address(number)}
    for again in range(SENT_AGAIN + 1):
        started = time.monotonic()
        try:
            answer = await http.post("/v1/messages", body, headers)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            answer = {}
        if answer.get("messages"):
            found.seconds.append(time.monotonic() - started)
            found.answered_at_once += again == 0
            return
        await asyncio.sleep(AGAIN_AFTER_S)
    found.unanswered += 1


def _address(number: int) -> dict[str, str]:
    return {"X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}


def _waiting(engine: Engine, gateway: str) -> int:
    """Count what waits in the mailbox, on the spool and in memory."""
    with engine.connect().execution_options(**READING) as connection:
        counted = figures(connection)
    state = httpx.get(f"{gateway}/readyz", timeout=10).json()
    return counted.waiting + counted.unassessed + int(state["spool"]) + int(state["unsaved"])


def _compare(
    engine: Engine,
    settings: Settings,
    env: Mapping[str, str],
    messages: Sequence[QuietMessage],
    tokens: Sequence[str],
    found: OverloadFigures,
) -> None:
    reads = Tokens(settings.secret("token_key", env))
    bearers: list[Bearer] = [reads.read(token) for token in tokens]
    with engine.connect().execution_options(**READING) as connection:
        query = sa.select(cases.c.id, cases.c.severity)
        recorded = {row.id: Severity(row.severity) for row in connection.execute(query)}
    counted = Counter[str]()
    for message, bearer in zip(messages, bearers, strict=True):
        real = recorded.get(str(bearer.conversation_id))
        if message.severity == Severity.NONE:
            counted["harmless"] += real is not None
        elif real is None:
            counted["missing"] += 1
        else:
            counted["lower"] += real < message.severity
            counted["higher"] += real > message.severity
    found.disclosures = sum(message.severity > Severity.NONE for message in messages)
    found.missing, found.lower, found.higher = (
        counted["missing"], counted["lower"], counted["higher"],
    )  # fmt: skip
    found.harmless_cases = counted["harmless"]
