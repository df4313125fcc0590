"""The network of a school: cut, mended, and with a proxy that holds streams."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from ops.stack import free_port
from tests.fakes.school_network import SchoolNetwork


class TwoEvents(BaseHTTPRequestHandler):
    """Says hello, or streams two events with a pause after each."""

    protocol_version = "HTTP/1.1"
    pause_s = 0.6

    def do_GET(self) -> None:
        self.send_response(200)
        if self.path == "/hello":
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")
            return
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in (b"data: 1\n\n", b"data: 2\n\n"):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.wfile.flush()
            time.sleep(self.pause_s)
        with suppress(BrokenPipeError):  # the browser has heard enough
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), TwoEvents)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def network() -> Iterator[SchoolNetwork]:
    with serving() as port:
        school = SchoolNetwork([free_port(), port], lambda ports: ports[0])
        yield school
        school.close()


def http(network: SchoolNetwork) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{network.port}", timeout=5, trust_env=False)


def first_byte_s(client: httpx.Client) -> float:
    """Return how long the first byte of a stream took to come."""
    started = time.monotonic()
    with client.stream("GET", "/events") as response:
        next(response.iter_bytes())
        return time.monotonic() - started


def test_it_leads_to_a_server_that_accepts_the_connection(network: SchoolNetwork) -> None:
    with http(network) as client:
        assert client.get("/hello").text == "hello"


def test_a_cut_ends_open_connections_and_new_ones_until_it_is_mended(
    network: SchoolNetwork,
) -> None:
    with http(network) as client:
        client.get("/hello")
        network.cut(silently=False)
        for _ in range(2):
            with pytest.raises(httpx.TransportError):
                client.get("/hello")
        network.mend()
        assert client.get("/hello").text == "hello"


def test_a_silent_cut_passes_nothing_on_and_forgets_the_connections(
    network: SchoolNetwork,
) -> None:
    with socket.create_connection(("127.0.0.1", network.port)) as before:
        before.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        while not answer.endswith(b"hello"):
            answer += before.recv(4096)
        before.settimeout(0.5)
        network.cut(silently=True)
        before.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        with pytest.raises(TimeoutError):
            before.recv(1)
        network.mend()
        with pytest.raises(ConnectionResetError):
            before.recv(1)
    with http(network) as client:
        assert client.get("/hello").text == "hello"


def test_a_proxy_that_holds_streams_passes_them_on_when_they_end(network: SchoolNetwork) -> None:
    with http(network) as client:
        assert first_byte_s(client) < TwoEvents.pause_s
        network.holds_streams = True
        assert client.get("/hello").text == "hello"
        assert first_byte_s(client) >= 2 * TwoEvents.pause_s
        network.holds_streams = False
        assert first_byte_s(client) < TwoEvents.pause_s
    assert network.held == 1
