"""A real server and real sockets: each deadline is counted from its beginning."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pytest
from sanic import HTTPResponse, Request, Sanic
from sanic.response import text

from tests.content import real_content
from tests.malformed import MALFORMED
from tests.unit.chat.gateway.conftest import until
from web import connections
from web.budget import Budget, ConnectionState
from web.connections import SLOWEST_BYTES_S, TIMES, BoundedProtocol, bound
from web.http import App, ErrorPhrases, PlainErrors

Sanic.test_mode = True
NAMES = itertools.count()
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
LONG = 1_000_000
KEPT = 1_000


class Door:
    """A small app on a free port; `gate` holds its answers back."""

    def __init__(self, app: App, port: int) -> None:
        self.app, self.port = app, port
        self.gate: asyncio.Event = app.ctx.gate

    @property
    def asked(self) -> int:
        """How many requests have come whole."""
        return int(self.app.ctx.asked)

    async def open(self, first: bytes = b"") -> Caller:
        """Make a connection that has sent this."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        caller = Caller(*await asyncio.open_connection(sock=sock, limit=2048))
        await caller.say(first)
        return caller


class Caller:
    """One connection, from the other side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self._writer = reader, writer

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def drip(self, data: bytes, clock: Clock) -> None:
        """Go on saying it, once a second, until the other side has ended it."""
        while not self._writer.is_closing():
            try:
                await self.say(data)
            except OSError:
                return
            clock.ahead_s += 1
            await asyncio.sleep(0.05)

    async def hear(self) -> bytes:
        """All that is said until the connection is closed."""
        said = b""
        try:
            while more := await self.reader.read(65536):
                said += more
        except OSError:
            pass
        self._writer.close()
        return said


@asynccontextmanager
async def opened(budget: Budget | None = None) -> AsyncIterator[Door]:
    app: App = Sanic(f"door-{next(NAMES)}", configure_logging=False)
    errors = PlainErrors(real_content().phrases.of("errors", ErrorPhrases))
    app.error_handler = errors
    app.config.REQUEST_MAX_SIZE = 10_000
    bound(app, 0, lambda _path: KEPT, errors)
    app.ctx.budget = app.ctx.budget if budget is None else budget
    app.ctx.gate = asyncio.Event()
    app.ctx.gate.set()
    app.ctx.asked = 0

    async def answer(request: Request) -> HTTPResponse:
        app.ctx.asked += 1
        await app.ctx.gate.wait()
        return text(f"{len(request.body)} kept")

    async def long(_request: Request) -> HTTPResponse:
        return text("x" * LONG)

    app.add_route(answer, "/", methods=["GET", "POST"])
    app.add_route(long, "/long")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        server: Any = await app.create_server(
            sock=sock, protocol=BoundedProtocol, return_asyncio_server=True
        )
        await server.startup()
        try:
            yield Door(app, sock.getsockname()[1])
        finally:
            server.close()


class Clock:
    """This machine's, which a test sets forward."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return monotonic() + self.ahead_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(connections, "monotonic", clock)
    monkeypatch.setattr(connections, "CHECK_S", 0.02)
    return clock


async def test_silence_is_ended(clock: Clock) -> None:
    async with asyncio.timeout(20), opened() as door:
        caller = await door.open()
        await until(lambda: len(door.app.ctx.budget) == 1)
        clock.ahead_s += TIMES[ConnectionState.SILENT]

        assert await caller.hear() == b""


async def test_a_kept_connection_is_ended_long_after_its_answer(clock: Clock) -> None:
    async with asyncio.timeout(20), opened() as door:
        caller = await door.open(GET)
        said = await caller.reader.readuntil(b"0 kept")
        clock.ahead_s += TIMES[ConnectionState.WAITING]
        assert await caller.hear() == b""

    assert said.startswith(b"HTTP/1.1 200")
    assert said.endswith(b"0 kept")


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (b"GET / HTTP/1.1\r\n", b"X-More: 1\r\n"),
        (b"POST / HTTP/1.1\r\nContent-Length: 9000\r\n\r\n", b"x"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"POST /none HTTP/1.1\r\nContent-Length: 9000\r\n\r\n", b"x"),
        (GET + GET[:-2], b"X-More: 1\r\n"),
    ],
    ids=["headers", "body", "chunks", "unwanted body", "headers of the next"],
)
async def test_what_is_dripped_is_ended_with_the_help_numbers(
    clock: Clock, first: bytes, more: bytes
) -> None:
    async with asyncio.timeout(20), opened() as door:
        caller = await door.open(first)
        said, _ = await asyncio.gather(caller.hear(), caller.drip(more, clock))

    assert clock.ahead_s <= 2 * TIMES[ConnectionState.BODY]
    assert b"HTTP/1.1 408" in said or b"HTTP/1.1 404" in said
    assert b"0800 1111" in said


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_makes_no_sense_is_refused_and_holds_up_no_one(sent: bytes) -> None:
    async with asyncio.timeout(20), opened() as door:
        said = await (await door.open(sent)).hear()

        assert said.startswith(b"HTTP/1.1 400")
        assert b"0800 1111" in said
        assert (await (await door.open(LAST)).hear()).startswith(b"HTTP/1.1 200")


