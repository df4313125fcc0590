"""Only Rasa may call an action; whatever fails, nothing of a call is in the answer or the log."""

from __future__ import annotations

import itertools
import json
import logging
from typing import Any

import pytest
from click.testing import CliRunner
from sanic import Sanic
from sanic_testing.testing import SanicTestClient

from actions.__main__ import serve
from actions.server import create_server
from safeguarding.settings import ACTION_SECRET_HEADER

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
