"""An identity provider opens the account that its owner linked, and nothing else opens it."""

from __future__ import annotations

import asyncio
import html
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from sanic import Sanic
from sanic_testing.testing import SanicASGITestClient

from safeguarding.settings import Settings, SignOnSettings
from staff.accounts.accounts import Staff, StaffAccounts
from staff.accounts.permissions import Role
from staff.accounts.provider import (
    CONCURRENT_CALLS,
    AuthenticationRequests,
    Provider,
    ProviderUnavailableError,
    Purpose,
)
from staff.accounts.throttle import SignInThrottle
from staff.audit.trail import AuditLog, EventFilter
from staff.console.app import compose, create_app
from tests.fakes.provider import CLIENT, SECRET, FakeProvider
from tests.peers import frozen_server, slow_server
from tests.records import PASSWORD, Clock
from tests.unit.staff.console.conftest import Browser
from web.http import App

RETURN = "/sign-in/organisation/return"
CONSOLE = "https://console.example.org"


@pytest.fixture
def provider(clock: Clock) -> Iterator[FakeProvider]:
    with FakeProvider(clock) as running:
        yield running


@pytest.fixture
def settings(settings: Settings, provider: FakeProvider) -> Settings:
    (settings.state_dir / "secrets" / "sso_client_secret").write_text(SECRET, "utf-8")
    sign_on = SignOnSettings(provider.issuer, CLIENT, "Wiltshire Council", CONSOLE + RETURN)
    return replace(settings, sign_on=sign_on)


@pytest.fixture
async def elsewhere(app: App) -> AsyncIterator[Browser]:
    """Another browser."""
    async with SanicASGITestClient(app) as client:
        yield Browser(client)


def onward(page: httpx.Response) -> str:
    """Where a page goes on to by itself."""
    assert page.status_code == 200, page.text
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', page.text)
    assert found
    return html.unescape(found[1])


async def sent(browser: Browser, path: str = "/sign-in/organisation", **form: str) -> str:
    """Begin; the address at the provider."""
    return onward(await browser.post(path, form))


async def link(browser: Browser, provider: FakeProvider, subject: str = "u1") -> httpx.Response:
    """Link the account that is signed in."""
    token = await browser.form_token()
    form = {"proof": PASSWORD, "form_token": token}
    address = onward(await browser.post("/account/organisation", form))
    return await browser.get(provider.answer(address, subject))


async def sign_out(browser: Browser) -> None:
    await browser.send("/sign-out", {})
    browser.client.cookies.clear()


@pytest.fixture
async def linked(browser: Browser, provider: FakeProvider) -> Browser:
    """Link Ann's account to u1 and sign out."""
    assert onward(await link(browser, provider)) == "/account/organisation"
    await sign_out(browser)
    return browser


async def is_signed_in(browser: Browser) -> bool:
    return (await browser.get("/account")).status_code == 200


def trail(audit: AuditLog, what: str = "sign-in refused") -> list[dict[str, Any]]:
    """Return the events of this kind on the trail, newest first."""
    return [
        link.event.detail | {"who": link.event.who}
        for link in audit.newest(EventFilter(what=what), limit=99)
    ]


async def test_a_linked_account_signs_in_with_the_provider(
    linked: Browser, provider: FakeProvider, audit: AuditLog, ann: Staff
) -> None:
    assert "Sign in with Wiltshire Council" in (await linked.get("/sign-in")).text

    address = await sent(linked, next="/escalations/m1")
    asked = parse_qs(urlsplit(address).query)
    back = await linked.get(provider.answer(address))

    assert asked["redirect_uri"] == [CONSOLE + RETURN]
    assert asked["response_type"] == ["code"]
    assert "prompt" not in asked
    assert onward(back) == "/escalations/m1"
    assert await is_signed_in(linked)
    entered = trail(audit, "signed in")[0]
    assert (entered["who"], entered["by"], entered["second_step"]) == (
        ann.id,
        "single sign-on",
        False,
    )
    assert trail(audit, "single sign-on linked")[0]["who"] == ann.id


