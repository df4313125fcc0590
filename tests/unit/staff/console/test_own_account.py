"""The second step cannot be bypassed, and an unused session shows no words."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pyotp
import pytest
from sanic import Sanic
from sanic_testing.testing import SanicASGITestClient

from safeguarding.settings import Settings
from staff.accounts.accounts import Staff, StaffAccounts
from staff.accounts.sessions import browser_of
from staff.console.app import compose, create_app
from tests.records import PASSWORD, Clock
from tests.unit.staff.console.conftest import Browser
from web.http import App


def code_in(page: str, clock: Clock) -> str:
    """Return the code of an app that has read the page."""
    found = re.search(r"<code[^>]*>([A-Z2-7]{32})</code>", page)
    assert found
    return pyotp.TOTP(found[1]).at(clock.at)


async def set_up(browser: Browser, clock: Clock) -> tuple[str, list[str]]:
    """Set up a second step; return the secret and the recovery codes."""
    page = (await browser.get("/account/second-step")).text
    assert "<svg" in page
    done = await browser.send("/account/second-step", {"code": code_in(page, clock)})
    found = re.search(r"<code[^>]*>([A-Z2-7]{32})</code>", page)
    assert found
    clock.move(minutes=2)
    return found[1], re.findall(r"<code>([a-z0-9-]{19})</code>", done.text)


@pytest.fixture
async def elsewhere(app: App) -> AsyncIterator[Browser]:
    """Another browser."""
    async with SanicASGITestClient(app) as client:
        yield Browser(client)


async def test_with_a_second_step_the_password_alone_opens_nothing(
    browser: Browser, elsewhere: Browser, clock: Clock
) -> None:
    secret, codes = await set_up(browser, clock)
    assert len(codes) == 10

    first = await elsewhere.post(
        "/sign-in", {"name": "ann", "password": PASSWORD, "next": "/escalations/m1"}
    )

    assert first.headers["location"] == "/sign-in/code?next=%2Fescalations%2Fm1"
    for path in ("/escalations", "/account", "/password", "/content", "/alive"):
        assert (await elsewhere.get(path)).status_code == 303
    wrong = await elsewhere.post("/sign-in/code", {"code": "000000"})
    assert wrong.status_code == 401
    form = {"code": pyotp.TOTP(secret).at(clock.at), "next": "/escalations/m1"}
    right = await elsewhere.post("/sign-in/code", form)
    assert right.headers["location"] == "/escalations/m1"
    assert (await elsewhere.get("/escalations")).status_code == 200


async def test_the_token_of_the_first_step_is_worth_nothing_after_the_second(
    browser: Browser, elsewhere: Browser, clock: Clock
) -> None:
    _, codes = await set_up(browser, clock)
    await elsewhere.sign_in()
    half = elsewhere.client.cookies["lantern"]

    await elsewhere.post("/sign-in/code", {"code": codes[0]})

    assert elsewhere.client.cookies["lantern"] != half
    elsewhere.client.cookies.clear()
    elsewhere.client.cookies.set("lantern", half)
    assert (await elsewhere.get("/escalations")).status_code == 303
    assert (await elsewhere.post("/sign-in/code", {"code": codes[1]})).status_code == 303
    assert (await elsewhere.get("/escalations")).status_code == 303


async def test_guessing_at_codes_is_slowed_down_whichever_browser_guesses(
    browser: Browser, elsewhere: Browser, clock: Clock
) -> None:
    secret, _ = await set_up(browser, clock)
    for number in range(3):
        await elsewhere.sign_in()
        await elsewhere.post("/sign-in/code", {"code": f"00000{number}"})
        elsewhere.client.cookies.clear()
    await elsewhere.sign_in()

    form = {"code": pyotp.TOTP(secret).at(clock.at)}

    assert (await elsewhere.post("/sign-in/code", form)).status_code == 429


async def test_a_code_without_the_password_opens_nothing(
    browser: Browser, elsewhere: Browser, clock: Clock
) -> None:
    _, codes = await set_up(browser, clock)

    response = await elsewhere.post("/sign-in/code", {"code": codes[0]})

    assert response.headers["location"] == "/sign-in"
    assert "set-cookie" not in response.headers


async def test_only_a_code_removes_the_second_step(
    browser: Browser, clock: Clock, elsewhere: Browser
) -> None:
    _, codes = await set_up(browser, clock)
    assert (await browser.send("/account/second-step/remove", {"code": "1"})).status_code == 400

    await browser.send("/account/second-step/remove", {"code": codes[0]})

    assert (await elsewhere.sign_in()).headers["location"] == "/escalations"


async def test_a_required_second_step_must_be_set_up_first(
    settings: Settings, accounts: StaffAccounts, clock: Clock, ann: Staff
) -> None:
    Sanic.test_mode = True
    strict = replace(settings, require_second_step=True)
    app = create_app(strict, compose(strict, accounts=accounts, now=clock))
    async with SanicASGITestClient(app) as client:
        browser = Browser(client)
        await browser.sign_in()
        for path in ("/escalations", "/content", "/colleagues"):
            asked = await browser.get(path)
            assert asked.headers["location"] == "/account/second-step"

        await set_up(browser, clock)

        assert (await browser.get("/escalations")).status_code == 200


async def test_a_session_in_another_browser_is_listed_and_can_be_ended(
    browser: Browser, elsewhere: Browser
) -> None:
    await elsewhere.post(
        "/sign-in",
        {"name": "ann", "password": PASSWORD},
        user_agent="Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0",
    )
    page = (await browser.get("/account")).text
    assert "Firefox, Windows" in page
    found = re.search(r'action="(/account/sessions/[0-9a-f]{64}/end)"', page)
    assert found

    await browser.send(found[1], {})

    assert (await elsewhere.get("/escalations")).status_code == 303
    assert (await browser.get("/escalations")).status_code == 200


async def test_a_session_of_another_account_cannot_be_ended(
    browser: Browser, elsewhere: Browser, bob: Staff, app: App
) -> None:
    await elsewhere.sign_in("bob")
    (session,) = app.ctx.services.sessions.of(bob.id)

    await browser.send(f"/account/sessions/{session.id}/end", {})

    assert (await elsewhere.get("/escalations")).status_code == 200


async def test_a_session_left_alone_is_confirmed_by_the_password(
    browser: Browser, app: App, ann: Staff, clock: Clock
) -> None:
    sessions, token = app.ctx.services.sessions, browser.client.cookies["lantern"]
    clock.move(minutes=16)
    assert not sessions.find(token).fresh

    form = {"proof": "wrong", "next": "/escalations/m1"}
    assert (await browser.send("/confirm", form)).status_code == 400
    assert not sessions.find(token).fresh
    done = await browser.send("/confirm", form | {"proof": PASSWORD})

    assert done.headers["location"] == "/escalations/m1"
    assert sessions.find(token).fresh


async def test_confirming_leads_to_no_other_site(browser: Browser) -> None:
    form = {"proof": PASSWORD, "next": "https://evil.test/"}

    assert (await browser.send("/confirm", form)).headers["location"] == "/escalations"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36", "Chrome, Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        ("<script>", "unknown, unknown"),
    ],
)
def test_a_browser_is_named_and_never_quoted(header: str, words: str) -> None:
    assert browser_of(header) == words


@pytest.mark.parametrize(
    "answer", ["", "{}", "[]", "null", "\x00", '{"id": "x"}', '{"id": {}}', "[" * 9000, "9" * 9000]
)
async def test_a_malformed_passkey_opens_nothing_and_adds_nothing(
    browser: Browser, elsewhere: Browser, clock: Clock, app: App, ann: Staff, answer: str
) -> None:
    await set_up(browser, clock)
    added = await browser.send("/account/passkeys", {"answer": answer})
    assert added.headers["location"] == "/account?passkey=refused"
    assert app.ctx.services.passkeys.of(ann.id) == []

    await elsewhere.sign_in()
    await elsewhere.post("/sign-in/passkey/options", {})
    assert (await elsewhere.post("/sign-in/passkey", {"answer": answer})).status_code == 401
    assert (await elsewhere.get("/escalations")).status_code == 303


def test_a_challenge_is_taken_once(app: App, ann: Staff) -> None:
    sessions = app.ctx.services.sessions
    token = sessions.start(ann.id, pending=True)
    challenge = sessions.new_challenge(token)

    assert sessions.take_challenge(token) == challenge
    assert sessions.take_challenge(token) != challenge
