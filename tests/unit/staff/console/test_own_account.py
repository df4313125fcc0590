"""The second step cannot be bypassed, and an unused session shows no words."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pyotp
import pytest
from sanic import Sanic
from sanic_testing.testing import SanicASGITestClient

from safeguarding.settings import Settings
from staff.accounts.accounts import Staff, StaffAccounts
from staff.accounts.sessions import browser_of
from staff.audit.trail import AuditLog, EventFilter
from staff.console.app import compose, create_app
from tests.records import PASSWORD, Clock
from tests.unit.staff.console.conftest import Browser, Timer
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


async def guess(stranger: Browser, times: int) -> None:
    """Type the right password and a wrong code, each time in a browser that is new."""
    for number in range(times):
        stranger.client.cookies.clear()
        await stranger.sign_in()
        await stranger.post("/sign-in/code", {"code": f"00000{number}"})
    stranger.client.cookies.clear()


def events(audit: AuditLog, what: str) -> list[dict[str, Any]]:
    found = audit.newest(EventFilter(what=what), limit=99)
    return [link.event.detail for link in reversed(found)]


async def test_a_stranger_with_the_password_cannot_hold_the_second_step_shut(
    browser: Browser, elsewhere: Browser, clock: Clock, audit: AuditLog, ann: Staff
) -> None:
    secret, codes = await set_up(browser, clock)
    await browser.send("/sign-out", {})
    await guess(elsewhere, 3)
    form = {"code": pyotp.TOTP(secret).at(clock.at)}

    await elsewhere.sign_in()
    held = await elsewhere.post("/sign-in/code", form)
    await browser.sign_in()
    own = await browser.post("/sign-in/code", form)
    of_paper = await elsewhere.post("/sign-in/code", {"code": codes[0]})

    assert (held.status_code, held.headers["retry-after"]) == (429, "30")
    assert own.status_code == 303
    assert (await browser.get("/escalations")).status_code == 200
    # The owner at a new computer, with a code that nobody can guess.
    assert of_paper.status_code == 303
    assert (await elsewhere.get("/escalations")).status_code == 200
    assert [each["account"] for each in events(audit, "second step throttled")] == [ann.id]


async def test_an_own_browser_that_guesses_waits_too(browser: Browser, clock: Clock) -> None:
    secret, _ = await set_up(browser, clock)
    await browser.send("/sign-out", {})
    await browser.sign_in()
    for _ in range(3):
        wrong = await browser.post("/sign-in/code", {"code": "000000"})
        assert wrong.status_code == 401

    form = {"code": pyotp.TOTP(secret).at(clock.at)}

    assert (await browser.post("/sign-in/code", form)).status_code == 429


async def test_the_owner_is_told_once_that_somebody_knows_the_password(
    browser: Browser, elsewhere: Browser, clock: Clock, audit: AuditLog
) -> None:
    secret, _ = await set_up(browser, clock)
    await browser.send("/sign-out", {})
    await guess(elsewhere, 2)
    clock.move(minutes=5)

    await browser.post("/sign-in", {"name": "ann", "password": PASSWORD, "next": "/escalations/c1"})
    form = {"code": pyotp.TOTP(secret).at(clock.at), "next": "/escalations/c1"}
    told = await browser.post("/sign-in/code", form)
    page = (await browser.get(told.headers["location"])).text

    assert told.headers["location"] == "/account/wrong-codes?next=%2Fescalations%2Fc1"
    assert "Someone else may know your password" in page
    assert "a wrong code was typed 2 times" in page
    assert 'href="/password"' in page
    assert 'href="/escalations/c1"' in page
    refused = events(audit, "second step refused")
    assert [each["known_browser"] for each in refused] == [False, False]

    clock.move(minutes=5)
    await browser.send("/sign-out", {})
    await browser.sign_in()
    again = await browser.post("/sign-in/code", {"code": pyotp.TOTP(secret).at(clock.at)})
    assert again.headers["location"] == "/escalations"
    assert (await browser.get("/account/wrong-codes")).headers["location"] == "/escalations"


async def test_a_mistyped_code_in_ones_own_browser_is_no_news(
    browser: Browser, clock: Clock, audit: AuditLog
) -> None:
    secret, _ = await set_up(browser, clock)
    await browser.send("/sign-out", {})
    await browser.sign_in()
    await browser.post("/sign-in/code", {"code": "000000"})

    right = await browser.post("/sign-in/code", {"code": pyotp.TOTP(secret).at(clock.at)})

    assert right.headers["location"] == "/escalations"
    assert [each["known_browser"] for each in events(audit, "second step refused")] == [True]


async def test_a_mistyped_code_on_the_way_in_is_no_news_in_a_new_browser(
    browser: Browser, elsewhere: Browser, clock: Clock
) -> None:
    secret, _ = await set_up(browser, clock)
    await elsewhere.sign_in()
    await elsewhere.post("/sign-in/code", {"code": "000000"})

    right = await elsewhere.post("/sign-in/code", {"code": pyotp.TOTP(secret).at(clock.at)})

    assert right.headers["location"] == "/escalations"


async def test_codes_cannot_be_guessed_where_the_password_is_asked_for_again(
    browser: Browser, clock: Clock, timer: Timer
) -> None:
    await set_up(browser, clock)
    for _ in range(30):
        held = await browser.send("/confirm", {"proof": "000000"})
        # Longer than a wrong password has to wait.
        timer.at += 61
        if held.status_code == 429:
            break

    right = await browser.send("/confirm", {"proof": PASSWORD})

    assert held.status_code == 429
    assert right.status_code == 303


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


@pytest.fixture
async def strict(
    settings: Settings, accounts: StaffAccounts, clock: Clock, ann: Staff
) -> AsyncIterator[Browser]:
    """Ann at her first sign-in where real children may write."""
    Sanic.test_mode = True
    real = replace(settings, require_approval=True)
    app = create_app(real, compose(real, accounts=accounts, now=clock))
    async with SanicASGITestClient(app) as client:
        browser = Browser(client)
        await browser.sign_in()
        yield browser


PAGES = [
    "/escalations",
    "/content",
    "/content/plan",
    "/colleagues",
    "/account",
    "/password",
    "/confirm",
    "/alive",
    "/live/alerts",
    "/statistics",
    "/audit",
    "/rota",
]


async def send_from_the_only_page(browser: Browser, path: str, form: dict[str, str]) -> Any:
    """Send a form with the token of the page of the second step."""
    page = (await browser.get("/account/second-step")).text
    token = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
    assert token
    return await browser.post(path, form | {"form_token": token[1]})


async def test_outside_the_demonstration_a_second_step_is_set_up_before_anything_is_seen(
    strict: Browser, clock: Clock
) -> None:
    for path in PAGES:
        asked = await strict.get(path)
        assert (path, asked.headers.get("location")) == (path, "/account/second-step")
    for path in ("/password", "/account/passkeys", "/escalations/c1/reveal"):
        sent = await send_from_the_only_page(strict, path, {"new": "x"})
        assert (path, sent.headers.get("location")) == (path, "/account/second-step")
    page = (await strict.get("/account/second-step")).text
    assert "This console asks everybody for a second step" in page
    for address in ("/escalations", "/content", "/account"):
        assert f'href="{address}"' not in page

    done = await send_from_the_only_page(
        strict, "/account/second-step", {"code": code_in(page, clock)}
    )

    assert done.text.count("<li><code>") == 10
    for path in ("/escalations", "/account", "/content"):
        assert (await strict.get(path)).status_code == 200


async def test_before_the_second_step_one_can_sign_out(strict: Browser) -> None:
    out = await send_from_the_only_page(strict, "/sign-out", {})

    assert out.headers["location"] == "/sign-in"


async def test_who_takes_the_second_step_away_sets_it_up_again_at_once_everywhere(
    strict: Browser, clock: Clock
) -> None:
    page = (await strict.get("/account/second-step")).text
    code = code_in(page, clock)
    done = await send_from_the_only_page(strict, "/account/second-step", {"code": code})
    recovery = re.findall(r"<code>([a-z0-9-]{19})</code>", done.text)

    form = {"code": recovery[0]}
    gone = await send_from_the_only_page(strict, "/account/second-step/remove", form)

    assert gone.headers["location"] == "/account/second-step"
    assert (await strict.get("/escalations")).headers["location"] == "/account/second-step"
    assert "Set up a second step" in (await strict.get("/account/second-step")).text


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