async def test_the_cookie_of_the_request_comes_back_from_another_site_and_the_session_does_not(
    linked: Browser, provider: FakeProvider
) -> None:
    begun = await linked.post("/sign-in/organisation", {})
    back = await linked.get(provider.answer(onward(begun)))

    (asking,) = begun.headers.get_list("set-cookie")
    assert asking.startswith("lantern-sign-on=")
    assert "SameSite=Lax" in asking
    assert "HttpOnly" in asking
    assert "Max-Age=600" in asking
    kept = {each.partition("=")[0]: each for each in back.headers.get_list("set-cookie")}
    assert "SameSite=Strict" in kept["lantern"]
    assert "Max-Age=0" in kept["lantern-sign-on"]


async def test_a_made_up_host_changes_no_address(visitor: Browser, provider: FakeProvider) -> None:
    page = await visitor.post("/sign-in/organisation", {}, x_forwarded_host="evil.example")
    refused = await visitor.post("/sign-in/organisation", {}, host="evil.example")

    assert (refused.status_code, "location" in refused.headers) == (400, False)
    assert parse_qs(urlsplit(onward(page)).query)["redirect_uri"] == [CONSOLE + RETURN]
    assert "evil" not in page.text


@pytest.mark.parametrize("next_", ["https://evil.example/", "//evil.example", "/\\evil.example"])
async def test_a_link_cannot_choose_the_next_address(
    linked: Browser, provider: FakeProvider, next_: str
) -> None:
    address = await sent(linked, next=next_)

    assert onward(await linked.get(provider.answer(address))) == "/escalations"


async def test_a_form_of_another_site_begins_nothing(
    visitor: Browser, provider: FakeProvider
) -> None:
    response = await visitor.post_from("https://evil.example", "/sign-in/organisation", {})

    assert response.status_code == 403
    assert provider.asked == []


async def test_an_unlinked_person_reads_whom_to_ask_and_gets_no_account(
    linked: Browser, provider: FakeProvider, audit: AuditLog, accounts: StaffAccounts
) -> None:
    known = {"email": "ann@council.example", "email_verified": True, "preferred_username": "ann"}
    back = await linked.get(provider.answer(await sent(linked), "u2", **known))

    assert back.status_code == 403
    assert "Lantern does not yet have an account for you" in back.text
    assert not await is_signed_in(linked)
    assert len(accounts.in_use()) == 1
    assert trail(audit)[0]["why"] == "no account is linked"


async def test_a_disabled_account_stays_disabled_and_the_trail_names_it(
    linked: Browser, provider: FakeProvider, audit: AuditLog, accounts: StaffAccounts, ann: Staff
) -> None:
    accounts.disable("ann")

    back = await linked.get(provider.answer(await sent(linked)))

    assert back.status_code == 403
    assert not await is_signed_in(linked)
    refused = trail(audit)[0]
    assert (refused["why"], refused["account"]) == ("account is shut", ann.id)


async def refused(browser: Browser, path: str, status: int) -> str:
    """Come back to this address and be refused; the page."""
    back = await browser.get(path)
    assert back.status_code == status
    assert not await is_signed_in(browser)
    return back.text


async def test_a_response_works_once(linked: Browser, provider: FakeProvider) -> None:
    path = provider.answer(await sent(linked))
    cookie = linked.client.cookies["lantern-sign-on"]
    await linked.get(path)
    await sign_out(linked)
    linked.client.cookies.set("lantern-sign-on", cookie)
    provider.asked.clear()

    await refused(linked, path, 400)

    assert provider.asked == []


async def test_a_response_to_another_request_is_refused(
    linked: Browser, provider: FakeProvider, audit: AuditLog
) -> None:
    first = provider.answer(await sent(linked))
    await sent(linked)

    await refused(linked, first, 400)

    assert trail(audit)[0]["why"] == "not what this browser asked for"


async def test_a_response_from_another_browser_is_refused(
    linked: Browser, elsewhere: Browser, provider: FakeProvider, audit: AuditLog
) -> None:
    path = provider.answer(await sent(linked))

    await refused(elsewhere, path, 400)
    assert trail(audit)[0]["why"] == "not asked for in this browser"
    await sent(elsewhere)
    await refused(elsewhere, path, 400)


async def test_a_forged_cookie_is_refused(linked: Browser, provider: FakeProvider) -> None:
    path = provider.answer(await sent(linked))
    right = linked.client.cookies["lantern-sign-on"].encode()
    linked.client.cookies.clear()
    for cookie in (b"x", right[:-2] + b"xx", b"a" + right, right + b"\xff", b"\xed\xb3\xbf.x"):
        back = await linked.get(path, cookie=b"lantern-sign-on=" + cookie)
        assert back.status_code == 400, cookie
        assert not await is_signed_in(linked)


