"""Only staff sign in, no page reveals accounts, and other sites cannot send our forms."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sanic import Sanic
from sanic_testing.testing import SanicASGITestClient

from safeguarding.settings import Settings
from staff.accounts.accounts import Staff, StaffAccounts
from staff.cases.cases import Cases
from staff.console.app import compose, create_app
from tests.records import PASSWORD, Clock, EscalationLog, escalation
from tests.unit.staff.console.conftest import ORIGIN, Browser
from web.http import App


@pytest.mark.parametrize("path", ["/escalations", "/escalations/c1", "/password", "/alive"])
async def test_a_stranger_is_sent_to_the_sign_in_page(visitor: Browser, path: str) -> None:
    response = await visitor.get(path)

    assert response.status_code == 303
    assert response.headers["location"].startswith("/sign-in?next=")


async def test_signing_in_leads_to_the_page_that_was_asked_for(
    visitor: Browser, ann: Staff
) -> None:
    form = {"name": " ANN ", "password": PASSWORD, "next": "/escalations/c1"}

    response = await visitor.post("/sign-in", form)

    assert response.headers["location"] == "/escalations/c1"


@pytest.mark.parametrize(
    "onward",
    ["https://evil.test/", "//evil.test", "/\\evil.test", "/sign-out", "", "/escalations/\\"],
)
async def test_signing_in_never_leads_elsewhere(visitor: Browser, ann: Staff, onward: str) -> None:
    form = {"name": "ann", "password": PASSWORD, "next": onward}

    assert (await visitor.post("/sign-in", form)).headers["location"] == "/escalations"


async def test_a_wrong_password_and_an_unknown_name_read_the_same(
    visitor: Browser, ann: Staff
) -> None:
    wrong = await visitor.sign_in("ann", "wrong")
    unknown = await visitor.sign_in("nobody", "wrong")

    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.text == unknown.text


@pytest.mark.parametrize("name", ["ann", "nobody"])
async def test_too_many_attempts_on_a_name_must_wait_whether_it_exists_or_not(
    visitor: Browser, ann: Staff, name: str
) -> None:
    for _ in range(3):
        await visitor.sign_in(name, "wrong")

    response = await visitor.sign_in(name, PASSWORD)

    assert response.status_code == 429
    assert 0 < int(response.headers["retry-after"]) <= 30
    assert "seconds, then try again" in response.text


async def test_a_stranger_trying_many_names_must_wait(visitor: Browser, ann: Staff) -> None:
    for number in range(5):
        await visitor.sign_in(f"guess{number}", "wrong")

    assert (await visitor.sign_in()).status_code == 429


async def test_a_stranger_cannot_lock_a_colleague_out_of_their_own_browser(
    app: App, visitor: Browser, ann: Staff
) -> None:
    await visitor.sign_in()
    await visitor.send("/sign-out", {})
    async with SanicASGITestClient(app) as client:
        stranger = Browser(client)
        for number in range(9):
            await stranger.sign_in("ann", f"guess {number}")
            await stranger.sign_in(f"name{number}", "guess")
        assert (await stranger.sign_in("ann", "guess")).status_code == 429

    assert (await visitor.sign_in()).status_code == 303


async def test_only_the_browser_that_signed_in_is_known_and_only_for_that_name(
    app: App, visitor: Browser, ann: Staff, bob: Staff
) -> None:
    await visitor.sign_in()
    await visitor.send("/sign-out", {})
    device = visitor.client.cookies["lantern-device"]
    devices = app.ctx.services.devices

    assert devices.knows(device, " ANN ")
    assert not devices.knows(device, "bob")
    assert not devices.knows(device + "x", "ann")


async def test_the_cookie_of_a_known_browser_is_out_of_reach_and_opens_nothing(
    visitor: Browser, ann: Staff
) -> None:
    response = await visitor.sign_in()

    cookie = next(
        each for each in response.headers.get_list("set-cookie") if each.startswith("lantern-d")
    )
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    device = visitor.client.cookies["lantern-device"]
    visitor.client.cookies.clear()
    visitor.client.cookies.set("lantern", device)
    assert (await visitor.get("/escalations")).status_code == 303


async def test_signing_in_clears_earlier_wrong_attempts(visitor: Browser, ann: Staff) -> None:
    for _ in range(2):
        await visitor.sign_in("ann", "wrong")
        assert (await visitor.sign_in()).status_code == 303


async def test_the_session_cookie_is_out_of_reach(
    settings: Settings, accounts: StaffAccounts, ann: Staff
) -> None:
    Sanic.test_mode = True
    secure = replace(settings, console_insecure_cookies=False)
    app = create_app(secure, compose(secure, accounts=accounts))
    _, response = await app.asgi_client.post(
        "/sign-in", data={"name": "ann", "password": PASSWORD}, follow_redirects=False
    )

    cookies = response.headers.get_list("set-cookie")
    assert [each.partition("=")[0] for each in cookies] == [
        "__Host-lantern",
        "__Host-lantern-device",
    ]
    for cookie in cookies:
        for part in ("Path=/", "Secure", "HttpOnly", "SameSite=Strict"):
            assert part in cookie
        assert "Domain" not in cookie


async def test_signing_out_ends_the_session_for_good(browser: Browser) -> None:
    token = browser.client.cookies["lantern"]

    response = await browser.send("/sign-out", {})

    assert response.headers["location"] == "/sign-in"
    browser.client.cookies.set("lantern", token)
    assert (await browser.get("/escalations")).status_code == 303


async def test_half_an_hour_away_signs_out(browser: Browser, clock: Clock) -> None:
    clock.move(minutes=31)

    assert (await browser.get("/escalations")).status_code == 303


async def test_a_disabled_account_is_out_at_once(browser: Browser, accounts: StaffAccounts) -> None:
    accounts.disable("ann")

    assert (await browser.get("/escalations")).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "origin": ORIGIN},
    ],
)
async def test_a_form_of_another_site_changes_nothing(
    browser: Browser, log: EscalationLog, cases: Cases, headers: dict[str, str]
) -> None:
    log.record(escalation())
    form = {"outcome": "other", "note": "x", "form_token": await browser.form_token()}

    response = await browser.post("/escalations/c1/outcome", form, **headers)

    assert response.status_code == 403
    assert cases.whole("c1").reviews == ()


async def test_an_older_browser_is_judged_by_its_origin(browser: Browser) -> None:
    form = {"form_token": await browser.form_token()}

    for stranger in ("http://evil.test", "null"):
        assert (await browser.post_from(stranger, "/sign-out", form)).status_code == 403
    assert (await browser.post_from(ORIGIN, "/sign-out", form)).status_code == 303


@pytest.mark.parametrize("token", ["", "0" * 64, "é\ud83d"])
async def test_a_form_without_the_sessions_token_changes_nothing(
    browser: Browser, log: EscalationLog, cases: Cases, token: str
) -> None:
    log.record(escalation())
    form = {
        "outcome": "other",
        "note": "x",
        "form_token": token.encode("utf-8", "replace").decode(),
    }

    response = await browser.post("/escalations/c1/outcome", form)

    assert response.status_code == 403
    assert cases.whole("c1").reviews == ()


async def test_a_forged_sign_in_is_refused(visitor: Browser, ann: Staff) -> None:
    form = {"name": "ann", "password": PASSWORD}

    response = await visitor.post("/sign-in", form, sec_fetch_site="cross-site")

    assert response.status_code == 403
    assert "set-cookie" not in response.headers


async def test_a_note_written_for_too_long_is_given_back(browser: Browser, clock: Clock) -> None:
    token = await browser.form_token()
    clock.move(minutes=31)

    form = {"note": "A long note <b>", "form_token": token}
    response = await browser.post("/escalations/c1/outcome", form)

    assert response.status_code == 401
    assert "A long note &lt;b&gt;" in response.text


NEW = "another long password"


async def test_a_new_password_replaces_the_old_one_and_signs_out(
    browser: Browser, accounts: StaffAccounts
) -> None:
    response = await browser.send("/password", {"current": PASSWORD, "new": NEW})

    assert response.headers["location"] == "/sign-in"
    assert accounts.verify("ann", NEW)
    assert accounts.verify("ann", PASSWORD) is None
    assert (await browser.get("/escalations")).status_code == 303


async def test_a_new_password_needs_the_current_one(
    browser: Browser, accounts: StaffAccounts
) -> None:
    response = await browser.send("/password", {"current": "wrong", "new": NEW})

    assert response.status_code == 400
    assert "The password you have now is not right" in response.text
    assert accounts.verify("ann", PASSWORD)


async def test_says_what_is_wrong_with_a_short_one(browser: Browser) -> None:
    response = await browser.send("/password", {"current": PASSWORD, "new": "short"})

    assert response.status_code == 400
    assert "A password has between 12 and 200 characters" in response.text


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ("Password2026!", "this is guessed easily"),
        ("lantern-ann-purple-otter", "must not contain the sign-in name"),
    ],
)
async def test_refuses_a_password_that_is_guessed_first(
    browser: Browser, new: str, why: str
) -> None:
    response = await browser.send("/password", {"current": PASSWORD, "new": new})

    assert response.status_code == 400
    assert why in response.text


async def test_guessing_the_current_password_is_slowed_down(browser: Browser) -> None:
    for _ in range(3):
        await browser.send("/password", {"current": "wrong", "new": NEW})

    assert (await browser.send("/password", {"current": PASSWORD, "new": NEW})).status_code == 429


async def test_alive_answers_while_signed_in(browser: Browser) -> None:
    assert (await browser.get("/alive")).status_code == 204


async def test_shows_whose_password_it_is(browser: Browser, ann: Staff) -> None:
    assert ann.name in (await browser.get("/password")).text
