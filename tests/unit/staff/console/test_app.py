"""Headers, blank page, menu and error pages of the whole console."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sanic import Sanic
from sanic_testing.testing import ASGI_HOST, SanicASGITestClient

from safeguarding.settings import Settings
from staff.accounts.accounts import StaffAccounts
from staff.console.app import compose, create_app
from tests.records import WORDS, Clock, EscalationLog, escalation
from tests.unit.staff.console.conftest import Browser
from web.http import App

NOTICE = "shows content that no safeguarding professional"


@pytest.mark.parametrize("path", ["/sign-in", "/escalations", "/nowhere", "/blank", "/static/no"])
async def test_every_answer_forbids_frames_scripts_of_others_and_keeping(
    visitor: Browser, path: str
) -> None:
    headers = (await visitor.get(path)).headers

    policy = headers["content-security-policy"]
    for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/static/", "/static/govuk/", "/static/govuk"])
async def test_a_folder_of_static_files_is_not_found(visitor: Browser, path: str) -> None:
    assert (await visitor.get(path)).status_code == 404


async def test_no_page_carries_a_script_or_style_inline(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(escalation())
    for path in ("/sign-in", "/escalations", "/escalations/c1", "/password", "/blank"):
        page = (await browser.get(path)).text
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick=" not in page
        assert page.count("<script") == page.count('<script type="module" src="/static/')


async def test_the_blank_page_needs_no_sign_in_and_tells_nothing(visitor: Browser) -> None:
    response = await visitor.get("/blank")

    assert response.status_code == 200
    assert "Lantern" not in response.text
    assert "safeguarding" not in response.text


async def test_every_page_of_staff_has_the_way_to_blank_the_screen(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(escalation())
    for path in ("/escalations", "/escalations/c1", "/password"):
        assert 'href="/blank"' in (await browser.get(path)).text


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("/escalations", '<a href="/escalations" aria-current="page">'),
        ("/escalations/c1", '<a href="/escalations" aria-current="true">'),
        ("/account", '<a href="/account" aria-current="page">'),
    ],
)
async def test_the_menu_says_where_one_is(
    browser: Browser, log: EscalationLog, path: str, link: str
) -> None:
    log.record(escalation())
    menu = (await browser.get(path)).text.partition("</nav>")[0]

    assert link in menu
    assert menu.count("aria-current") == 1


async def test_unsigned_content_shows_a_notice(visitor: Browser) -> None:
    assert NOTICE in (await visitor.get("/sign-in")).text


async def test_signed_content_carries_no_notice(
    settings: Settings, accounts: StaffAccounts
) -> None:
    Sanic.test_mode = True
    signed = replace(settings, require_approval=True)
    app = create_app(signed, compose(signed, accounts=accounts))
    _, response = await app.asgi_client.get("/sign-in")

    assert NOTICE not in response.text


async def test_an_error_page_quotes_no_words(
    browser: Browser, log: EscalationLog, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    log.record(escalation())

    def fail(_case_id: str) -> None:
        raise RuntimeError(WORDS)

    app.ctx.services.cases.whole = fail
    response = await browser.get("/escalations/c1", accept="text/html")

    assert response.status_code == 500
    assert WORDS not in response.text
    assert WORDS not in caplog.text


HOSTILE = ("evil.example", f"{ASGI_HOST}.evil.example", "127.0.0.1", "evil.example:1234", "")


@pytest.mark.parametrize("host", HOSTILE)
async def test_a_request_for_another_host_is_refused_before_anything_else(
    browser: Browser, host: str, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.ctx.services.sessions, "find", None)
    answers = [await browser.get(path, host=host) for path in ("/sign-in", "/escalations", "/no")]
    answers.append(await browser.post("/sign-in", {"name": "ann"}, host=host))

    assert {each.status_code for each in answers} == {400}
    assert all("set-cookie" not in each.headers for each in answers)
    if host:
        assert all(host not in each.text for each in answers)


@pytest.mark.parametrize("host", [ASGI_HOST, ASGI_HOST.upper(), f"{ASGI_HOST}:9"])
async def test_its_own_host_is_answered_at_any_port(visitor: Browser, host: str) -> None:
    assert (await visitor.get("/sign-in", host=host)).status_code == 200


async def test_what_watches_the_console_may_ask_by_any_name(visitor: Browser) -> None:
    assert (await visitor.get("/healthz", host="10.0.0.5:8081")).text == "ok"


async def test_behind_a_proxy_the_name_that_the_proxy_reports_counts(
    settings: Settings, accounts: StaffAccounts, clock: Clock
) -> None:
    Sanic.test_mode = True
    behind = replace(settings, console_trusted_proxies=1)
    app = create_app(behind, compose(behind, accounts=accounts, now=clock))
    async with SanicASGITestClient(app) as client:
        browser = Browser(client)
        forwarded = {"x-forwarded-for": "192.0.2.1", "x-forwarded-host": "evil.example"}
        evil = await browser.get("/sign-in", **forwarded)
        own = forwarded | {"x-forwarded-host": ASGI_HOST}
        right = await browser.get("/sign-in", host="console:8081", **own)

    assert (evil.status_code, right.status_code) == (400, 200)


async def test_without_an_address_in_the_settings_any_name_is_answered(
    settings: Settings, accounts: StaffAccounts
) -> None:
    Sanic.test_mode = True
    anywhere = replace(settings, console_hosts=None)
    app = create_app(anywhere, compose(anywhere, accounts=accounts))
    async with SanicASGITestClient(app) as client:
        assert (await Browser(client).get("/sign-in", host="any.example")).status_code == 200


async def test_says_that_it_is_alive(visitor: Browser) -> None:
    assert (await visitor.get("/healthz")).text == "ok"