async def test_a_request_expires_after_ten_minutes(
    linked: Browser, provider: FakeProvider, clock: Clock
) -> None:
    path = provider.answer(await sent(linked))
    clock.move(minutes=10, seconds=1)

    assert "ten minutes" in await refused(linked, path, 400)


WRONG_CLAIMS: list[dict[str, Any]] = [
    {"nonce": "another"},
    {"nonce": None},
    {"aud": "another"},
    {"aud": ["another"]},
    {"aud": "another", "azp": CLIENT},
    {"aud": [CLIENT, "another"]},
    {"aud": CLIENT, "azp": "another"},
    {"aud": None},
    {"iss": "https://another.example"},
    {"iss": None},
    {"exp": 1_700_000_000},
    {"exp": "soon"},
    {"exp": None},
    {"nbf": 2_000_000_000},
    {"sub": ""},
    {"sub": None},
    {"sub": ["u1"]},
    {"sub": "u" * 256},
    {"amr": "mfa"},
    {"at_hash": "another"},
]
"""None stands for a claim that is not there."""


async def test_an_identity_token_that_is_not_for_this_request_opens_nothing(
    linked: Browser, provider: FakeProvider, audit: AuditLog
) -> None:
    for claims in WRONG_CLAIMS:

        def made(asked: dict[str, str], claims: dict[str, Any] = claims) -> str:
            said = provider.claims(asked) | claims
            return provider.signed({name: each for name, each in said.items() if each is not None})

        await refused(linked, provider.answer_with(await sent(linked), made), 401)

        assert trail(audit)[0]["why"] == "identity not proved", claims
    assert len(trail(audit)) == len(WRONG_CLAIMS)


def usual_claims(
    provider: FakeProvider, sign: Callable[[dict[str, Any]], str]
) -> Callable[[dict[str, str]], str]:
    return lambda asked: sign(provider.claims(asked))


def always(token: str) -> Callable[[dict[str, str]], str]:
    return lambda _asked: token


async def test_only_a_token_signed_with_the_providers_key_counts(
    linked: Browser, provider: FakeProvider
) -> None:
    for sign in (
        provider.signed_by_another,
        provider.signed_by_the_secret,
        provider.signed_by_the_public_key,
        provider.unsigned,
    ):
        address = await sent(linked)
        made = provider.answer_with(address, usual_claims(provider, sign))
        await refused(linked, made, 401)


async def test_a_malformed_token_opens_nothing(linked: Browser, provider: FakeProvider) -> None:
    for token in ("", "x", "a.b.c", "é.é.é", "." * 9):
        path = provider.answer_with(await sent(linked), always(token))
        await refused(linked, path, 401)


async def test_a_code_that_the_provider_refuses_opens_nothing(
    linked: Browser, provider: FakeProvider, audit: AuditLog
) -> None:
    path = provider.answer(await sent(linked))
    state = parse_qs(urlsplit(path).query)["state"][0]

    await refused(linked, f"{RETURN}?state={state}&code=another", 401)

    assert trail(audit)[0]["why"] == "code refused by the provider"


async def test_a_person_who_cancels_at_the_provider_reads_so(
    linked: Browser, provider: FakeProvider, audit: AuditLog
) -> None:
    state = parse_qs(urlsplit(await sent(linked)).query)["state"][0]
    note = "error_description=<b>call+0900+123</b>"

    page = await refused(linked, f"{RETURN}?state={state}&error=access_denied&{note}", 401)

    assert "0900" not in page
    assert trail(audit)[0]["why"] == "refused by the provider"


async def test_a_response_of_another_provider_is_refused(
    linked: Browser, provider: FakeProvider
) -> None:
    path = provider.answer(await sent(linked))
    provider.asked.clear()

    await refused(linked, f"{path}&iss=https://another.example", 401)

    assert "/token" not in provider.asked


