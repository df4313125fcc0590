"""The network between browsers and servers: it can be cut, and a proxy in it can hold streams."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

HELD_BYTES = 64 * 1024
"""A proxy passes a held stream on when it has so many bytes of it, as nginx does."""
_STREAM, _END = b"content-type: text/event-stream", b"0\r\n\r\n"
_WAIT_S = 10.0
_AT_ONCE = struct.pack("ii", 1, 0)
Result = TypeVar("Result")


class SchoolNetwork:
    """A TCP proxy before equal servers of this machine, on a thread of its own.

    Each connection leads to any server that accepts it. While the network is cut, open connections
    hear nothing, or end at once, and so do new ones. While its proxy holds streams, nothing of a
    stream of events that begins then is passed on before the stream has ended.
    """

    def __init__(self, ports: Sequence[int], choose: Callable[[Sequence[int]], int]) -> None:
        """`choose` picks the port that is tried first."""
        self._ports, self._choose = tuple(ports), choose
        self._connections: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self._flows = asyncio.Event()
        self._flows.set()
        self._is_gone = False
        self.holds_streams = False
        self.held = 0
        """How many streams were held."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._ask(self._listen())
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self, *, silently: bool) -> None:
        """Pass nothing on from now on: connections hear nothing (`silently`), or end at once."""
        self._ask(self._cut(silently))

    def mend(self) -> None:
        """Pass on again. Connections from before the cut end: the way has forgotten them."""
        self._ask(self._mend())

    def close(self) -> None:
        """End every connection, and accept no one any more."""
        self._ask(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_WAIT_S)
        self._loop.close()

    def _ask(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_WAIT_S)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._join, "127.0.0.1", 0)

    async def _cut(self, silently: bool) -> None:
        self._flows.clear()
        self._is_gone = not silently
        if self._is_gone:
            self._abort_all()

    async def _mend(self) -> None:
        self._abort_all()
        self._is_gone = False
        self._flows.set()

    async def _close(self) -> None:
        self._server.close()
        tasks = list(self._connections)
        self._abort_all()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _abort_all(self) -> None:
        for writers in self._connections.values():
            for writer in writers:
                _reset(writer)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self._is_gone:
            _reset(writer)
            return
        writers = self._connections[task] = [writer]
        try:
            await self._flows.wait()
            server = await self._reach()
            if server is not None:
                writers.append(server[1])
                both = self._pass_on(reader, server[1]), self._answer(server[0], writer)
                await asyncio.gather(*both)
        except OSError:
            pass  # one end is gone, and so is the other
        finally:
            for each in writers:
                each.close()
            del self._connections[task]

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        first = self._choose(self._ports)
        for port in (first, *(port for port in self._ports if port != first)):
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        return None

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while content := await source.read(65536):
            await self._flows.wait()
            target.write(content)
            await target.drain()
        # The browser has gone: the server shall learn it, as from a real connection.
        target.close()

    async def _answer(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        held: bytearray | None = None
        while content := await source.read(65536):
            await self._flows.wait()
            if held is None and self.holds_streams and _STREAM in content.lower():
                held = bytearray()
                self.held += 1
            if held is not None:
                held += content
                if len(held) < HELD_BYTES and not held.endswith(_END):
                    continue
                content, held = bytes(held), None
            target.write(content)
            await target.drain()
        target.write(held or b"")
        target.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as a host does that does not know it: the other end hears a reset."""
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    writer.transport.abort()
