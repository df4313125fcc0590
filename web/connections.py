"""Connections to browsers, with deadlines that slow senders and readers cannot extend.

Sanic counts a deadline from the last byte, so a client that sends a byte now and then is never
late. Here each deadline counts from a beginning: of the connection, headers, body or answer.
"""

from __future__ import annotations

import select
import socket
from asyncio import CancelledError
from collections.abc import Callable, Mapping
from time import monotonic
from types import MappingProxyType
from typing import Any

from sanic import Request
from sanic.exceptions import RequestTimeout, ServiceUnavailable
from sanic.headers import format_http1_response
from sanic.http import Http, Stage
from sanic.server import HttpProtocol
from sanic.server.socket import bind_socket

from safeguarding.watchdog import report_from_loop
from web.budget import Budget, ConnectionState
from web.http import App, PlainErrors

TIMES: Mapping[ConnectionState, float] = MappingProxyType(
    {
        ConnectionState.SILENT: 10.0,
        # Longer than nginx keeps one (deploy/nginx/), so that it never sends on a closed one.
        ConnectionState.WAITING: 75.0,
        ConnectionState.HEADERS: 10.0,
        ConnectionState.BODY: 20.0,
        ConnectionState.READING: 20.0,
    }
)
"""Seconds that each state may last."""
SLOWEST_BYTES_S = 8 * 1024
"""The least speed of reading a long answer, in bytes a second."""
CHECK_S = 1.0
BUFFER = 64 * 1024
"""Bytes that the kernel buffers for a connection in each direction; Linux doubles it."""
DEFER_S = 5
BACKLOG = 512
"""Connections that wait to be accepted: a burst of silent ones must not fill the queue."""


class BoundedHttp(Http):
    """Sanic's HTTP, which tells its connection when it begins to wait for a request."""

    def init_for_request(self) -> None:
        """Reset the state and wait for a request."""
        super().init_for_request()  # type: ignore[no-untyped-call]
        connection: Any = self.protocol
        connection.await_request()


class BoundedRequest(Request):
    """A request that keeps at most `app.ctx.body_bytes(path)` of its body, and discards the rest.

    A body that is too large is read to its end, because a connection cut short would show no help.
    """

    kept_bytes = 0

    async def receive_body(self) -> None:
        """Read the body if it has not been read."""
        if self.body or self.stream is None:
            return
        most, kept = self.app.ctx.body_bytes(self.path), bytearray()
        stream: Any = self.stream
        async for data in stream:
            kept += data[: most - len(kept)]
            self.kept_bytes = len(kept)
        self.body = bytes(kept)


