"""What a hostile person sends to the console: made for every route that the app has."""

from __future__ import annotations

import hashlib
import http.client
import re
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from staff.accounts.permissions import PERMISSIONS, Permission, Role
from web.http import App

KNOWN = {"case_id": "c1", "audience": "parent", "content_id": "answer:consent", "work": "note"}
"""What fills a place in the address of a page."""
SAME_SITE = {"sec-fetch-site": "same-origin"}
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Route:
    """One page or form of the console."""

    template: str
    """ "/escalations/<case_id:str>"."""
    method: str
    permission: Permission | None
    """What a reader needs; None where anybody may come in."""

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"<(\w+)[^>]*>", self.template)

    def path(self, **values: str) -> str:
        """Its address; what is not given is filled with what there is."""
        return re.sub(
            r"<(\w+)[^>]*>", lambda m: values.get(m[1]) or KNOWN.get(m[1], "1"), self.template
        )


@dataclass(frozen=True)
class Try:
    """One request, and what must come of it."""

    name: str
    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __str__(self) -> str:
        return f"{self.name}: {self.method[:10]} {self.target[:60]} {dict(self.headers)}"[:200]


@dataclass(frozen=True)
class World:
    """A running console and what its enemies know of it."""

    port: int
    routes: tuple[Route, ...]
    cookie: str
    """The name of the session cookie."""
    session: str
    """A true session: of a colleague who should know better, or stolen."""
    form_token: str
    of_roles: Mapping[Role, tuple[str, str]]
    """A true session and its form token, of somebody of each role."""
    foreign_token: str
    """The form token of somebody else's session."""
    useless: Mapping[str, str]
    """Sessions that let nobody in any more, by what is wrong with them."""
    start_again: Callable[[], None] = lambda: None
    """Starts the console again, which then counts the refusals of a client from none."""

    def signed_in(self) -> dict[str, str]:
        return {"cookie": f"{self.cookie}={self.session}"}

    def pages(self, method: str | None = None) -> list[Route]:
        """Return what only staff may ask for."""
        wanted = {"GET", "POST"} if method is None else {method}
        return [r for r in self.routes if r.method in wanted and r.permission]


def routes_of(app: App) -> tuple[Route, ...]:
    """Every route of the app but its static files."""
    found = {
        Route("/" + route.path.lstrip("/"), method, route.handler.permission)
        for route in app.router.routes
        if "static" not in route.name
        for method in route.methods
    }
    return tuple(sorted(found, key=lambda route: (route.template, route.method)))


def form(**fields: str) -> bytes:
    return urlencode(fields).encode()


def strangers(world: World) -> Iterator[Try]:
    """Every page and form, by somebody who is not signed in."""
    for route in world.pages():
        yield Try("stranger", route.method, route.path(), SAME_SITE, form(note="x"))


def useless_sessions(world: World) -> Iterator[Try]:
    """Every page and form, with a session that was made up, ended, or belongs to nobody now."""
    for route in world.pages():
        for wrong, token in world.useless.items():
            headers = SAME_SITE | {"cookie": f"{world.cookie}={token}"}
            body = form(form_token=world.form_token, note="x")
            yield Try(f"session {wrong}", route.method, route.path(), headers, body)


def beyond_their_role(world: World) -> Iterator[Try]:
    """Every page and form, by staff whose role does not allow it."""
    for role, (session, form_token) in world.of_roles.items():
        headers = SAME_SITE | {"cookie": f"{world.cookie}={session}"}
        for route in world.pages():
            if route.permission not in PERMISSIONS[role]:
                body = form(form_token=form_token, note="x", role="lead")
                yield Try(f"a {role.value}", route.method, route.path(), headers, body)


def forged_forms(world: World) -> Iterator[Try]:
    """Every form, sent from another site or without what only our own pages know."""
    good = {"form_token": world.form_token, "note": "x", "outcome": "other", "name": "ann"}
    origins = {
        "cross-site": {"sec-fetch-site": "cross-site"},
        "a sibling site": {"sec-fetch-site": "same-site"},
        "an older browser elsewhere": {"origin": "http://evil.test"},
        "a sandboxed frame": {"origin": "null"},
        "our name as a prefix": {"origin": f"http://127.0.0.1:{world.port}.evil.test"},
    }
    tokens = {
        "no token": {},
        "an empty token": {"form_token": ""},
        "a guessed token": {"form_token": "0" * 64},
        "a colleague's token": {"form_token": world.foreign_token},
        "half a token": {"form_token": world.form_token[:32]},
    }
    posts = [route for route in world.routes if route.method == "POST"]
    for route in posts:
        for name, headers in origins.items():
            yield Try(name, "POST", route.path(), headers | world.signed_in(), form(**good))
    for route in world.pages("POST"):
        rest = {key: value for key, value in good.items() if key != "form_token"}
        headers = SAME_SITE | world.signed_in()
        for name, token in tokens.items():
            yield Try(name, "POST", route.path(), headers, form(**rest, **token))
        address = f"{route.path()}?form_token={world.form_token}"
        yield Try("the token in the address", "POST", address, headers, form(**rest))


