"""The people of `make soak`: young people who chat, and a member of staff who opens their cases."""

from __future__ import annotations

import asyncio
import random
import re
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from chat.gateway.conversations import scoped_id
from chat.gateway.requests import IncomingMessage, Tokens
from lab.overload import PlainClient, QuietMessage
from safeguarding.taxonomy import Severity

IN_A_CONVERSATION = 5
DISCLOSING = 0.15
"""Share of the conversations whose first message is a disclosure."""
PAUSE_S = 20.0
"""Seconds between two messages of a person (docs/sizing.md)."""
ANSWER_S, AGAIN_S, GIVE_UP_S = 15.0, 2.0, 180.0
"""Seconds to wait for an answer, before sending again, and until a person gives up."""
READS_EVERY_S = 2.0
_CASE = re.compile(r'href="(/escalations/[^"?#/]+)"')
_QUEUE, _SIGN_IN = "/escalations", "/sign-in"


@dataclass
class SoakFigures:
    """What the young people did."""

    sent: int = 0
    answered: int = 0
    sent_again: int = 0
    to_record: dict[str, UUID] = field(default_factory=dict)
    """Answered messages that must be on record, by the id on record, with their conversation."""
    severities: dict[UUID, Severity] = field(default_factory=dict)
    """The severity that a quiet system gives the disclosure with which a conversation begins."""
    known: set[str] = field(default_factory=set)
    """The ids on record of all messages that were sent."""


class YoungPeople:
    """Conversations of five messages each, spread evenly over the time."""

    def __init__(
        self,
        port: int,
        tokens: Tokens,
        messages: Sequence[QuietMessage],
        wanted: int,
        seconds: float,
    ) -> None:
        """`port` is that of the gateway. `wanted` messages are sent, each one of `messages`."""
        self._http = PlainClient(port)
        self._tokens = tokens
        self._grave = [each for each in messages if each.severity > Severity.NONE]
        self._calm = [each for each in messages if each.severity == Severity.NONE]
        self._number = max(1, wanted // IN_A_CONVERSATION)
        self._pause_s = min(PAUSE_S, seconds / (2 * IN_A_CONVERSATION))
        self._apart_s = max(0.0, seconds - IN_A_CONVERSATION * self._pause_s) / self._number
        self.figures = SoakFigures()

    async def chat(self) -> None:
        """Let everybody chat; return when the last message was answered or given up."""
        await asyncio.gather(*map(self._live, range(self._number)))

    async def _live(self, number: int) -> None:
        chance = random.Random(number)  # noqa: S311 - no secret
        await asyncio.sleep(number * self._apart_s)
        address = {"X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}
        begun = await self._post("/v1/conversations", {}, address, "token")
        if begun is None:
            return
        conversation = self._tokens.read(begun["token"]).conversation_id
        headers = address | {"Authorization": f"Bearer {begun['token']}"}
        discloses = chance.random() < DISCLOSING
        for turn in range(IN_A_CONVERSATION):
            message = chance.choice(self._grave if discloses and turn == 0 else self._calm)
            if discloses and turn == 0:
                self.figures.severities[conversation] = message.severity
            await self._say(conversation, headers, message.text, is_for_staff=discloses)
            await asyncio.sleep(self._pause_s)

    async def _say(
        self, conversation: UUID, headers: Mapping[str, str], text: str, *, is_for_staff: bool
    ) -> None:
        sent = IncomingMessage(uuid.uuid4(), text)
        on_record = scoped_id(conversation, sent)
        self.figures.known.add(on_record)
        self.figures.sent += 1
        body = {"id": str(sent.id), "text": text}
        if await self._post("/v1/messages", body, headers, "messages") is not None:
            self.figures.answered += 1
            if is_for_staff:
                self.figures.to_record[on_record] = conversation

    async def _post(
        self, path: str, body: dict[str, str], headers: Mapping[str, str], wanted: str
    ) -> dict[str, str] | None:
        """Send it until the answer holds what is `wanted`; None if that is given up."""
        until = time.monotonic() + GIVE_UP_S
        while time.monotonic() < until:
            with suppress(OSError, asyncio.IncompleteReadError, ValueError):
                asked = self._http.post(path, body, dict(headers))
                answer: dict[str, str] = await asyncio.wait_for(asked, ANSWER_S)
                if answer.get(wanted):
                    return answer
            self.figures.sent_again += 1
            await asyncio.sleep(AGAIN_S)
        return None


class Lead:
    """A member of staff who opens the cases of the queue, one after the other, on a thread."""

    def __init__(self, console: str, name: str, password: str) -> None:
        """`console` is its address."""
        self._console = console
        self._form = {"name": name, "password": password}
        self._page = 1
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="lead", daemon=True)
        self.opened: set[str] = set()

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        with httpx.Client(base_url=self._console, timeout=15, follow_redirects=True) as http:
            while not self._stop.wait(READS_EVERY_S):
                with suppress(httpx.HTTPError):  # the console is just started again
                    self._read(http)

    def _read(self, http: httpx.Client) -> None:
        """Open the first case of the page that was not opened yet; without one, turn the page."""
        queue = http.get(_QUEUE, params={"page": self._page})
        if queue.url.path == _SIGN_IN:
            http.post(_SIGN_IN, data=self._form).raise_for_status()
            return
        listed = _CASE.findall(queue.raise_for_status().text)
        new = next((each for each in listed if each not in self.opened), None)
        if new is not None:
            self.opened.add(new)
            http.get(new).raise_for_status()
            return
        # The last page is shown in place of one that is not there.
        is_last = self._page > 1 + len(self.opened) // max(len(listed), 1)
        self._page = 1 if is_last or not listed else self._page + 1
