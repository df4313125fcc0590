"""Administrators manage accounts, and cannot give access to cases alone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sanic import Sanic
from sanic_testing.testing import SanicASGITestClient

from safeguarding.settings import Settings
from staff.accounts.accounts import Staff, StaffAccounts
from staff.accounts.permissions import Permission, Role
from staff.console.app import compose, create_app
from tests.records import PASSWORD, Clock, EscalationLog, escalation
from tests.unit.staff.console.conftest import Browser
from web.http import App

NEW = "nine purple otters sing"


@pytest.fixture
def ada(accounts: StaffAccounts) -> Staff:
    return accounts.add("ada", PASSWORD, "Ada Admin", Role.ADMINISTRATOR)


@pytest.fixture
async def admin(visitor: Browser, ada: Staff) -> Browser:
    """Ada, signed in."""
    await visitor.sign_in("ada")
    return visitor


@pytest.fixture
async def guest(app: App) -> AsyncIterator[Browser]:
    """Somebody else's browser."""
    async with SanicASGITestClient(app) as client:
        yield Browser(client)


async def invited(admin: Browser, role: str = "reviewer") -> str:
    """Return the path of the link that the page shows."""
    form = {"shown_name": "Zoë <Clark>", "role": role}
    return link_in((await admin.send("/accounts/invite", form)).text)


def link_in(page: str) -> str:
    found = re.search(r'value="http://[^/"]+(/invitation/[\w-]+)"', page)
    assert found
    return found[1]


@pytest.fixture
async def reached_by_any_name(
    settings: Settings, accounts: StaffAccounts, clock: Clock
) -> AsyncIterator[Browser]:
    """Return the browser of an administrator, at a console whose settings name no host."""
    Sanic.test_mode = True
    accounts.add("root", PASSWORD, "Root", Role.ADMINISTRATOR)
    alerts = replace(settings.alerts, console_url="https://console.example/")
    anywhere = replace(settings, console_hosts=None, alerts=alerts)
    app = create_app(anywhere, compose(anywhere, accounts=accounts, now=clock))
    async with SanicASGITestClient(app) as client:
        browser = Browser(client)
        await browser.sign_in("root")
        yield browser


async def test_a_link_leads_to_the_console_of_the_settings_whatever_the_request_says(
    reached_by_any_name: Browser, accounts: StaffAccounts, ann: Staff
) -> None:
    admin, token = reached_by_any_name, await reached_by_any_name.form_token()
    form = {"form_token": token, "shown_name": "Zoe", "role": "reviewer"}
    forged = {"host": "evil.example", "x_forwarded_host": "evil.example"}

    pages = [
        await admin.post("/accounts/invite", form, **forged),
        await admin.post(f"/accounts/{ann.id}/link", form, **forged),
    ]

    for page in pages:
        assert re.search(r'value="https://console\.example/invitation/[\w-]{40,}"', page.text)
        assert "evil.example" not in page.text


async def test_an_invited_reviewer_reads_cases_once_a_lead_has_admitted_them(
    admin: Browser, guest: Browser, accounts: StaffAccounts, log: EscalationLog
) -> None:
    accounts.add("lea", PASSWORD, role=Role.LEAD)
    log.record(escalation())
    link = await invited(admin)
    assert "Zoë &lt;Clark&gt;" in (await guest.get(link)).text
    done = await guest.post(link, {"name": " Zoe ", "password": NEW})
    assert done.headers["location"] == "/sign-in"

    await guest.sign_in("zoe", NEW)
    assert (await guest.get("/escalations")).status_code == 403
    await guest.send("/sign-out", {})
    await guest.sign_in("lea")
    zoe = accounts.named("zoe")
    assert zoe is not None
    assert "Zoë &lt;Clark&gt;" in (await guest.get("/colleagues")).text
    assert "&lt;span" not in (await guest.get("/colleagues")).text
    await guest.send(f"/colleagues/{zoe.id}/admit", {})
    await guest.send("/sign-out", {})
    await guest.sign_in("zoe", NEW)

    assert (await guest.get("/escalations")).status_code == 200


async def test_no_administrator_can_let_themselves_read_cases(
    admin: Browser, guest: Browser, accounts: StaffAccounts, ada: Staff
) -> None:
    accounts.add("abe", PASSWORD, "Abe", Role.ADMINISTRATOR)

    await admin.send(f"/accounts/{ada.id}/role", {"role": "lead"})
    for path in ("/escalations", "/colleagues"):
        assert (await admin.get(path)).status_code == 403
    assert (await admin.send(f"/colleagues/{ada.id}/admit", {})).status_code == 403


