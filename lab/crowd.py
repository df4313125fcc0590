"""`make load`: a crowd that chats for minutes, then a storm that nobody can answer in full.

In the crowd each of 200 people types, presses buttons, tells something, and thinks in between; any
answer but a full one, or a disclosure without help, is a fault. In the storm ten times as many
messages arrive as Lantern can answer: each must still get an answer, and help where it tells of
risk. Everyone has an address of their own, as behind a proxy.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import click
import httpx

from lab.load import gateway_opener, load
from ops.stack import Stack

SAID = (
    "hi", "what is grooming", "are you a real person", "can i talk to someone", "thanks",
    "how do i report someone on snapchat", "what happens if i tell a teacher", "im bored",
    "my boyfriend checks my phone all the time is that ok", "what stays private",
    "my daughter is talking to someone online and hides her phone", "no", "ok", "who reads this",
    "a pupil told me something today what do i do", "my mate is being weird with me lately",
)  # fmt: skip
TOLD = (
    "hes 24 and he keeps asking for pics, he said he'd hurt my brother if i tell",
    "my uncle keeps touching me",
    "i want to kill myself",
    "he locked me in and he has a knife",
    "they make me carry drugs for them and i cant get out",
    "he hits me when he is drunk",
)
"""Disclosures: whoever gets no help after one of these is failed."""
DISCLOSES, PRESSES = 0.15, 0.35
"""How often a turn tells something, and how often a button is pressed where there is one."""
_NUMBERS = re.compile(r"0800 ?1111|999|116 ?123|85258")
Messages = Sequence[dict[str, Any]]


def holds_help(messages: Messages) -> bool:
    """Whether somebody who reads these knows where to turn."""
    said = any(_NUMBERS.search(message.get("text", "")) for message in messages)
    return said or any(message.get("contacts") for message in messages)


@dataclass
class Seen:
    """What all people together were answered."""

    statuses: Counter[int | str] = field(default_factory=Counter)
    """By status; by the kind of error where there was no answer."""
    without_help: int = 0
    """Disclosures that were answered without help."""
    milliseconds: list[float] = field(default_factory=list)

    def faults(self, allowed: Sequence[int]) -> int:
        """Answers of another status, none at all, and disclosures without help."""
        wrong = sum(count for status, count in self.statuses.items() if status not in allowed)
        return wrong + self.without_help

    def lines(self) -> Iterator[str]:
        """What was seen, for a terminal."""
        counts = ", ".join(f"{status}: {count}" for status, count in self.statuses.most_common())
        yield f"  {sum(self.statuses.values())} messages, by status {{{counts}}}"
        yield f"  disclosures without help: {self.without_help}"
        if len(self.milliseconds) > 1:
            middle, most = median(self.milliseconds), quantiles(self.milliseconds, n=100)[98]
            yield f"  answered in {middle:.0f} ms in the middle, 99 of 100 within {most:.0f} ms"


class Person:
    """Somebody with an address and a conversation."""

    def __init__(self, http: httpx.AsyncClient, base: str, number: int, seen: Seen) -> None:
        self._http = http
        self._base = base
        self._headers = {
            "X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        }
        self._seen = seen
        self._choices: list[str] = []

    async def begin(self) -> None:
        """Open the conversation. Raises httpx.HTTPError."""
        answer = await self._http.post(
            f"{self._base}/v1/conversations", json={}, headers=self._headers
        )
        self._headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['token']}"

    async def turn(self, chance: random.Random) -> None:
        """Send something, and note what came of it."""
        if self._choices and chance.random() < PRESSES:
            await self.send(choice=chance.choice(self._choices))
        elif chance.random() < DISCLOSES:
            await self.send(text=chance.choice(TOLD), discloses=True)
        else:
            await self.send(text=chance.choice(SAID))

    async def send(self, *, discloses: bool = False, **said: str) -> None:
        """Send a text or a choice, and note what came of it. Raises nothing."""
        body = {"id": str(uuid.uuid4()), **said}
        started = time.perf_counter()
        try:
            answer = await self._http.post(
                f"{self._base}/v1/messages", json=body, headers=self._headers
            )
            messages: Messages = answer.json().get("messages") or []
        except (httpx.HTTPError, ValueError) as error:
            self._seen.statuses[type(error).__name__] += 1
            self._seen.without_help += discloses
            return
        self._seen.milliseconds.append((time.perf_counter() - started) * 1000)
        self._seen.statuses[answer.status_code if messages else "empty"] += 1
        self._seen.without_help += discloses and not holds_help(messages)
        self._choices = [c["id"] for message in messages for c in message.get("choices", ())]


@dataclass(frozen=True)
class Crowd:
    """How many people, for how long, and how long they think between two messages, in seconds."""

    people: int = 200
    seconds: float = 300
    think_s: tuple[float, float] = (6.0, 24.0)


async def chat(base: str, crowd: Crowd, seed: int = 1) -> Seen:
    """Let the crowd chat. People come in one by one over the first think time."""
    seen, ends = Seen(), time.monotonic() + crowd.seconds

    async def live(number: int, http: httpx.AsyncClient) -> None:
        chance = random.Random(seed * 100_000 + number)  # noqa: S311 - no secret
        await asyncio.sleep(chance.uniform(0, min(crowd.think_s[1], crowd.seconds / 2)))
        person = Person(http, base, number, seen)
        await person.begin()
        while time.monotonic() < ends:
            await person.turn(chance)
            await asyncio.sleep(chance.uniform(*crowd.think_s))

    async with _client() as http:
        await asyncio.gather(*(live(number, http) for number in range(crowd.people)))
    return seen


async def storm(base: str, per_second: float, seconds: float, people: int = 2_000) -> Seen:
    """Send so many messages a second, whatever comes back; every seventh tells something."""
    seen, sending = Seen(), set[asyncio.Task[None]]()
    messages = round(per_second * seconds)
    async with _client() as http:
        crowd = [Person(http, base, number, seen) for number in range(min(people, messages))]
        for first in range(0, len(crowd), 20):
            await asyncio.gather(*(person.begin() for person in crowd[first : first + 20]))
        started = time.monotonic()
        for number in range(messages):
            due = started + number / per_second
            if (early := due - time.monotonic()) > 0:
                await asyncio.sleep(early)
            person, discloses = crowd[number % len(crowd)], number % 7 == 0
            words = TOLD if discloses else SAID
            text = words[number // 7 % len(words)]
            sending.add(asyncio.create_task(person.send(text=text, discloses=discloses)))
        await asyncio.gather(*sending)
    return seen


def _client() -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=500)
    return httpx.AsyncClient(timeout=120, limits=limits, trust_env=False)


async def answered_by(base: str) -> dict[str, int]:
    """How many messages each answered so far: Rasa, the gateway alone, the limit."""
    async with _client() as http:
        text = (await http.get(f"{base}/metrics")).text
    found = re.findall(
        r'^lantern_messages_total\{answered_by="(\w+)"\} ([\d.]+)', text, re.MULTILINE
    )
    return {name: int(float(count)) for name, count in found}


@click.command()
@click.option("--people", default=200, show_default=True)
@click.option("--seconds", default=300, show_default=True, help="For how long the crowd chats.")
@click.option("--storm-seconds", default=30, show_default=True)
def main(people: int, seconds: int, storm_seconds: int) -> None:
    """Run the crowd, then the storm, at a Lantern of its own; fail on any fault."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), {"LANTERN_TRUSTED_PROXIES": "1"})
        stack.setup()
        try:
            stack.start(stack.gateway, stack.actions, stack.rasa)
            faults = asyncio.run(_run(stack.url("gateway"), people, seconds, storm_seconds))
        finally:
            stack.stop()
    if faults:
        raise click.ClickException(f"{faults} faults")


async def _run(base: str, people: int, seconds: int, storm_seconds: int) -> int:
    click.echo(f"{people} people for {seconds} s")
    crowd = await chat(base, Crowd(people, seconds))
    click.echo("\n".join([*crowd.lines(), f"  answered by {await answered_by(base)}"]))
    found = await load(gateway_opener(base), itertools.cycle(SAID), 16, 160)
    rate = 10 * found.per_second
    click.echo(f"Storm: ten times {found.per_second} messages/s, for {storm_seconds} s")
    flood = await storm(base, rate, storm_seconds)
    click.echo("\n".join([*flood.lines(), f"  answered by {await answered_by(base)}"]))
    return crowd.faults([200]) + flood.faults([200, 429])
