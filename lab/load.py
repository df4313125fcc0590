"""`make load`: a crowd that chats for minutes, then storms of more messages than can be answered.

In the crowd each of 200 people types, presses buttons, discloses something, and pauses in between;
any answer but a full one, or a disclosure without help, is a fault. In the storms two, five and ten
times as many messages arrive as Lantern can answer (lab/overload.py). Each person has an own
address, as behind a proxy.
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

from lab.bench.client import gateway_opener, load
from lab.overload import overload, quiet_messages
from ops.stack import Stack

ORDINARY = (
    "hi", "what is grooming", "are you a real person", "can i talk to someone", "thanks",
    "how do i report someone on snapchat", "what happens if i tell a teacher", "im bored",
    "my boyfriend checks my phone all the time is that ok", "what stays private",
    "my daughter is talking to someone online and hides her phone", "no", "ok", "who reads this",
    "a pupil told me something today what do i do", "my mate is being weird with me lately",
)  # fmt: skip
DISCLOSURES = (
    "hes 24 and he keeps asking for pics, he said he'd hurt my brother if i tell",
    "my uncle keeps touching me",
    "i want to kill myself",
    "he locked me in and he has a knife",
    "they make me carry drugs for them and i cant get out",
    "he hits me when he is drunk",
)
"""Messages that must be answered with help."""
FEW = 4
"""People who write at once while that is measured: so few that none gets help alone."""
MEASURED = 320
"""Messages by which the number that can be answered a second is measured."""
DISCLOSES, PRESSES = 0.15, 0.35
"""Share of the turns that disclose something, and that press a button where there is one."""
_NUMBERS = re.compile(r"0800 ?1111|999|116 ?123|85258")
Messages = Sequence[dict[str, Any]]


def holds_help(messages: Messages) -> bool:
    """Return whether the messages name a helpline or show contacts."""
    in_text = any(_NUMBERS.search(message.get("text", "")) for message in messages)
    return in_text or any(message.get("contacts") for message in messages)


@dataclass
class AnswerFigures:
    """Counts and times of the answers that all people got."""

    statuses: Counter[int | str] = field(default_factory=Counter)
    """Answers by HTTP status; by the type of error where there was none."""
    without_help: int = 0
    """Number of disclosures that were answered without help."""
    milliseconds: list[float] = field(default_factory=list)

    def faults(self, allowed: Sequence[int]) -> int:
        """Count errors, disclosures without help, and statuses that are not `allowed`."""
        wrong = sum(count for status, count in self.statuses.items() if status not in allowed)
        return wrong + self.without_help

    def lines(self) -> Iterator[str]:
        """Return the figures as lines for a terminal."""
        counts = ", ".join(f"{status}: {count}" for status, count in self.statuses.most_common())
        yield f"  {sum(self.statuses.values())} messages, by status {{{counts}}}"
        yield f"  disclosures without help: {self.without_help}"
        if len(self.milliseconds) > 1:
            middle, most = median(self.milliseconds), quantiles(self.milliseconds, n=100)[98]
            yield f"  answered in {middle:.0f} ms in the middle, 99 of 100 within {most:.0f} ms"


class Person:
    """One person of the crowd, with an address and a conversation."""

    def __init__(
        self, http: httpx.AsyncClient, base: str, number: int, figures: AnswerFigures
    ) -> None:
        self._http = http
        self._base = base
        self._headers = {
            "X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        }
        self._figures = figures
        self._choices: list[str] = []

    async def begin(self) -> None:
        """Open the conversation. Raises httpx.HTTPError."""
        answer = await self._http.post(
            f"{self._base}/v1/conversations", json={}, headers=self._headers
        )
        self._headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['token']}"

    async def turn(self, chance: random.Random) -> None:
        """Send a message or press a button, and note the answer."""
        if self._choices and chance.random() < PRESSES:
            await self.send(choice=chance.choice(self._choices))
        elif chance.random() < DISCLOSES:
            await self.send(text=chance.choice(DISCLOSURES), discloses=True)
        else:
            await self.send(text=chance.choice(ORDINARY))

    async def send(self, *, discloses: bool = False, **content: str) -> None:
        """Send a text or a choice, and note the answer or the error."""
        body = {"id": str(uuid.uuid4()), **content}
        started = time.perf_counter()
        try:
            answer = await self._http.post(
                f"{self._base}/v1/messages", json=body, headers=self._headers
            )
            messages: Messages = answer.json().get("messages") or []
        except (httpx.HTTPError, ValueError) as error:
            self._figures.statuses[type(error).__name__] += 1
            self._figures.without_help += discloses
            return
        self._figures.milliseconds.append((time.perf_counter() - started) * 1000)
        self._figures.statuses[answer.status_code if messages else "empty"] += 1
        self._figures.without_help += discloses and not holds_help(messages)
        self._choices = [c["id"] for message in messages for c in message.get("choices", ())]


@dataclass(frozen=True)
class Crowd:
    """Number of people, duration in seconds, and range of the pause between two messages."""

    people: int = 200
    seconds: float = 300
    pause_s: tuple[float, float] = (6.0, 24.0)


async def chat(base: str, crowd: Crowd, seed: int = 1) -> AnswerFigures:
    """Let the crowd chat. People arrive one by one during the longest pause."""
    figures, ends = AnswerFigures(), time.monotonic() + crowd.seconds

    async def live(number: int, http: httpx.AsyncClient) -> None:
        chance = random.Random(seed * 100_000 + number)  # noqa: S311 - no secret
        await asyncio.sleep(chance.uniform(0, min(crowd.pause_s[1], crowd.seconds / 2)))
        person = Person(http, base, number, figures)
        await person.begin()
        while time.monotonic() < ends:
            await person.turn(chance)
            await asyncio.sleep(chance.uniform(*crowd.pause_s))

    async with _client() as http:
        await asyncio.gather(*(live(number, http) for number in range(crowd.people)))
    return figures


def _client() -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=500)
    return httpx.AsyncClient(timeout=120, limits=limits, trust_env=False)


async def answered_by(base: str) -> dict[str, int]:
    """Return the number of messages answered so far by Rasa, the gateway alone and the limit."""
    async with _client() as http:
        text = (await http.get(f"{base}/metrics")).text
    counts = re.findall(
        r'^lantern_messages_total\{answered_by="(\w+)"\} ([\d.]+)', text, re.MULTILINE
    )
    return {name: int(float(count)) for name, count in counts}


@click.command()
@click.option("--people", default=200, show_default=True)
@click.option("--seconds", default=300, show_default=True, help="For how long the crowd chats.")
@click.option("--storm-seconds", default=60, show_default=True)
@click.option("--times", multiple=True, default=(2, 5, 10), show_default=True)
def main(people: int, seconds: int, storm_seconds: int, times: tuple[int, ...]) -> None:
    """Run the crowd, then storms with and without a kill, at a Lantern of its own.

    Fail on any fault.
    """
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), {"LANTERN_TRUSTED_PROXIES": "1"})
        stack.setup()
        try:
            stack.start(stack.gateway, stack.actions, stack.rasa, stack.dispatcher)
            faults = asyncio.run(_crowd(stack.url("gateway"), people, seconds))
            faults += _storms(stack, storm_seconds, times)
        finally:
            stack.stop()
    if faults:
        raise click.ClickException(f"{faults} faults")


async def _crowd(base: str, people: int, seconds: int) -> int:
    click.echo(f"{people} people for {seconds} s")
    crowd = await chat(base, Crowd(people, seconds))
    click.echo("\n".join([*crowd.lines(), f"  answered by {await answered_by(base)}"]))
    return crowd.faults([200])


def _storms(stack: Stack, seconds: int, times: Sequence[int]) -> int:
    """Send more than can be answered; return the number of faults."""
    different = asyncio.run(quiet_messages(MEASURED))
    texts = itertools.cycle(message.text for message in different)
    opener = gateway_opener(stack.url("gateway"))
    capacity = asyncio.run(load(opener, texts, FEW, MEASURED)).per_second
    click.echo(f"{capacity} messages a second, all different, are answered in full")
    faults = 0
    messages = asyncio.run(quiet_messages(round(max(times) * capacity * seconds), seed=2))
    for each in times:
        for kill in (False, True):
            rate = each * capacity
            how = ", killed half-way" if kill else ""
            click.echo(f"{each} times as many, {rate:.0f} a second for {seconds} s{how}")
            sent = messages[: round(rate * seconds)]
            found = overload(stack, sent, rate, kill=kill)
            click.echo("\n".join(found.lines()))
            faults += found.faults
    return faults
