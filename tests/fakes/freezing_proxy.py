"""A TCP proxy that freezes: what a hanging server looks like to whoever is connected to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class FreezingProxy:
    """A TCP proxy before a server, which can stop passing anything on without closing anything.

    From both sides it then looks like a frozen host, or a firewall that forgot a connection.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._flows = threading.Event()
        self._flows.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def freeze(self) -> None:
        """Pass nothing on from now on. Who connects is accepted, and hears nothing."""
        self._flows.clear()

    def thaw(self) -> None:
        """Pass on what came meanwhile, and go on."""
        self._flows.set()

    def close(self) -> None:
        """Accept nobody any more."""
        self.thaw()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            self._start(self._join, client)

    def _join(self, client: socket.socket) -> None:
        self._flows.wait()
        try:
            server = socket.create_connection(self._server)
        except OSError:
            client.close()
            return
        self._start(self._pass_on, client, server)
        self._start(self._pass_on, server, client)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65536):
                self._flows.wait()
                target.sendall(content)
        self._flows.wait()
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    @staticmethod
    def _start(work: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()
