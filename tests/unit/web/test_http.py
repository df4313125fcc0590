"""What both web faces share: headers, plain errors, who is near and who is a stranger."""

from __future__ import annotations

import html
import itertools

import pytest
from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import Forbidden
from sanic.response import text
from sanic_testing.testing import SanicTestClient

from tests.content import real_content
from web.http import (
    ContentPolicy,
    ErrorPhrases,
    PlainErrors,
    add_security_headers,
    is_from_private_network,
    is_same_site,
)

Sanic.test_mode = True
NAMES = itertools.count()


@pytest.fixture
def client() -> SanicTestClient:
    phrases = real_content().phrases.of("errors", ErrorPhrases)
    app = Sanic(f"http-{next(NAMES)}", error_handler=PlainErrors(phrases))
    add_security_headers(app, lambda _request: ContentPolicy(form_action="'self'"))

    async def secret(_request: Request) -> HTTPResponse:
        raise ValueError("what a child wrote")

    async def closed(_request: Request) -> HTTPResponse:
        raise Forbidden("what a child wrote")

    async def near(request: Request) -> HTTPResponse:
        return text(f"{is_from_private_network(request)} {is_same_site(request)}")

    app.add_route(secret, "/secret")
    app.add_route(closed, "/closed")
    app.add_route(near, "/near")
    return SanicTestClient(app)


@pytest.mark.parametrize(
    ("proxies", "proto", "sent"),
    [
        (1, "https", "max-age=63072000"),
        (1, "http", None),
        (1, None, None),
        (None, "https", None),
    ],
)
def test_only_by_tls_browsers_are_told_to_come_by_tls(
    client: SanicTestClient, proxies: int | None, proto: str | None, sent: str | None
) -> None:
    client.app.config.PROXIES_COUNT = proxies
    headers = {"X-Forwarded-For": "192.0.2.1"} | ({"X-Forwarded-Proto": proto} if proto else {})

    for path in ("/near", "/nothing", "/secret"):
        _, answer = client.get(path, headers=headers)
        assert answer.headers.get("strict-transport-security") == sent


def said_for(status: int) -> tuple[str, str]:
    return real_content().phrases.of("errors", ErrorPhrases).of(status)


@pytest.mark.parametrize("path", ["/near", "/secret", "/closed", "/nothing"])
def test_every_answer_is_protected(client: SanicTestClient, path: str) -> None:
    _, answer = client.get(path)

    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "form-action 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("path", "status"), [("/secret", 500), ("/closed", 403)])
def test_an_error_is_plain_and_quotes_no_request(
    client: SanicTestClient, path: str, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    _, data = client.get(path)
    _, page = client.get(path, headers={"Accept": "text/html"})

    said = capfd.readouterr()
    assert (data.status, page.status) == (status, status)
    read = html.unescape(page.text)
    assert data.json["help"] in read
    assert data.json["detail"] in read
    assert (data.json["title"], data.json["detail"]) == said_for(status)
    for place in (data.text, page.text, said.out, said.err):
        assert "child wrote" not in place


@pytest.mark.parametrize(("status", "like"), [(404, 404), (418, 400), (502, 500), (503, 503)])
def test_a_status_without_phrases_of_its_own_has_those_of_its_kind(status: int, like: int) -> None:
    assert said_for(status) == said_for(like)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "True True"),
        ({"X-Forwarded-For": "10.0.0.1"}, "False True"),
        ({"Sec-Fetch-Site": "same-origin"}, "True True"),
        ({"Sec-Fetch-Site": "cross-site"}, "True False"),
        ({"Sec-Fetch-Site": "same-site"}, "True False"),
        ({"Origin": "https://elsewhere.example"}, "True False"),
        ({"Origin": "null"}, "True False"),
    ],
)
def test_strangers_are_known(
    client: SanicTestClient, headers: dict[str, str], expected: str
) -> None:
    _, answer = client.get("/near", headers=headers)

    assert answer.text == expected


def test_a_shared_file_may_be_loaded_from_elsewhere() -> None:
    headers = ContentPolicy(shared=True, frame_ancestors="'self'").headers()

    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "X-Frame-Options" not in headers
