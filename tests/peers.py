"""Real peers of the dispatcher: a mail server, a mail server that hangs, a receiver of webhooks."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

from ops.stack import free_port


class MailServer:
    """A real SMTP server that keeps what it is given; `refuse` answers to a recipient."""

    def __init__(self, **more: Any) -> None:
        self.mails: list[Message] = []
        self.refuse: dict[str, str] = {}
        self.refused: list[str] = []
        """The recipients of the mails that were refused."""
        self.taken: list[str] = []
        """The recipients of the mails that came as far as the message."""
        self.slow_s = 0.0
        """Seconds before each answer about a mail."""
        self.asked = 0
        """How many mails were begun."""
        self.closed: str | None = None
        """An answer in place of taking anything."""
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port(), **more)

    @property
    def port(self) -> int:
        return self._controller.port

    async def handle_MAIL(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        self.asked += 1
        await asyncio.sleep(self.slow_s)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        await asyncio.sleep(self.slow_s)
        if address in self.refuse:
            self.refused.append(address)
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        await asyncio.sleep(self.slow_s)
        self.taken += envelope.rcpt_tos
        if self.closed:
            return self.closed
        self.mails.append(message_from_bytes(envelope.content))
        return "250 OK"

    def counts(self) -> Counter[str]:
        """How often each delivery came."""
        return Counter(str(mail["X-Lantern-Delivery"]) for mail in list(self.mails))

    def __enter__(self) -> MailServer:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()


@contextmanager
def frozen_server() -> Iterator[int]:
    """Run a server that takes connections and never answers; yield its port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(50)
        yield listening.getsockname()[1]


@contextmanager
def slow_server(every_s: float = 0.05) -> Iterator[int]:
    """Run a server that sends a letter now and then, without an end; yield its port."""
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection:
            try:
                while not stop.wait(every_s):
                    connection.sendall(b"2")
            except OSError:
                return

    def serve(listening: socket.socket) -> None:
        while not stop.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=drip, args=[connection], daemon=True).start()

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(50)
        threading.Thread(target=serve, args=[listening], daemon=True).start()
        yield listening.getsockname()[1]
        stop.set()
        listening.shutdown(socket.SHUT_RDWR)


class Receiver:
    """A real HTTP server that keeps what is posted, and answers as it is told."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        self.answer: dict[str, Any] = {"id": "740e5834-3a29-46b4-9a6f-16142fde533a"}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.posts.append((self.path, headers, body))
                self.send_response(receiver.status)
                if receiver.status in {301, 302, 307, 308}:
                    self.send_header("Location", f"{receiver.url}/elsewhere")
                said = json.dumps(receiver.answer).encode()
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Receiver:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
