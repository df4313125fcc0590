"""Serves a small app with Rasa's Sanic: `python -m tests.fakes.rasas_sanic PORT [ARRIVES_S]`.

With ARRIVES_S the server is strict, and a request has that many seconds to arrive.
"""

from __future__ import annotations

import sys

from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, text

from bot import strict_http


async def answer(request: Request) -> HTTPResponse:
    return text(f"{len(request.body)} bytes")


def serve(port: int, arrives_s: float | None) -> None:
    """Serve as Rasa does: with the protocol that Sanic takes by itself."""
    app = Sanic("rasas_sanic", configure_logging=False)
    app.add_route(answer, "/", methods=["GET", "POST"])
    if arrives_s is not None:
        strict_http.ARRIVES_S, strict_http.CHECK_S = arrives_s, arrives_s / 10
        strict_http.make_strict()
    app.run("127.0.0.1", port, motd=False, access_log=False)


if __name__ == "__main__":
    serve(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else None)