async def test_a_password_that_an_administrator_gave_opens_no_case_by_itself(
    admin: Browser, guest: Browser, accounts: StaffAccounts, ann: Staff
) -> None:
    link = link_in((await admin.send(f"/accounts/{ann.id}/link", {})).text)

    await guest.post(link, {"name": "ada", "password": NEW})

    assert accounts.verify("ann", PASSWORD) is None
    changed = accounts.verify("ann", NEW)
    assert changed is not None
    assert not changed.may(Permission.READ_CASES)
    await guest.sign_in("ann", NEW)
    assert (await guest.get("/escalations")).status_code == 403


async def test_a_link_works_once(admin: Browser, guest: Browser, accounts: StaffAccounts) -> None:
    link = await invited(admin, "auditor")
    await guest.post(link, {"name": "zoe", "password": NEW})

    again = await guest.post(link, {"name": "eve", "password": NEW})

    assert again.status_code == 410
    assert (await guest.get(link)).status_code == 410
    assert accounts.named("eve") is None


async def test_a_link_ends_after_three_days(admin: Browser, guest: Browser, clock: Clock) -> None:
    link = await invited(admin)
    clock.move(days=3, seconds=1)

    assert (await guest.get(link)).status_code == 410
    assert (await guest.post(link, {"name": "zoe", "password": NEW})).status_code == 410


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"name": "ada", "password": NEW}, "empty or taken"),
        ({"name": " ", "password": NEW}, "empty or taken"),
        ({"name": "zoe", "password": "Password2026!"}, "guessed easily"),
        ({"name": "zoe", "password": "short"}, "between 12 and 200"),
    ],
)
async def test_a_link_works_again_after_a_mistake(
    admin: Browser, guest: Browser, accounts: StaffAccounts, form: dict[str, str], why: str
) -> None:
    link = await invited(admin)

    refused = await guest.post(link, form)

    assert refused.status_code == 400
    assert why in refused.text
    assert (await guest.post(link, {"name": "zoe", "password": NEW})).status_code == 303
    assert accounts.named("zoe")


async def test_no_other_site_can_use_a_link(admin: Browser, guest: Browser) -> None:
    link = await invited(admin)
    form = {"name": "zoe", "password": NEW}

    assert (await guest.post(link, form, sec_fetch_site="cross-site")).status_code == 403
    assert (await guest.get(link)).status_code == 200


async def test_the_last_administrator_stays_one(
    admin: Browser, accounts: StaffAccounts, ada: Staff
) -> None:
    for path, form in (("disable", {}), ("role", {"role": "auditor"})):
        response = await admin.send(f"/accounts/{ada.id}/{path}", form)
        assert response.status_code == 409
        assert "This is the last administrator" in response.text
    assert accounts.named("ada") == ada


async def test_a_disabled_colleague_is_out_at_once(
    admin: Browser, guest: Browser, accounts: StaffAccounts, ann: Staff
) -> None:
    await guest.sign_in("ann")
    assert (await guest.get("/escalations")).status_code == 200

    await admin.send(f"/accounts/{ann.id}/disable", {})

    assert (await guest.get("/escalations")).status_code == 303
    assert (await admin.get(f"/accounts/{ann.id}")).status_code == 404


async def test_says_what_is_missing_in_an_invitation(admin: Browser) -> None:
    response = await admin.send("/accounts/invite", {"shown_name": " ", "role": "king"})

    assert response.status_code == 400
    assert "Enter their name" in response.text
    assert "Select what the account is for" in response.text


async def test_the_list_shows_who_waits_for_a_lead(
    admin: Browser, accounts: StaffAccounts, ann: Staff
) -> None:
    accounts.set_role("ann", Role.REVIEWER, admitted=False)

    assert "waits for a safeguarding lead" in (await admin.get("/accounts")).text


async def test_an_account_is_limited_to_areas_and_released(
    admin: Browser, accounts: StaffAccounts, ann: Staff
) -> None:
    await admin.send(f"/accounts/{ann.id}/areas", {"areas": "wiltshire"})
    kept = accounts.named("ann")
    assert kept is not None
    assert kept.areas == {"wiltshire"}
    page = (await admin.get(f"/accounts/{ann.id}")).text
    assert re.search(r'value="wiltshire"\s+checked', page)

    await admin.send(f"/accounts/{ann.id}/areas", {"areas": "narnia"})

    assert accounts.named("ann") == ann
