"""The young people of the live chats: each is a small state machine that behaves as the widget.

It sends a message again, under the same id, until it is answered. It listens by server-sent events
or by long polls, keeps the cursor, shows what has a number once, and changes to polls for good when
a stream is silent at its beginning.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from lab.chaos.live_record import By, LiveRecord, SaidLine, ShownLine, Trouble, Way
from safeguarding.messages import words_of

ANSWER_S = 6.0
"""Seconds that the page waits for an answer before it sends the message again."""
SILENT_S = 8.0
"""A stream without a byte for so long is given up: at its beginning for good, later for a new one,
and for good when that happens twice in a row."""
POLL_WAIT_S, POLL_MORE_S = 20, 3.0
PAUSES_S = (0.5, 1.0, 1.5)
"""Pauses before the page listens again after a failure; the last one repeats."""
AGAIN_S = 0.5
_NONE = "none"
_EVENTS = "text/event-stream"


class GivenUpError(Exception):
    """Something that had to happen did not happen in time. The message says what."""


@dataclass
class Page:
    """What the page knows."""

    cursor: str = ""
    state: str = _NONE
    chat: str | None = None
    typing: bool = False
    number: int = 0
    notice: int = -1
    """The highest number of a person's message, and of a notice, that was shown."""


class YoungPerson:
    """One young person in one conversation."""

    def __init__(self, address: str, record: LiveRecord, chance: random.Random) -> None:
        """`address` leads to the gateways, through the network of this person."""
        self._http = httpx.AsyncClient(base_url=address, timeout=ANSWER_S, verify=False)  # noqa: S501 - plain HTTP
        self._record, self._chance = record, chance
        self._token = ""
        self._page = Page()
        self._changed = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self._streams = record.by_events
        self._choices: set[str] = set()
        self._is_gone = False
        self._pause_s = 0.0
        """How long the gateway asks the page to pause, because too many listen."""
        self._silent = 0
        """How many streams in a row fell silent."""
        self.again = 0
        """How often a request was sent again."""

    # ---- what a person does ---------------------------------------------------------------------
    async def begin(self, until: float) -> str:
        """Begin a conversation. Returns its token."""
        body = await self._ask("POST", "/v1/conversations", {}, until)
        self._token = body["token"]
        return self._token

    async def say(self, text: str, until: float) -> list[ShownLine]:
        """Send typed words until they are answered. Returns what was shown in reply."""
        line = SaidLine(text, time.time())
        self._record.said.append(line)
        shown = await self._send({"text": text}, until)
        line.accepted_at = time.time()
        return shown

    async def press(self, choice: str, until: float) -> list[ShownLine]:
        """Press a button until it is answered."""
        return await self._send({"choice": choice}, until)

    async def offered(self, choice: str, until: float) -> None:
        """Wait until there is such a button. Raises GivenUpError."""
        await self._wait(lambda: choice in self._choices, until, f"no button {choice}")

    async def until_state(self, *states: str, until: float) -> str:
        """Wait until the page shows one of these states, and return it. Raises GivenUpError."""
        await self._wait(lambda: self._page.state in states, until, f"not {' or '.join(states)}")
        return self._page.state

    @property
    def listens(self) -> bool:
        """Whether the page was told to listen for a person."""
        return self._listening is not None

    @property
    def state(self) -> str:
        """The state of the live chat that the page shows."""
        return self._page.state

    async def leave(self) -> None:
        """Close the page."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        await self._http.aclose()

    # ---- requests -------------------------------------------------------------------------------
    async def _send(self, said: dict[str, str], until: float) -> list[ShownLine]:
        body = {"id": str(UUID(int=self._chance.getrandbits(128), version=4)), **said}
        if self._page.state != _NONE and self._page.chat:
            body["live"] = self._page.chat
        asked_at = time.time()
        answer = await self._ask("POST", "/v1/messages", body, until)
        if answer.get("live"):
            self._note_state(answer["live"])
        shown = [self._show(message, "answer", asked_at) for message in answer["messages"]]
        if answer.get("listen") and (self._listening is None or self._listening.done()):
            self._listening = asyncio.create_task(self._listen())
        return shown

    async def _ask(
        self, method: str, path: str, body: dict[str, Any], until: float
    ) -> dict[str, Any]:
        while time.time() < until:
            with suppress(httpx.HTTPError, ValueError):
                answer = await self._http.request(method, path, json=body, headers=self._headers())
                if answer.is_success:
                    found: dict[str, Any] = answer.json()
                    return found
            self.again += 1
            await asyncio.sleep(AGAIN_S)
        raise GivenUpError(f"no answer from {path}")

    def _headers(self, **more: str) -> dict[str, str]:
        known = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        return known | more

    # ---- listening ------------------------------------------------------------------------------
    async def _listen(self) -> None:
        failures = 0
        while True:
            try:
                went_on = await (self._stream() if self._streams else self._poll())
            except (httpx.HTTPError, ValueError, TimeoutError):
                pause = PAUSES_S[min(failures, len(PAUSES_S) - 1)]
                failures += 1
                await asyncio.sleep(pause * self._chance.uniform(0.7, 1))
                continue
            failures = 0
            if not went_on:
                return
            await asyncio.sleep(self._pause_s)

    def _address(self, wait_s: int) -> str:
        page = self._page
        typing = "true" if page.typing else "false"
        known = f"state={page.state}&typing={typing}&wait={wait_s}"
        return f"/v1/live?after={page.cursor}&{known}" if page.cursor else f"/v1/live?{known}"

    async def _poll(self) -> bool:
        """Ask once. Returns whether the page goes on listening."""
        asked_at = time.time()
        answer = await self._http.get(
            self._address(POLL_WAIT_S),
            headers=self._headers(),
            timeout=POLL_WAIT_S + POLL_MORE_S,
        )
        answer.raise_for_status()
        return self._take(answer.json(), "polls", asked_at)

    async def _stream(self) -> bool:
        opened_at = time.time()
        headers = self._headers(Accept=_EVENTS)
        request = self._http.build_request(
            "GET", self._address(POLL_WAIT_S), headers=headers, timeout=httpx.Timeout(None)
        )
        try:
            async with asyncio.timeout(SILENT_S):
                response = await self._http.send(request, stream=True)
        except TimeoutError:
            # No byte came: a proxy holds the stream, or the way is cut.
            self._give_up_streams(opened_at)
            raise
        try:
            response.raise_for_status()
            if not response.headers["content-type"].startswith(_EVENTS):
                # Too many listen: it was answered as a poll.
                await response.aread()
                return self._take(response.json(), "polls", opened_at)
            return await self._read(response.aiter_lines(), opened_at)
        finally:
            await response.aclose()

    async def _read(self, lines: AsyncIterator[str], opened_at: float) -> bool:
        goes_on, heard_at = True, opened_at
        while goes_on:
            try:
                async with asyncio.timeout(SILENT_S):
                    line = await anext(lines, None)
            except TimeoutError:
                self._silent += 1
                if self._silent > 1:
                    self._give_up_streams(heard_at)
                raise
            if line is None:
                break
            heard_at = time.time()
            if line.startswith("data:"):
                goes_on = self._take(json.loads(line[5:]), "events", opened_at)
                await self._confirm()
        self._silent = 0
        return goes_on

    def _give_up_streams(self, heard_at: float) -> None:
        """Listen by polls from now on: the stream was silent since a moment."""
        self._streams = False
        self._record.troubles.append(Trouble(heard_at, time.time(), "stream held"))

    async def _confirm(self) -> None:
        """Tell the gateway what was shown, as the page does after an event."""
        with suppress(httpx.HTTPError):
            await self._http.get(self._address(0), headers=self._headers(), timeout=2.0)

    # ---- what is shown --------------------------------------------------------------------------
    def _take(self, body: dict[str, Any], way: Way, asked_at: float) -> bool:
        new = [message for message in body["messages"] if self._is_new(message)]
        self._note_state(body)
        for message in new:
            line = self._show(message, way, asked_at)
            if self._is_gone and line.by != "person" and self._record.told_at is None:
                self._record.told_at = line.at
        self._choices |= {choice["id"] for choice in body["choices"]}
        self._pause_s = float(body.get("pause", 0))
        self._page.cursor = body["cursor"]
        self._page.typing = body["typing"]
        return bool(body["listen"])

    def _is_new(self, message: dict[str, Any]) -> bool:
        """Return whether the page has not shown it yet, by the number or the index it has."""
        page = self._page
        if message.get("by") == "person":
            before, page.number = page.number, max(page.number, message["number"])
            return before < page.number
        before, page.notice = page.notice, max(page.notice, message["notice"])
        return before < page.notice

    def _note_state(self, live: dict[str, Any]) -> None:
        page, state = self._page, live["state"]
        if state == "open" and self._record.seen_open_at is None:
            self._record.seen_open_at = time.time()
        self._is_gone = self._is_gone or (page.state == "open" and state == _NONE)
        page.state, page.chat = state, live.get("chat")
        self._changed.set()

    def _show(self, message: dict[str, Any], way: Way, asked_at: float) -> ShownLine:
        self._choices |= {choice["id"] for choice in message.get("choices", [])}
        text = message["text"] if message.get("by") == "person" else words_of(message)  # type: ignore[arg-type]
        line = ShownLine(time.time(), speaker(message, way), text, way, asked_at)
        self._record.shown.append(line)
        self._changed.set()
        return line

    async def _wait(self, holds: Callable[[], bool], until: float, otherwise: str) -> None:
        while not holds():
            self._changed.clear()
            left_s = until - time.time()
            if left_s <= 0:
                raise GivenUpError(otherwise)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, 1.0)):
                    await self._changed.wait()


def speaker(message: dict[str, Any], way: Way) -> By:
    """Return who speaks in a message."""
    if message.get("by") == "person":
        return "person"
    if message["kind"] == "notice" or (way != "answer" and message["kind"] != "help_card"):
        return "notice"
    if message["kind"] == "help_card" and message.get("severity") == "immediate":
        return "danger"
    return "lantern"