def foreign_ids(world: World) -> Iterator[Try]:
    """Every page of one thing, for things that are not there and ids that are none."""
    ids = (
        "00000000-0000-4000-8000-000000000000", "0", "-1", "c1 ", "C1", "c1'--", "c1/../c1",
        "../c1", "..", "c1\x00", "c1\r\nX-Injected: 1", "{{7*7}}", "${7*7}", "<svg onload=x>",
        "%2e%2e", "\N{PILE OF POO}", "x" * 5000,
    )  # fmt: skip
    for route in world.routes:
        if not route.parameters:
            continue
        for each in ids:
            target = route.path(**dict.fromkeys(route.parameters, quote(each, safe="")))
            headers = SAME_SITE | world.signed_in()
            body = form(form_token=world.form_token, outcome="other", note="x")
            yield Try(f"id {each[:20]!r}", route.method, target, headers, body)


def traversal(_world: World) -> Iterator[Try]:
    """Files that are none of the console's."""
    for path in (
        "../app.py", "../../console/app.py", "%2e%2e/app.py", "%2e%2e%2fapp.py", "..%2fapp.py",
        "..%5capp.py", "%252e%252e%252fapp.py", "....//app.py", "/etc/passwd",
        "%2fetc%2fpasswd", "govuk/../../app.py", "console.css%00.py", "..;/app.py", ".git/config",
        "file:///etc/passwd",
    ):  # fmt: skip
        yield Try("traversal", "GET", f"/static/{path}")


def injections(world: World) -> Iterator[Try]:
    """Templates, markup and headers in whatever a form or an address takes, signed in or not."""
    for payload in (
        "{{7*7}}", "{% import os %}", "<svg onload=x>", "\"><script>x</script>",
        "a\r\nX-Injected: 1", "//evil.test", "https://evil.test/", "/\\evil.test",
        "javascript:x", "' OR 1=1 --", "a\x00b",
    ):  # fmt: skip
        body = form(name=payload, password=payload, next=payload)
        yield Try("sign-in field", "POST", "/sign-in", SAME_SITE, body)
        query = urlencode(dict.fromkeys(("next", "status", "page", "since", "saved"), payload))
        yield Try("next", "GET", f"/escalations?{query}", {}, b"")
        headers = SAME_SITE | world.signed_in()
        body = form(form_token=payload, current=payload, new=payload)
        yield Try("form field", "POST", "/password", headers, body)


def odd_requests(world: World) -> Iterator[Try]:
    """Methods no page has, and requests of a size that none needs."""
    for path in sorted({route.path() for route in world.routes}):
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
            yield Try("method", method, path, SAME_SITE | world.signed_in())
    for route in world.pages("POST"):
        headers = SAME_SITE | world.signed_in()
        yield Try("oversize", "POST", route.path(), headers, b"note=" + b"x" * 300_000)


def malformed(world: World) -> Iterator[Try]:
    """Return what is no proper request of HTTP, or two requests in one."""
    for method in ("TRACE", "CONNECT", "FOO", "get", "G" * 2000):
        yield Try("a made-up method", method, "/escalations", world.signed_in())
    yield Try("a long header", "GET", "/escalations", {"x-long": "a" * 20_000})
    yield Try("a long address", "GET", "/" + "a" * 20_000)
    both = {"transfer-encoding": "chunked", **SAME_SITE}
    yield Try("two ways to end", "POST", "/sign-in", both, b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n")
    yield Try("another host", "GET", "http://evil.test/escalations")
    yield Try("a body of JSON", "POST", "/sign-in", {**SAME_SITE, "content-type": "a/b"}, b"{}")


def guesses(_world: World) -> Iterator[Try]:
    """Passwords for one name, each from an address that the guesser has made up."""
    for number in range(40):
        address = f"10.{number}.0.{number}"
        made_up = {
            "x-forwarded-for": f"{address}, 127.0.0.1",
            "x-real-ip": address,
            "forwarded": f"for={address}",
        }
        body = form(name="ann", password=f"guess {number} of a password")
        yield Try("guess", "POST", "/sign-in", SAME_SITE | made_up, body)


ATTACKS = (
    strangers,
    useless_sessions,
    beyond_their_role,
    forged_forms,
    foreign_ids,
    traversal,
    injections,
    odd_requests,
    malformed,
    guesses,
)


def useless_tokens(ended: str, of_disabled: str, live: str) -> dict[str, str]:
    """Sessions by what is wrong with them; `live` is a true one, to make false ones from."""
    return {
        "made up": secrets.token_urlsafe(32),
        "of nothing": "",
        "ended": ended,
        "of a shut account": of_disabled,
        "with one letter more": f"{live}A",
        "as the database keeps it": hashlib.sha256(live.encode()).hexdigest(),
        "that is SQL": "'OR'1'='1",
        "that is long": "x" * 3000,
    }


def send(port: int, each: Try) -> tuple[int, dict[str, str], str]:
    """Send it byte by byte as it is: no client between us mends it. Status, headers, body."""
    headers = {"host": f"127.0.0.1:{port}", "connection": "close", **each.headers}
    if each.method == "POST":
        headers = {"content-type": FORM, **headers, "content-length": str(len(each.body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"{each.method} {each.target} HTTP/1.1\r\n{head}\r\n".encode("latin-1")
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request + (each.body if each.method == "POST" else b""))
        response = http.client.HTTPResponse(connection, method=each.method)
        response.begin()
        body = response.read().decode("utf-8", "replace")
        return response.status, {k.lower(): v for k, v in response.getheaders()}, body
