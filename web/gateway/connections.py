"""Connections to browsers: a request that arrived whole is handled, though its browser has gone."""

from __future__ import annotations

from asyncio import CancelledError
from typing import Any

from sanic.server import HttpProtocol


class LastingProtocol(HttpProtocol):
    """Sanic's HTTP, without its cancelling: Sanic ends the handler when the connection is lost,
    and whoever closes the page right after sending would not be heard."""

    __slots__ = ("_waits_for_more",)

    def __init__(self, **known: Any) -> None:
        super().__init__(**known)
        self._waits_for_more = False

    async def receive_more(self) -> None:
        """Wait for the rest of a request. Raises CancelledError when it cannot come any more."""
        if self.conn_info is not None and self.conn_info.lost:
            raise CancelledError
        self._waits_for_more = True
        try:
            await super().receive_more()  # type: ignore[no-untyped-call]
        finally:
            self._waits_for_more = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel only what waits for bytes that will not come: what is whole is handled."""
        task = self._task
        if not self._waits_for_more or self._data_received.is_set():
            self._task = None
        super().connection_lost(exc)  # type: ignore[no-untyped-call]
        self._task = task
