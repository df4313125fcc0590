"""A server that answers like the gateway and like Rasa's gateway channel, and keeps what it got."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FakeGateway(ThreadingHTTPServer):
    """Says back what it is told, in a "text" message."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.begun: list[dict[str, Any]] = []
        """The bodies that opened conversations."""
        self.messages: list[dict[str, Any]] = []
        """The bodies of the messages, as they came."""
        self.most_at_once = 0
        self.pause_s = 0.0
        self._at_once = 0
        self._lock = threading.Lock()

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return the status and the body for one request."""
        if path == "/v1/conversations":
            self.begun.append(body)
            return 201, {"token": f"t{len(self.begun)}", "messages": []}
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self.messages.append(body)
        time.sleep(self.pause_s)
        with self._lock:
            self._at_once -= 1
        silent = body["text"] == "(silence)"
        return 200, {"messages": [] if silent else [{"kind": "text", "text": body["text"]}]}


class _Handler(BaseHTTPRequestHandler):
    server: FakeGateway
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, answer = self.server.answer(self.path, body)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: the tests look at what was kept."""


@contextmanager
def fake_gateway() -> Iterator[FakeGateway]:
    """One that serves until the end of the block."""
    with FakeGateway() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