async def test_a_provider_that_announces_its_name_must_send_it(
    linked: Browser, app: App, settings: Settings, provider: FakeProvider, clock: Clock
) -> None:
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    assert settings.sign_on
    restarted = Provider(settings.sign_on, SECRET, clock)
    app.ctx.services = replace(app.ctx.services, provider=restarted)

    await refused(linked, provider.answer(await sent(linked)), 401)
    path = provider.answer(await sent(linked))

    assert onward(await linked.get(f"{path}&iss={provider.issuer}")) == "/escalations"


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://another.example"},
        {"token_endpoint": "http://another.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
async def test_a_provider_with_invalid_metadata_is_not_used(
    visitor: Browser, provider: FakeProvider, said: dict[str, str]
) -> None:
    provider.metadata = said

    page = await visitor.post("/sign-in/organisation", {})

    assert page.status_code == 503
    assert "Sign in with your password here" in page.text


@pytest.mark.parametrize("path", ["/token", "/keys"])
async def test_a_provider_that_fails_midway_signs_in_no_one(
    linked: Browser, provider: FakeProvider, audit: AuditLog, path: str
) -> None:
    provider.refused.add(path)

    await refused(linked, provider.answer(await sent(linked)), 503)

    assert trail(audit)[0]["why"] == "provider does not answer"


@pytest.mark.parametrize("server", [frozen_server, slow_server])
async def test_a_hanging_provider_does_not_block_the_console(
    settings: Settings,
    accounts: StaffAccounts,
    ann: Staff,
    clock: Clock,
    throttle: SignInThrottle,
    server: Any,
) -> None:
    Sanic.test_mode = True
    with server() as port:
        sign_on = SignOnSettings(f"http://127.0.0.1:{port}", CLIENT, "it", CONSOLE + RETURN)
        console = compose(settings, accounts=accounts, throttle=throttle, now=clock)
        console = replace(console, provider=Provider(sign_on, SECRET, clock, timeout_s=0.5))
        async with SanicASGITestClient(create_app(settings, console)) as client:
            browser, began = Browser(client), time.monotonic()

            assert (await browser.post("/sign-in/organisation", {})).status_code == 503
            assert time.monotonic() - began < 5
            assert (await browser.get("/sign-in")).status_code == 200
            assert (await browser.sign_in()).status_code == 303


async def test_the_number_of_calls_to_a_hanging_provider_is_limited(clock: Clock) -> None:
    with frozen_server() as port:
        sign_on = SignOnSettings(f"http://127.0.0.1:{port}", CLIENT, "it", CONSOLE + RETURN)
        provider = Provider(sign_on, SECRET, clock, timeout_s=60)
        asked, _ = AuthenticationRequests("key", clock).make(Purpose.SIGN_IN)
        waiting = [asyncio.create_task(provider.address(asked)) for _ in range(CONCURRENT_CALLS)]
        await asyncio.sleep(0)

        with pytest.raises(ProviderUnavailableError):
            await provider.address(asked)

        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert not provider._free.locked()


async def test_without_a_provider_its_pages_do_not_exist(
    settings: Settings, accounts: StaffAccounts, ann: Staff, clock: Clock, throttle: SignInThrottle
) -> None:
    Sanic.test_mode = True
    without = replace(settings, sign_on=None)
    console = compose(without, accounts=accounts, throttle=throttle, now=clock)
    async with SanicASGITestClient(create_app(without, console)) as client:
        browser = Browser(client)
        assert "organisation" not in (await browser.get("/sign-in")).text
        assert (await browser.post("/sign-in/organisation", {})).status_code == 404
        assert (await browser.get(RETURN)).status_code == 404
        await browser.sign_in()
        assert (await browser.get("/account/organisation")).status_code == 404
        assert "organisation" not in (await browser.get("/account")).text


async def test_linking_takes_the_password_and_says_what_is_wrong(
    browser: Browser, provider: FakeProvider
) -> None:
    for proof in ("", "wrong"):
        page = await browser.send("/account/organisation", {"proof": proof})
        assert page.status_code == 400
        assert "not right" in page.text
    assert provider.asked == []


async def test_an_identity_opens_one_account(
    linked: Browser, provider: FakeProvider, bob: Staff, audit: AuditLog
) -> None:
    await linked.sign_in("bob")

    back = await link(linked, provider)

    assert back.status_code == 409
    assert "opens another account" in back.text
    assert trail(audit, "single sign-on link refused")[0]["account"] == bob.id
    await sign_out(linked)
    await linked.get(provider.answer(await sent(linked)))
    assert "Ann Smith" in (await linked.get("/account")).text


async def test_nothing_is_linked_to_a_session_that_has_ended(
    browser: Browser, provider: FakeProvider
) -> None:
    token = await browser.form_token()
    form = {"proof": PASSWORD, "form_token": token}
    address = onward(await browser.post("/account/organisation", form))
    cookie = browser.client.cookies["lantern-sign-on"]
    await sign_out(browser)
    browser.client.cookies.set("lantern-sign-on", cookie)

    assert "signed out meanwhile" in await refused(browser, provider.answer(address), 401)
    browser.client.cookies.clear()
    assert (await browser.get(provider.answer(await sent(browser)))).status_code == 403


async def test_an_unlinked_identity_opens_nothing_and_can_be_linked_again(
    linked: Browser, provider: FakeProvider
) -> None:
    await linked.sign_in()
    await linked.send("/account/organisation/unlink", {})
    assert (await linked.send("/account/organisation/unlink", {})).status_code == 404
    await sign_out(linked)

    await refused(linked, provider.answer(await sent(linked)), 403)

    await linked.sign_in()
    assert onward(await link(linked, provider)) == "/account/organisation"


async def test_an_administrator_unlinks(
    linked: Browser, provider: FakeProvider, accounts: StaffAccounts, ann: Staff, audit: AuditLog
) -> None:
    accounts.add("ada", PASSWORD, role=Role.ADMINISTRATOR)
    await linked.sign_in("ada")
    assert "Unlink the organisation" in (await linked.get(f"/accounts/{ann.id}")).text

    await linked.send(f"/accounts/{ann.id}/unlink", {})

    assert trail(audit, "single sign-on unlinked")[0]["account"] == ann.id
    assert "Unlink the organisation" not in (await linked.get(f"/accounts/{ann.id}")).text
    await sign_out(linked)
    await refused(linked, provider.answer(await sent(linked)), 403)


async def test_a_new_password_by_a_link_ends_the_identity_that_was_linked(
    linked: Browser, provider: FakeProvider, accounts: StaffAccounts, app: App, ann: Staff
) -> None:
    invitations = app.ctx.services.invitations
    token = invitations.renew(ann, by=ann.id)

    await linked.post(f"/invitation/{token}", {"password": PASSWORD + " two"})

    await refused(linked, provider.answer(await sent(linked)), 403)


async def test_a_second_step_of_ours_follows_where_the_provider_asked_for_none(
    linked: Browser, provider: FakeProvider, clock: Clock
) -> None:
    secret = await set_up_second_step(linked, clock)

    back = await linked.get(provider.answer(await sent(linked, next="/content"), amr=["pwd"]))

    assert onward(back) == "/sign-in/code?next=%2Fcontent"
    assert not await is_signed_in(linked)
    done = await linked.post("/sign-in/code", {"code": pyotp.TOTP(secret).at(clock.at)})
    assert done.status_code == 303
    assert await is_signed_in(linked)


async def test_a_second_step_of_the_providers_is_enough(
    linked: Browser, provider: FakeProvider, clock: Clock, audit: AuditLog
) -> None:
    await set_up_second_step(linked, clock)

    back = await linked.get(provider.answer(await sent(linked), amr=["pwd", "mfa"]))

    assert onward(back) == "/escalations"
    assert trail(audit, "signed in")[0]["second_step"] is True


@pytest.mark.parametrize(("amr", "status"), [(["pwd"], 303), (["mfa"], 200)])
async def test_where_a_second_step_is_demanded_one_of_the_provider_counts(
    linked: Browser, app: App, provider: FakeProvider, amr: list[str], status: int
) -> None:
    app.ctx.services = replace(app.ctx.services, require_second_step=True)

    await linked.get(provider.answer(await sent(linked), amr=amr))

    response = await linked.get("/escalations")
    assert response.status_code == status
    assert response.headers.get("location", "") in {"", "/account/second-step"}


async def set_up_second_step(browser: Browser, clock: Clock) -> str:
    """Ann sets one up and signs out; the secret."""
    await browser.sign_in()
    page = (await browser.get("/account/second-step")).text
    found = re.search(r"<code[^>]*>([A-Z2-7]{32})</code>", page)
    assert found
    await browser.send("/account/second-step", {"code": pyotp.TOTP(found[1]).at(clock.at)})
    clock.move(minutes=2)
    await sign_out(browser)
    return found[1]


async def confirm(browser: Browser, provider: FakeProvider, subject: str, **claims: Any) -> Any:
    """Ask the provider again who sits there; what comes back."""
    token = await browser.form_token()
    form = {"form_token": token, "next": "/escalations/c1"}
    address = onward(await browser.post("/confirm/organisation", form))
    asked = parse_qs(urlsplit(address).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    return await browser.get(provider.answer(address, subject, **claims))


async def test_a_session_is_confirmed_at_the_provider(
    linked: Browser, provider: FakeProvider, clock: Clock, audit: AuditLog, ann: Staff
) -> None:
    await linked.get(provider.answer(await sent(linked)))
    clock.move(minutes=16)
    assert "Sign in again with Wiltshire Council" in (await linked.get("/confirm")).text
    now = int(clock.at.timestamp())

    stale = await confirm(linked, provider, "u1", auth_time=now - 16 * 60)
    silent = await confirm(linked, provider, "u1")
    other = await confirm(linked, provider, "u2", auth_time=now)
    assert [stale.status_code, silent.status_code, other.status_code] == [401, 401, 403]
    assert (
        (await linked.send("/escalations/c1/reveal", {})).headers["location"].startswith("/confirm")
    )

    done = await confirm(linked, provider, "u1", auth_time=now)

    assert onward(done) == "/escalations/c1"
    assert trail(audit, "confirmed")[0]["who"] == ann.id
    assert (await linked.send("/escalations/c1/reveal", {})).status_code == 404


async def invited(app: App, accounts: StaffAccounts) -> str:
    """Return the token of an invitation for an auditor."""
    ada = accounts.add("ada", PASSWORD, role=Role.ADMINISTRATOR)
    token: str = app.ctx.services.invitations.invite("Zoe", Role.AUDITOR, by=ada.id)
    return token


async def test_an_invitation_opens_an_account_without_a_password(
    visitor: Browser, app: App, provider: FakeProvider, accounts: StaffAccounts, audit: AuditLog
) -> None:
    token = await invited(app, accounts)
    assert (
        "Use the sign-in of Wiltshire Council" in (await visitor.get(f"/invitation/{token}")).text
    )
    address = await sent(visitor, f"/invitation/{token}/organisation", name="zoe")

    back = await visitor.get(provider.answer(address, "u3"))

    assert onward(back) == "/audit"
    assert await is_signed_in(visitor)
    zoe = accounts.named("zoe")
    assert zoe is not None
    assert trail(audit, "account opened")[0]["account"] == zoe.id
    assert (await visitor.get(f"/invitation/{token}")).status_code == 410
    await sign_out(visitor)
    await visitor.get(provider.answer(await sent(visitor), "u3"))
    assert await is_signed_in(visitor)


@pytest.mark.parametrize("name", ["", "ada", "z" * 81])
async def test_a_name_that_cannot_be_used_is_refused_before_the_way_to_the_provider(
    visitor: Browser, app: App, provider: FakeProvider, accounts: StaffAccounts, name: str
) -> None:
    token = await invited(app, accounts)

    page = await visitor.post(f"/invitation/{token}/organisation", {"name": name})

    assert page.status_code == 400
    assert "Choose another sign-in name" in page.text
    assert f'action="/invitation/{token}"' in page.text
    assert provider.asked == []


async def test_an_invitation_that_ended_on_the_way_opens_nothing(
    visitor: Browser, app: App, provider: FakeProvider, accounts: StaffAccounts, clock: Clock
) -> None:
    token = await invited(app, accounts)
    taken = await sent(visitor, f"/invitation/{token}/organisation", name="zoe")
    accounts.add("zoe", PASSWORD)
    assert (await visitor.get(provider.answer(taken, "u3"))).status_code == 409
    address = await sent(visitor, f"/invitation/{token}/organisation", name="zoe2")
    await visitor.post(f"/invitation/{token}", {"name": "zoe3", "password": PASSWORD})

    assert (await visitor.get(provider.answer(address, "u3"))).status_code == 410

    assert not await is_signed_in(visitor)
    assert accounts.named("zoe2") is None


async def test_an_invitation_does_not_open_a_second_account(
    linked: Browser, app: App, provider: FakeProvider, accounts: StaffAccounts
) -> None:
    token = await invited(app, accounts)
    address = await sent(linked, f"/invitation/{token}/organisation", name="zoe")

    back = await linked.get(provider.answer(address, "u1"))

    assert back.status_code == 409
    assert accounts.named("zoe") is None
    assert (await linked.get(f"/invitation/{token}")).status_code == 200
