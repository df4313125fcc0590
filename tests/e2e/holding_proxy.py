"""A proxy that passes an answer on only when it is whole, as many school networks do."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOLDS_S = 120
_OWN = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass
class HoldingProxy:
    """The address of the proxy, and the addresses and kinds that were asked for."""

    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)

    def live(self) -> list[str]:
        """Return the kinds of the requests that listened, without those that only confirm."""
        return [kind for path, kind in self.asked if "/v1/live" in path and "wait=0" not in path]


@contextmanager
def holding_proxy(behind: str) -> Iterator[HoldingProxy]:
    """Run such a proxy in front of this address."""
    proxy = HoldingProxy()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy, urlsplit(behind).netloc))
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()


def _handler(proxy: HoldingProxy, behind: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            proxy.asked.append((self.path, self.headers.get("Accept", "")))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            upstream = http.client.HTTPConnection(behind, timeout=HOLDS_S)
            try:
                headers = {k: v for k, v in self.headers.items() if k.lower() not in _OWN}
                upstream.request(self.command, self.path, body, headers)
                answer = upstream.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in _OWN:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                # The browser has given up, or the gateway has gone.
                self.close_connection = True
            finally:
                upstream.close()

        def do_GET(self) -> None:
            self._pass_on()

        def do_POST(self) -> None:
            self._pass_on()

        def do_DELETE(self) -> None:
            self._pass_on()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    return Handler