async def test_who_does_not_read_is_ended(clock: Clock) -> None:
    async with asyncio.timeout(20), opened() as door:
        budget = door.app.ctx.budget
        caller = await door.open(GET.replace(b"/ ", b"/long ") * 20)
        await until(lambda: [each.use() for each in budget._open] == [ConnectionState.READING])
        clock.ahead_s += TIMES[ConnectionState.READING] + LONG / SLOWEST_BYTES_S
        await until(lambda: len(budget) == 0)
        said = await caller.hear()

    assert len(said) < LONG


async def test_who_reads_gets_all_of_a_long_answer() -> None:
    async with asyncio.timeout(20), opened() as door:
        caller = await door.open(LAST.replace(b"/ ", b"/long "))

        assert len(await caller.hear()) > LONG


async def test_an_answer_that_takes_long_is_waited_for(clock: Clock) -> None:
    async with asyncio.timeout(20), opened() as door:
        door.gate.clear()
        caller = await door.open(LAST)
        await until(lambda: door.asked == 1)
        clock.ahead_s += 2 * TIMES[ConnectionState.BODY]
        await asyncio.sleep(0.1)
        door.gate.set()

        assert (await caller.hear()).startswith(b"HTTP/1.1 200")


async def test_requests_one_after_the_other_each_have_their_time(clock: Clock) -> None:
    async with asyncio.timeout(20), opened() as door:
        caller = await door.open()
        for _ in range(4):
            await caller.say(GET[:-2])
            clock.ahead_s += TIMES[ConnectionState.HEADERS] / 2
            await asyncio.sleep(0.1)
            await caller.say(b"\r\n")
            await caller.reader.readuntil(b"0 kept")
            clock.ahead_s += TIMES[ConnectionState.WAITING] / 2
            await asyncio.sleep(0.1)
        await caller.say(LAST)

        assert (await caller.hear()).startswith(b"HTTP/1.1 200")


async def test_no_more_of_a_body_is_kept_than_is_read() -> None:
    async with asyncio.timeout(20), opened() as door:
        post = b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        for length, kept in ((10, b"10 kept"), (9_000, b"%d kept" % KEPT)):
            caller = await door.open(post % length + b"x" * length)
            assert (await caller.hear()).endswith(kept)
        caller = await door.open(post % 20_000 + b"x" * 20_000)
        assert (await caller.hear()).startswith(b"HTTP/1.1 413")
        assert door.app.ctx.budget._bytes == 0


async def test_over_the_budget_a_silent_one_goes_and_the_new_one_is_answered() -> None:
    async with asyncio.timeout(20), opened(Budget(2, None)) as door:
        silent = [await door.open(), await door.open()]
        said = await (await door.open(LAST)).hear()

        assert await silent[0].hear() == b""
    assert said.startswith(b"HTTP/1.1 200")


async def test_who_is_refused_sees_the_help_numbers() -> None:
    async with asyncio.timeout(20), opened(Budget(1, None)) as door:
        door.gate.clear()
        busy = await door.open(LAST)
        await until(lambda: door.asked == 1)
        said = await (await door.open()).hear()
        door.gate.set()

        assert (await busy.hear()).startswith(b"HTTP/1.1 200")
    assert said.startswith(b"HTTP/1.1 503")
    assert b"0800 1111" in said


async def test_the_heaviest_body_makes_room_for_a_message() -> None:
    async with asyncio.timeout(20), opened(Budget(10, None, most_bytes=1_500)) as door:
        post = b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 900\r\n\r\n"
        heavy = await door.open(post + b"x" * 890)
        await until(lambda: [each.held_bytes for each in door.app.ctx.budget._open] == [890])
        said = await (await door.open(post + b"x" * 900)).hear()
        assert await heavy.hear() == b""
    assert said.endswith(b"900 kept")