class BoundedProtocol(HttpProtocol):
    """Sanic's HTTP connection within the budget of its process (see `bound`)."""

    HTTP_CLASS = BoundedHttp
    __slots__ = (
        "_awaited",
        "_budget",
        "_read_by",
        "_refused",
        "_requests",
        "_since",
        "_waits_for_more",
        "held_bytes",
    )

    def __init__(self, **known: Any) -> None:
        super().__init__(**known)
        self.held_bytes = 0
        self._budget: Budget = self.app.ctx.budget
        self._waits_for_more = False
        self._awaited = ConnectionState.SILENT
        self._since = monotonic()
        self._requests = 0
        self._read_by = 0.0
        self._refused = False

    # ---- what it is doing -----------------------------------------------------------------------
    def use(self) -> ConnectionState:
        """Return what it is doing now."""
        if not self._can_write.is_set():
            return ConnectionState.READING
        waits = self._waits_for_more or not self._requests
        if waits and not self._data_received.is_set() and not self._has_spoken():
            return self._awaited
        return ConnectionState.ANSWERED

    def _has_spoken(self) -> bool:
        """Return whether its request waits in the kernel: a burst is accepted before it is read."""
        if self._awaited > ConnectionState.WAITING or self.transport is None:
            return False
        waiting = select.poll()
        waiting.register(self.transport.get_extra_info("socket"), select.POLLIN)
        return bool(waiting.poll(0))

    def await_request(self) -> None:
        """Begin to wait for the first or the next request."""
        self._requests += 1
        self._await(ConnectionState.SILENT if self._requests == 1 else ConnectionState.WAITING)
        self._weigh()

    def _await(self, use: ConnectionState) -> None:
        if use is not self._awaited or use is ConnectionState.WAITING:
            self._awaited, self._since = use, monotonic()

    def _weigh(self) -> None:
        request = self.http.request if self.http else None
        kept = request.kept_bytes if isinstance(request, BoundedRequest) else 0
        self._budget.holds(self, len(self.recv_buffer) + kept)

    # ---- deadlines ------------------------------------------------------------------------------
    def check_timeouts(self) -> None:
        """End the connection if it is late; called by Sanic first, then every CHECK_S seconds."""
        if self._task is None or self._http is None:
            return
        if self._is_late(monotonic()):
            self._end()
        self._callback_check_timeouts = self.loop.call_later(CHECK_S, self.check_timeouts)

    def _is_late(self, now: float) -> bool:
        use = self.use()
        if use is ConnectionState.READING:
            return now > self._read_by
        if use is ConnectionState.ANSWERED:
            return bool(now - self._time > self.response_timeout)
        return now - self._since > TIMES[use]

    def _end(self) -> None:
        if self.use() is ConnectionState.READING or self._task is None:
            self.drop()
            return
        late_in_sending = self._waits_for_more or self._http.stage is Stage.REQUEST
        self._http.exception = RequestTimeout() if late_in_sending else ServiceUnavailable()
        self._task.cancel()

    def drop(self) -> None:
        """Close it at once, without an answer."""
        if self.transport is not None:
            self.transport.abort()

    # ---- asyncio's callbacks --------------------------------------------------------------------
    def connection_made(self, transport: Any) -> None:
        """Admit the connection, or send the help numbers and close it."""
        peer = transport.get_extra_info("peername")
        if self._budget.admit(self, str(peer[0]) if peer else ""):
            # Otherwise the kernel buffers megabytes for clients that send much or read nothing.
            for which in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, which, BUFFER)
            super().connection_made(transport)  # type: ignore[no-untyped-call]
            return
        self._refused = True
        transport.write(self.app.ctx.refusal)
        transport.close()

    def data_received(self, data: bytes) -> None:
        """Pass received bytes on and count them."""
        if not self._refused:
            super().data_received(data)
            self._weigh()

    async def receive_more(self) -> None:
        """Wait for the rest of a request."""
        if self._http.request_body:
            self._await(ConnectionState.BODY)
        elif self._http.stage is Stage.REQUEST:
            self._await(ConnectionState.HEADERS)
        self._weigh()
        self._waits_for_more = True
        try:
            await super().receive_more()  # type: ignore[no-untyped-call]
        finally:
            self._waits_for_more = False

    def pause_writing(self) -> None:
        """Start the deadline for reading: the browser reads more slowly than we write."""
        left = self.transport.get_write_buffer_size() if self.transport else 0
        self._read_by = monotonic() + TIMES[ConnectionState.READING] + left / SLOWEST_BYTES_S
        super().pause_writing()  # type: ignore[no-untyped-call]

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the budget of a closed connection."""
        if not self._refused:
            self._budget.forget(self)
            super().connection_lost(exc)  # type: ignore[no-untyped-call]


class LastingProtocol(BoundedProtocol):
    """A connection whose request is handled to the end, even if the browser closes the connection.

    Sanic would cancel the handler, and a child who closes the page right after sending would not be
    heard.
    """

    async def receive_more(self) -> None:
        """Wait for the rest of a request. Raises CancelledError once it cannot come any more."""
        if self.conn_info is not None and self.conn_info.lost:
            raise CancelledError
        await super().receive_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the handler only while it waits for the rest of a request."""
        task = self._task
        if not self._waits_for_more or self._data_received.is_set():
            self._task = None
        super().connection_lost(exc)
        self._task = task


def bound(
    app: App, trusted_proxies: int, body_bytes: Callable[[str], int], errors: PlainErrors
) -> None:
    """Give the app the budget, the largest body and the refusal that its connections need.

    `body_bytes` returns how many bytes of a body are kept, by the path of its request.
    """
    page = errors.page(503).body or b""
    headers = (
        (b"Content-Type", b"text/html; charset=utf-8"),
        (b"Content-Length", b"%d" % len(page)),
        (b"Retry-After", b"5"),
        (b"Connection", b"close"),
    )
    app.ctx.refusal = format_http1_response(503, headers) + page
    app.ctx.budget = Budget.of_this_process(trusted_proxies)
    app.ctx.body_bytes = body_bytes
    app.request_class = BoundedRequest


def serve(app: App, host: str, port: int, protocol: type[HttpProtocol] = BoundedProtocol) -> None:
    """Serve in this one process until stopped, and report to its service manager."""
    app.register_listener(report_from_loop, "after_server_start")
    listening = bind_socket(host, port, backlog=BACKLOG)
    # A process that this one starts would hold the port open after it is closed here.
    listening.set_inheritable(False)
    # Linux holds silent connections back until their first byte, or for DEFER_S seconds.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, DEFER_S)
    app.run(
        sock=listening,
        protocol=protocol,
        backlog=BACKLOG,
        single_process=True,
        access_log=False,
        motd=False,
    )
