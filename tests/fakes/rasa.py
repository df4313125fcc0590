"""A Rasa that does as it is told: a real HTTP server on a free port, with no model behind it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, bytes]
SAID = {"kind": "text", "text": "Hello from Rasa"}


class FakeRasa:
    """Answers each message as `behave` says; remembers what it received."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.secrets: list[str | None] = []
        self.hold = threading.Event()
        self.hold.set()
        self.behave: Callable[[dict[str, Any]], Reply] = answering(SAID)
        self.url = ""

    def hang(self) -> None:
        """Keep every caller waiting until `hold` is set."""
        self.hold.clear()


def answering(*messages: dict[str, Any]) -> Callable[[dict[str, Any]], Reply]:
    """Answer always these messages."""
    return lambda _body: (200, json.dumps({"messages": list(messages)}).encode())


def failing(status: int) -> Callable[[dict[str, Any]], Reply]:
    """Answer always this status."""
    return lambda _body: (status, b'{"error": "no"}')


def saying(content: bytes) -> Callable[[dict[str, Any]], Reply]:
    """Answer always 200 and these bytes."""
    return lambda _body: (200, content)


@contextmanager
def running_rasa() -> Iterator[FakeRasa]:
    """Run a fake Rasa on a free port of this machine."""
    rasa = FakeRasa()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(rasa))
    server.daemon_threads = True
    rasa.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield rasa
    finally:
        rasa.hold.set()
        server.shutdown()
        server.server_close()


def _handler(rasa: FakeRasa) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            rasa.received.append(body)
            rasa.secrets.append(self.headers["X-Lantern-Channel-Secret"])
            rasa.hold.wait(30)
            self._send(*rasa.behave(body))

        def do_GET(self) -> None:
            self._send(200, b'{"status": "ok"}')

        def _send(self, status: int, content: bytes) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                return  # the caller has gone, as it may

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing: the tests look at `received`."""

    return Handler
