"""Only Rasa may call an action; whatever fails, nothing of a call is in the answer or the log."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import socket
from typing import Any

import pytest
from click.testing import CliRunner
from sanic import Sanic
from sanic_testing.testing import SanicTestClient

from actions import server
from actions.__main__ import serve
from actions.server import create_server
from safeguarding.settings import ACTION_SECRET_HEADER
from tests.malformed import MALFORMED, POST

SECRET = "s" * 40
KNOWN = {ACTION_SECRET_HEADER: SECRET}
WORDS = "he said dont tell ur mum"
PORTS = itertools.count()
Sanic.test_mode = True


@pytest.fixture(scope="module")
def client() -> SanicTestClient:
    return SanicTestClient(create_server(SECRET))


@pytest.mark.parametrize("secret", ["", "guess", SECRET[:-1], "gu\u00e9ss".encode(), b"gu\xe9ss"])
@pytest.mark.parametrize(("method", "path"), [("post", "/webhook"), ("get", "/actions")])
def test_a_stranger_is_refused(client: Any, method: str, path: str, secret: Any) -> None:
    _, answer = getattr(client, method)(path, headers={ACTION_SECRET_HEADER: secret})
    _, without = getattr(client, method)(path)

    assert answer.status == without.status == 401


def test_health_is_open(client: Any) -> None:
    assert client.get("/health")[1].status == 200


def test_rasa_is_let_in(client: Any) -> None:
    _, listed = client.get("/actions", headers=KNOWN)

    assert "action_answer" in [each["name"] for each in listed.json]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"next_action": "action_answer", "tracker": WORDS}),
        json.dumps({"next_action": WORDS, "tracker": {}, "domain": {}}),
        json.dumps([WORDS]),
        "{" + WORDS,
        "",
    ],
)
def test_an_error_quotes_nothing(
    client: Any, body: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        _, answer = client.post("/webhook", content=body, headers=KNOWN)
    _, deflated = client.post(
        "/webhook", content=body, headers=KNOWN | {"Content-Encoding": "deflate"}
    )

    assert answer.status >= 400
    assert deflated.status >= 400
    out = capfd.readouterr()
    for said in (deflated.text, out.out, out.err):
        assert "mum" not in said
    if body != json.dumps({"next_action": WORDS, "tracker": {}, "domain": {}}):
        assert "mum" not in answer.text + caplog.text


@pytest.mark.parametrize("secret", ["", " ", "short"])
def test_it_does_not_start_with_a_secret_that_is_none(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANTERN_ACTION_SECRET", secret)

    done = CliRunner().invoke(serve)

    assert done.exit_code == 1
    assert "LANTERN_ACTION_SECRET" in done.output


async def status_of(port: int, sent: bytes) -> bytes:
    """Send this on a connection of its own; return the status of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    said = await reader.readline()
    writer.close()
    return said[9:12]


async def test_no_request_holds_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "WAITS_S", 0.5)
    app = create_server(SECRET)
    health = b"GET /health HTTP/1.1\r\nHost: lantern\r\nConnection: close\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as sock:
        running: Any = await app.create_server(sock=sock, return_asyncio_server=True)
        await running.startup()
        port = sock.getsockname()[1]
        async with asyncio.timeout(30):
            for name, sent in MALFORMED.items():
                # Without the secret, an error is answered with 401.
                assert await status_of(port, sent) in {b"400", b"401"}, name
            for unfinished in (POST, POST + b"Content-Length: 9000\r\n\r\n{"):
                assert await status_of(port, unfinished) in {b"401", b"408", b"503"}
            assert await status_of(port, health) == b"200"
        running.close()
