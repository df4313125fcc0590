"""Every route of the console has a permission, and every role reaches its routes only."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from staff.accounts.accounts import StaffAccounts
from staff.accounts.permissions import PERMISSIONS, READERS, Permission, Role
from tests.records import PASSWORD, WORDS, EscalationLog, escalation
from tests.unit.staff.console.conftest import Browser
from web.http import App

OPEN = {
    "/",
    "/blank",
    "/healthz",
    "/invitation/none",
    "/invitation/none/organisation",
    "/metrics",
    "/sign-in",
    "/sign-in/code",
    "/sign-in/organisation",
    "/sign-in/organisation/return",
    "/sign-in/passkey",
    "/sign-in/passkey/options",
}
"""What a stranger reaches."""
PLACES = {
    "batch": "none",
    "case_id": "c1",
    "chat_id": "none",
    "file_id": "none",
    "work": "note",
    "content_id": "answer:consent",
    "audience": "parent",
    "staff_id": "nobody",
    "token": "none",
    "reference": "LN-NONE",
    "shift_id": "1",
    "session_id": "none",
    "passkey_id": "none",
}


@dataclass(frozen=True)
class Route:
    """A way into the console."""

    method: str
    path: str
    permission: Permission | None


def routes(app: App) -> list[Route]:
    """Every route with its permission. Fails on one that says neither who may nor that all may."""
    found = []
    for route in app.router.routes:
        if route.path.startswith("static"):
            continue
        for method in sorted(route.methods - {"HEAD", "OPTIONS"}):
            assert hasattr(route.handler, "permission"), f"{route.path} says not who may come in"
            path = re.sub(r"<(\w+)(?::\w+)?>", lambda place: PLACES[place[1]], f"/{route.path}")
            found.append(Route(method, path, route.handler.permission))
    return found


async def answer(browser: Browser, route: Route) -> int:
    """Send a request as a page of the console would, and return its status."""
    if route.method == "GET":
        return (await browser.get(route.path)).status_code
    assert route.method == "POST"
    return (await browser.send(route.path, {})).status_code


def test_only_a_few_pages_need_no_sign_in(app: App) -> None:
    assert {route.path for route in routes(app) if route.permission is None} == OPEN


def test_administrators_and_auditors_see_no_words_and_work_no_case() -> None:
    words = {
        Permission.READ_CASES,
        Permission.WORK_CASES,
        Permission.EXPORT,
        Permission.ADMIT_READERS,
    }
    for role in (Role.ADMINISTRATOR, Role.AUDITOR):
        assert not PERMISSIONS[role] & words
    assert {Role.LEAD, Role.REVIEWER} == READERS


def test_no_role_that_sees_words_manages_accounts() -> None:
    for role in READERS:
        assert Permission.MANAGE_ACCOUNTS not in PERMISSIONS[role]


def test_every_role_has_permissions_and_every_permission_a_role() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert frozenset().union(*PERMISSIONS.values()) == set(Permission)


@pytest.mark.parametrize("role", Role)
async def test_each_role_gets_in_where_the_table_says_and_nowhere_else(
    app: App, visitor: Browser, accounts: StaffAccounts, log: EscalationLog, role: Role
) -> None:
    log.record(escalation())
    accounts.add("ann", PASSWORD, role=role)
    for route in routes(app):
        if route.permission is None:
            continue
        visitor.client.cookies.clear()
        await visitor.sign_in()

        status = await answer(visitor, route)

        allowed = route.permission in PERMISSIONS[role]
        assert (status != 403) is allowed, f"{role}: {route.method} {route.path} gave {status}"
        assert status < 500
        assert status != 401


async def test_a_stranger_gets_in_nowhere(app: App, visitor: Browser, log: EscalationLog) -> None:
    log.record(escalation())
    for route in routes(app):
        if route.permission is None:
            continue
        if route.method == "GET":
            response = await visitor.get(route.path)
            assert response.status_code == 303, route
            assert response.headers["location"].startswith("/sign-in?next=")
        else:
            response = await visitor.post(route.path, {})
            assert response.status_code == 401, route
        assert WORDS not in response.text


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR])
async def test_no_page_shows_words_without_the_permission(
    app: App, visitor: Browser, accounts: StaffAccounts, log: EscalationLog, role: Role
) -> None:
    log.record(escalation())
    accounts.add("ann", PASSWORD, role=role)
    await visitor.sign_in()
    for route in routes(app):
        if route.method == "GET":
            assert WORDS not in (await visitor.get(route.path)).text


async def test_a_refused_form_gives_back_what_was_written(
    visitor: Browser, accounts: StaffAccounts
) -> None:
    accounts.add("ann", PASSWORD, role=Role.AUDITOR)
    await visitor.sign_in()

    response = await visitor.send("/escalations/m1/outcome", {"note": "A long note <b>"})

    assert response.status_code == 403
    assert "A long note &lt;b&gt;" in response.text


@pytest.mark.parametrize(
    ("role", "home"),
    [
        (Role.LEAD, "/escalations"),
        (Role.REVIEWER, "/escalations"),
        (Role.ADMINISTRATOR, "/accounts"),
        (Role.AUDITOR, "/audit"),
    ],
)
async def test_each_role_begins_with_its_own_work(
    visitor: Browser, accounts: StaffAccounts, role: Role, home: str
) -> None:
    accounts.add("ann", PASSWORD, role=role)

    assert (await visitor.sign_in()).headers["location"] == home
    assert (await visitor.get("/")).headers["location"] == home
