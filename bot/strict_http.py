"""A stricter HTTP server for Rasa: without it, one request without a secret freezes Sanic 21.12.

Sanic 21.12 takes `Content-Length: -1` as a number of bytes still to come. Its loop that reads the
body then never waits and never ends, and the process answers no one until it is killed. Only the
gateway calls Rasa, with plain requests: everything else is refused here before a body is read.
tests/unit/bot/test_strict_http.py freezes a Sanic without this module.
"""

from __future__ import annotations

import re
from asyncio import TimerHandle
from time import monotonic
from typing import Any

import sanic.app
from httptools import HttpParserError
from sanic.exceptions import InvalidUsage, RequestTimeout
from sanic.http import Http, Stage
from sanic.server import HttpProtocol

LARGEST_BODY = 1024 * 1024
"""Bytes of the largest request: one message, and the state of its conversation."""
ARRIVES_S = 10.0
"""Seconds from the first byte of a request until all of it must be there."""
CHECK_S = 1.0
_LENGTH = re.compile("[0-9]{1,12}")


class StrictHttp(Http):
    """Sanic's HTTP, for requests that say the length of their body once and in digits."""

    __slots__ = ("began",)

    began: float
    """When the first byte of the request came, in seconds of the monotonic clock."""

    async def http1_request_header(self) -> None:
        """Receive and check the header. Raises InvalidUsage, which answers 400 and closes."""
        self.began = monotonic()
        try:
            await super().http1_request_header()  # type: ignore[no-untyped-call]
            if _is_plain(self.request.headers):
                return
        except HttpParserError:
            self.url = None  # Sanic would read it again for its answer, and fail again
        except (KeyError, ValueError):
            pass  # Sanic itself could not read the length
        # Otherwise Sanic would read the body after its answer.
        self.request_body = None
        raise InvalidUsage("Bad Request")

    @property
    def is_arriving(self) -> bool:
        """Whether a request has begun, and a part of it is still to come."""
        return self.stage is Stage.REQUEST or bool(self.request_body and self.request_bytes_left)


class StrictProtocol(HttpProtocol):
    """A connection to Rasa, closed when its request is too large or takes too long to come.

    Sanic counts its deadlines from the last byte, so that a sender of single bytes is never late.
    """

    __slots__ = ("_arrival_check",)

    _http: Any

    def __init__(self, **known: Any) -> None:
        super().__init__(**known)
        self.request_max_size = LARGEST_BODY
        self._arrival_check: TimerHandle | None = None

    def _setup_connection(self) -> None:
        self._http = StrictHttp(self)  # type: ignore[no-untyped-call]
        self._time = monotonic()
        self.check_timeouts()  # type: ignore[no-untyped-call]
        self._check_arrival_later()

    def _check_arrival_later(self) -> None:
        self._arrival_check = self.loop.call_later(CHECK_S, self._check_arrival)

    def _check_arrival(self) -> None:
        if self._task is None or self._http is None:
            return
        if self._http.is_arriving and monotonic() - self._http.began > ARRIVES_S:
            self._http.request_body = None
            self._http.exception = RequestTimeout("Request Timeout")
            self._task.cancel()
        else:
            self._check_arrival_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop checking a connection that is closed."""
        if self._arrival_check is not None:
            self._arrival_check.cancel()
        super().connection_lost(exc)  # type: ignore[no-untyped-call]


def _is_plain(headers: Any) -> bool:
    """Return whether a body, if there is one, has one length; chunks would hide it."""
    if "transfer-encoding" in headers:
        return False
    lengths = headers.getall("content-length", ["0"])
    return len(lengths) == 1 and _LENGTH.fullmatch(lengths[0].strip(" \t")) is not None


def make_strict() -> None:
    """Make the servers strict that this process starts from now on. A second call changes nothing.

    Rasa calls `app.run` without a protocol, and Sanic takes the one that its module `app` names.
    """
    sanic.app.HttpProtocol = StrictProtocol  # type: ignore[attr-defined]
