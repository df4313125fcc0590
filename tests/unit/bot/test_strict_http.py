"""A real server with Rasa's Sanic, and what a stranger may send to its socket."""

from __future__ import annotations

import inspect
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import rasa.core.run
import sanic
import sanic.app
from sanic.server import HttpProtocol

from bot import strict_http
from bot.gateway_channel import GatewayChannel
from bot.strict_http import LARGEST_BODY, StrictProtocol
from tests.malformed import CHUNKED, GET, MALFORMED, POST

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 30.0
NOT_PLAIN = MALFORMED | {
    "chunks": CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
    "other digits": POST + "Content-Length: \u0662\r\n\r\n{}".encode(),
    "an address that is none": b"GET /\0 HTTP/1.1\r\n\r\n",
}
TOO_LARGE = {
    "body": POST + b"Content-Length: %d\r\n\r\n" % (LARGEST_BODY + 1),
    "headers": POST + b"X-More: " + b"x" * 20_000 + b"\r\n\r\n",
}
UNFINISHED = {
    "headers": POST,
    "body": POST + b"Content-Length: 9000\r\n\r\n{",
    "unwanted body": b"POST /none HTTP/1.1\r\nContent-Length: 9000\r\n\r\n{",
    "headers of the next": GET + POST,
}


class Server:
    """A process that serves on a port of this machine."""

    def __init__(self, *arguments: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        command = [sys.executable, "-m", "tests.fakes.rasas_sanic", str(self.port), *arguments]
        self.process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)

    def hear(self, sent: bytes, within_s: float = PATIENCE_S) -> bytes:
        """Send this on a connection of its own; return all until the other side closes it."""
        with socket.create_connection(("127.0.0.1", self.port), within_s) as caller:
            caller.sendall(sent)
            said = b""
            with suppress(ConnectionResetError):
                while more := caller.recv(65_536):
                    said += more
            return said

    def answers(self, within_s: float = 3.0) -> bool:
        with suppress(OSError):
            last = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            return self.hear(last, within_s).startswith(b"HTTP/1.1 200")
        return False

    def processor_s(self) -> float:
        """Return the seconds of a core that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(*arguments: str) -> Iterator[Server]:
    server, limit = Server(*arguments), time.monotonic() + PATIENCE_S
    try:
        while not server.answers():
            assert time.monotonic() < limit
            time.sleep(0.05)
        yield server
    finally:
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()


@pytest.fixture(scope="module")
def strict() -> Iterator[Server]:
    """Start a strict server on which a request has half a second to arrive."""
    with serving("0.5") as server:
        yield server


def test_this_sanic_freezes_without_it() -> None:
    with serving() as server, socket.create_connection(("127.0.0.1", server.port)) as caller:
        caller.sendall(MALFORMED["a negative length"])
        limit = time.monotonic() + PATIENCE_S
        before = server.processor_s()
        while server.processor_s() - before < 0.5:
            assert time.monotonic() < limit
            time.sleep(0.05)

        assert not server.answers()


@pytest.mark.parametrize("sent", NOT_PLAIN.values(), ids=NOT_PLAIN.keys())
def test_what_no_gateway_sends_is_refused_and_the_connection_closed(
    strict: Server, sent: bytes
) -> None:
    said = strict.hear(sent)

    assert said.startswith(b"HTTP/1.1 400")
    assert said.count(b"HTTP/1.1 ") == 1
    assert strict.answers()


@pytest.mark.parametrize("sent", TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_what_is_too_large_is_refused_before_it_is_read(strict: Server, sent: bytes) -> None:
    assert strict.hear(sent).startswith(b"HTTP/1.1 413")
    assert strict.answers()


@pytest.mark.parametrize("sent", UNFINISHED.values(), ids=UNFINISHED.keys())
def test_what_never_ends_is_given_up(strict: Server, sent: bytes) -> None:
    said = strict.hear(sent)

    assert b"HTTP/1.1 408" in said or b"HTTP/1.1 404" in said
    assert strict.answers()


@pytest.mark.parametrize("sent", UNFINISHED.values(), ids=UNFINISHED.keys())
def test_a_byte_now_and_then_gains_no_time(strict: Server, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", strict.port), PATIENCE_S) as caller:
        caller.sendall(sent)
        limit = time.monotonic() + PATIENCE_S
        with suppress(BrokenPipeError, ConnectionResetError):
            while time.monotonic() < limit:
                caller.sendall(b"x")
                time.sleep(0.1)

    assert time.monotonic() < limit
    assert strict.answers()


def test_who_hangs_up_in_the_middle_leaves_nothing_behind(strict: Server) -> None:
    for sent in UNFINISHED.values():
        with socket.create_connection(("127.0.0.1", strict.port)) as caller:
            caller.sendall(sent)

    assert strict.answers()


def test_plain_requests_are_answered_one_after_the_other(strict: Server) -> None:
    body = b"x" * LARGEST_BODY
    first = POST + b"Content-Length: 2\r\n\r\n{}"
    largest = POST + b"content-length: %d \r\nConnection: close\r\n\r\n" % len(body) + body

    said = strict.hear(first + GET + largest)

    assert said.count(b"HTTP/1.1 200") == 3
    for length in (2, 0, len(body)):
        assert b"%d bytes" % length in said


def test_rasas_own_server_is_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sanic.app, "HttpProtocol", HttpProtocol)
    for name in ("CHANNEL", "ACTION"):
        monkeypatch.setenv(f"LANTERN_{name}_SECRET", "s" * 40)
    for name in ("tune", "send_action_secret"):
        monkeypatch.setattr(f"bot.gateway_channel.{name}", lambda *_: None)

    GatewayChannel.from_credentials(None)

    assert vars(sanic.app)["HttpProtocol"] is StrictProtocol
    # Rasa names no protocol, and Sanic takes this one where no page is a web socket.
    started = inspect.getsource(rasa.core.run.serve_application).partition("app.run(")[2]
    assert started
    assert "protocol=" not in started
    assert "else HttpProtocol" in inspect.getsource(sanic.Sanic.run)
    assert sanic.__version__ == "21.12.2"
    assert strict_http.ARRIVES_S == 10.0
