"""The first sign-in where real children may write: the second step comes before anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.engine import Engine

from staff.accounts.invitations import Invitations
from staff.accounts.permissions import Role
from tests.e2e.running_console import own_database, running_console
from tests.e2e.test_console import _faults
from tests.records import PASSWORD, accounts_on

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with own_database(tmp_path) as engine:
        yield engine


@pytest.fixture
def address(engine: Engine, tmp_path: Path) -> Iterator[str]:
    """Run the console of a real installation, with one lead."""
    accounts_on(engine).add("ann", PASSWORD, "Ann Smith")
    with running_console(tmp_path, LANTERN_REQUIRE_APPROVAL="true") as address:
        yield address


@pytest.mark.parametrize("look", [{}, {"viewport": PHONE, "color_scheme": "dark"}])
def test_an_invited_lead_sets_up_the_second_step_first_and_signs_in_with_it_then(
    browser: Browser, address: str, engine: Engine, look: dict[str, Any]
) -> None:
    accounts = accounts_on(engine)
    ann = accounts.named("ann")
    assert ann
    link = Invitations(engine, accounts).invite("Bob Jones", Role.LEAD, by=ann.id)
    context = browser.new_context(base_url=address, java_script_enabled=bool(look), **look)
    page = context.new_page()
    page.goto(f"/invitation/{link}")
    expect(page.get_by_text("Have your phone ready")).to_be_visible()
    page.get_by_label("Sign-in name").fill("bob")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Save").click()
    accounts.admit("bob")
    _first_step(page, "bob")

    expect(page.get_by_role("heading", name="Set up a second step")).to_be_visible()
    assert page.get_by_role("navigation", name="Console").get_by_role("link").count() == 0
    if look:
        assert _faults(page) == []
    for path in ("/content", "/account", "/password", "/escalations"):
        page.goto(path)
        expect(page).to_have_url(re.compile("/account/second-step$"))

    secret = page.locator(".second-step__secret").inner_text()
    page.get_by_label("The code that the app shows now").fill("000000")
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("link", name="The code is not right")).to_be_visible()
    code = pyotp.TOTP(secret).now()
    page.get_by_label("The code that the app shows now").fill(code)
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("heading", name="Your second step is set up")).to_be_visible()
    recovery = page.locator(".second-step__codes code").first.inner_text()
    if look:
        assert _faults(page) == []
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("heading", name="Escalations", exact=True)).to_be_visible()
    expect(page.get_by_role("navigation", name="Console")).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    _first_step(page, "bob")
    page.get_by_label("The code that your app shows now").fill(recovery)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Escalations", exact=True)).to_be_visible()
    context.close()


def _first_step(page: Page, name: str) -> None:
    page.get_by_label("Sign-in name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
