"""All Rasa servers as one: who is asked, how many at once, and who is asked instead.

Rasa keeps nothing between messages, so that any server can answer any message, and a message that
one server did not answer may be sent to another.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Container, Sequence
from urllib.parse import urlsplit

import structlog

from chat.gateway.breaker import Breaker, BreakerState
from chat.gateway.rasa import (
    TIMEOUT,
    RasaClient,
    RasaReply,
    RasaRequest,
    RasaUnavailableError,
    connections,
)

PLACES = 8
"""Messages under way at one server. It has one thread: more than a few would only wait in it."""
ASK_ANOTHER_S = 1.5
"""Where another server is free, one that has not answered after so long is given up."""
LEAST_LEFT_S = 0.5
"""With less time than this before the deadline nobody else is asked."""
FAIR_S = 1.0
"""A server that had less time than this is no worse for not having answered."""
_FIRST_GUESS_S = 0.1
_SMOOTHING = 0.1
log = structlog.get_logger("gateway.rasa")


class RasaServer:
    """One server, and what is known of it."""

    def __init__(self, url: str, client: RasaClient) -> None:
        parts = urlsplit(url)
        self.name = f"{parts.hostname}:{parts.port or 80}"
        self.client = client
        self.breaker = Breaker()
        self.under_way = 0
        self.asked_at = 0.0
        self.seconds = _FIRST_GUESS_S
        """How long a message takes here, smoothed."""

    @property
    def places(self) -> int:
        """How many messages may be under way at it."""
        return {BreakerState.CLOSED: PLACES, BreakerState.TRYING: 1, BreakerState.OPEN: 0}[
            self.breaker.state
        ]

    @property
    def is_free(self) -> bool:
        return self.under_way < self.places

    def take_place(self) -> None:
        """One more message is under way."""
        self.under_way += 1
        self.asked_at = time.monotonic()


class RasaPool:
    """Asks the server that has the least to do. Whoever would wait too long for one is told at
    once: the gateway then answers by itself, with help."""

    def __init__(self, urls: Sequence[str], secret: str, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._http = connections(secret)
        self.servers = [RasaServer(url, RasaClient(url, self._http)) for url in urls]
        self.asked_again = 0
        """How often a second server was asked, because the first did not answer."""
        self._waiting: deque[asyncio.Future[RasaServer]] = deque()
        self._looking: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many messages wait for a server."""
        return sum(not waiter.done() for waiter in self._waiting)

    async def close(self) -> None:
        """Close all connections."""
        for looking in self._looking:
            looking.cancel()
        await self._http.aclose()

    async def are_up(self) -> dict[str, bool]:
        """Of each server, whether it answers."""
        up = await asyncio.gather(*(server.client.is_up() for server in self.servers))
        return dict(zip((server.name for server in self.servers), up, strict=True))

    async def reply(self, message: RasaRequest, timeout_s: float) -> RasaReply:
        """A reply to the message. Raises RasaUnavailableError within `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        server = await self._place(deadline)
        tried = {server}
        while True:
            left = deadline - time.monotonic()
            another = self._freest(tried) if left >= ASK_ANOTHER_S + LEAST_LEFT_S else None
            try:
                return await self._ask(server, message, ASK_ANOTHER_S if another else left)
            except RasaUnavailableError as error:
                another = self._freest(tried)
                too_late = deadline - time.monotonic() < LEAST_LEFT_S
                if not error.of_server or another is None or too_late:
                    raise
            server = another
            server.take_place()
            tried.add(server)
            self.asked_again += 1

    async def _ask(self, server: RasaServer, message: RasaRequest, within_s: float) -> RasaReply:
        """The reply of this server, where a place is taken. Raises RasaUnavailableError."""
        started = time.monotonic()
        try:
            reply = await server.client.reply(message, within_s)
        except RasaUnavailableError as error:
            fair = error.reason != TIMEOUT or within_s >= FAIR_S
            if error.of_server and fair and server.breaker.failed():
                log.warning("rasa.given_up", server=server.name, reason=error.reason)
                self._look_after(server)
            raise
        else:
            server.breaker.succeeded()
            server.seconds += _SMOOTHING * (time.monotonic() - started - server.seconds)
            return reply
        finally:
            self._give_back(server)

    async def _place(self, deadline: float) -> RasaServer:
        """A place at a server, when it is one's turn. Raises RasaUnavailableError."""
        server = None if self.waiting else self._freest()
        if server is not None:
            server.take_place()
            return server
        left = deadline - time.monotonic()
        if not any(server.places for server in self.servers):
            raise RasaUnavailableError("rasa-away")
        if self._expected_wait_s() > left:
            raise RasaUnavailableError("rasa-busy")
        # Not to the very end: what could not be answered any more is not begun.
        return await self._wait(left - min(server.seconds for server in self.servers))

    async def _wait(self, within_s: float) -> RasaServer:
        waiter: asyncio.Future[RasaServer] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(within_s):
                return await waiter
        except (TimeoutError, asyncio.CancelledError) as error:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._give_back(waiter.result())
            if isinstance(error, TimeoutError):
                raise RasaUnavailableError("rasa-busy") from None
            raise

    def _expected_wait_s(self) -> float:
        """How long until an answer, for whoever comes now: those before first."""
        open_ones = [server for server in self.servers if server.places]
        # As many as are under way come free in the time that one takes.
        a_second = sum(server.places / server.seconds for server in open_ones)
        return self.waiting / a_second + min(server.seconds for server in open_ones)

    def _freest(self, tried: Container[RasaServer] = ()) -> RasaServer | None:
        """Of those with a free place, the one with the least to do, and of such in turn."""
        free = (each for each in self.servers if each.is_free and each not in tried)
        return min(free, key=lambda each: (each.under_way, each.asked_at), default=None)

    def _give_back(self, server: RasaServer) -> None:
        server.under_way -= 1
        self._hand_out()

    def _hand_out(self) -> None:
        """Give free places to those who wait, in their order; none is to be had: say so."""
        while self._waiting and (server := self._freest()):
            waiter = self._waiting.popleft()
            if not waiter.done():
                server.take_place()
                waiter.set_result(server)
        if not any(server.places for server in self.servers):
            for waiter in self._waiting:
                if not waiter.done():
                    waiter.set_exception(RasaUnavailableError("rasa-away"))
            self._waiting.clear()

    def _look_after(self, server: RasaServer) -> None:
        looking = asyncio.create_task(self._until_well(server))
        self._looking.add(looking)
        looking.add_done_callback(self._looking.discard)

    async def _until_well(self, server: RasaServer) -> None:
        while server.breaker.state is BreakerState.OPEN:
            await asyncio.sleep(server.breaker.pause_s)
            if await server.client.is_up():
                log.warning("rasa.is_back", server=server.name)
                server.breaker.says_it_is_well()
        self._hand_out()
