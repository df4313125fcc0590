"""Connections to browsers: a request that arrived whole is handled, though its browser has gone."""

from __future__ import annotations

from asyncio import CancelledError

from web.connections import BoundedProtocol


class LastingProtocol(BoundedProtocol):
    """Without Sanic's cancelling: Sanic ends the handler when the connection is lost, and whoever
    closes the page right after sending would not be heard."""

    async def receive_more(self) -> None:
        """Wait for the rest of a request. Raises CancelledError when it cannot come any more."""
        if self.conn_info is not None and self.conn_info.lost:
            raise CancelledError
        await super().receive_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel only what waits for bytes that will not come: what is whole is handled."""
        task = self._task
        if not self._waits_for_more or self._data_received.is_set():
            self._task = None
        super().connection_lost(exc)
        self._task = task
