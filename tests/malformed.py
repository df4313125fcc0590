"""Requests that every server of ours refuses with 400: their lengths and chunks make no sense.

Rasa's Sanic spins for ever on the first four, unless `bot/strict_http.py` refuses them.
"""

from __future__ import annotations

POST = b"POST / HTTP/1.1\r\nHost: lantern\r\n"
GET = b"GET / HTTP/1.1\r\nHost: lantern\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MALFORMED = {
    "a negative length": POST + b"Content-Length: -1\r\n\r\n{}",
    "a more negative length": POST + b"Content-Length: -9000\r\n\r\n{}",
    "a negative length to read": b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n{}",
    "a negative length to nowhere": b"POST /none HTTP/1.1\r\nContent-Length: -1\r\n\r\n{}",
    "a negative length without a body": POST + b"Content-Length: -1\r\n\r\n",
    "a length with a sign": POST + b"Content-Length: +2\r\n\r\n{}",
    "a length with an underscore": POST + b"Content-Length: 1_0\r\n\r\n{}",
    "a word as length": POST + b"Content-Length: two\r\n\r\n{}",
    "no length": POST + b"Content-Length:\r\n\r\n{}",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a length beyond all measure": POST + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n{}",
    "a length and chunks": (
        POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "nonsense for a chunk": CHUNKED + b"zzzz\r\n{}",
    "a negative chunk": CHUNKED + b"-5\r\n{}",
    "a request after the chunks": CHUNKED + b"0\r\n" + GET,
    "a packed body": POST + b"Transfer-Encoding: gzip\r\n\r\n{}",
    "no HTTP": b"\x16\x03\x01\x02\x00\r\n\r\n",
}
