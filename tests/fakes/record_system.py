"""A stand-in for a school's system of records: keeps each event once, and fails in every way.

It checks the signature, keeps what it takes by `Idempotency-Key`, and notes a second copy that
differs from the first.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

FAULTS = ("hangs", "answers twice", "drops before", "drops after", "503", "429", "500", "401")


class RecordSystem:
    """What the receiver knows. `faults` decides what happens to a request; None: it is taken."""

    def __init__(self, key: bytes, faults: Callable[[], str | None] = lambda: None) -> None:
        self.key = key
        self.faults = faults
        self.refuses: set[str] = set()
        """Kinds of event that it answers with 422."""
        self.taken: dict[str, dict[str, Any]] = {}
        """The events by their key, in the order in which they were taken first."""
        self.copies = 0
        """How often an event came again that was taken already."""
        self.differing: list[str] = []
        """Keys of copies that were not what was taken first."""
        self.seen: dict[str, int] = {}
        """How often each fault happened, and each answer."""
        self.headers: dict[str, str] = {}
        """Those of the last request."""
        self.url = ""
        self._lock = threading.Lock()
        self._hung = threading.Event()

    def end_hanging(self) -> None:
        """Let the requests go that hang."""
        self._hung.set()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request, or fail."""
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        with self._lock:
            self.headers = dict(handler.headers.items())
            fault = self.faults()
            if fault is not None:
                self.seen[fault] = self.seen.get(fault, 0) + 1
        if fault == "hangs":
            self._hung.wait()
        if fault in {"hangs", "drops before"}:
            handler.close_connection = True
        elif fault is not None and fault.isdecimal():
            _reply(handler, int(fault))
        else:
            status = self._take(handler, body)
            if fault == "drops after":
                handler.close_connection = True
                return
            _reply(handler, status)
            if fault == "answers twice":
                _reply(handler, status)

    def _take(self, handler: BaseHTTPRequestHandler, body: bytes) -> int:
        if not self._is_signed(handler.headers["X-Lantern-Signature"], body):
            return 401
        key, event = handler.headers["Idempotency-Key"], json.loads(body)
        if event["event"] in self.refuses:
            return 422
        with self._lock:
            if key in self.taken:
                self.copies += 1
                if self.taken[key] != event:
                    self.differing.append(key)
            else:
                self.taken[key] = event
        return 200

    def _is_signed(self, value: str, body: bytes) -> bool:
        at, *proofs = value.split(",")
        signed = at.removeprefix("t=").encode() + b"." + body
        mine = hmac.new(self.key, signed, hashlib.sha256).hexdigest()
        return any(hmac.compare_digest(each, f"v1={mine}") for each in proofs)


@contextmanager
def record_system(
    key: bytes, faults: Callable[[], str | None] = lambda: None
) -> Iterator[RecordSystem]:
    """Run a receiver that signs with this key."""
    system = RecordSystem(key, faults)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            system.answer(self)

        def log_message(self, *_: object) -> None:
            """No access log."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            """Say nothing: a client went away while its request hung."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    system.url = f"http://127.0.0.1:{server.server_address[1]}/events"
    try:
        yield system
    finally:
        system.end_hanging()
        server.shutdown()
        server.server_close()


def now_and_then(seed: int, every: int = 12) -> Callable[[], str | None]:
    """Return faults of each kind, one in about `every` requests; one hang in ten faults."""
    random = Random(seed)  # noqa: S311 - repeats a run

    def fault() -> str | None:
        if random.randrange(every):
            return None
        return "hangs" if random.randrange(10) == 0 else random.choice(FAULTS[1:])

    return fault


def _reply(handler: BaseHTTPRequestHandler, status: int) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", "0")
    handler.end_headers()
