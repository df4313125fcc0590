"""Single sign-on in real Chromium, at a certified provider (oidc-provider) on another site."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy.engine import Engine

from ops.stack import Process, free_port
from safeguarding.taxonomy import ROOT
from staff.accounts.accounts import StaffAccounts
from staff.accounts.invitations import Invitations
from staff.accounts.permissions import Role
from staff.audit.trail import AuditLog, EventFilter
from tests.e2e.running_console import own_database, settings_of
from tests.records import PASSWORD, accounts_on

SECRET = "a secret of the tests, long enough to sign with"
PACKAGE = ROOT / "node_modules" / "oidc-provider"
OLDEST_NODE = 20
PATIENCE_MS = 60_000
WITH_PROVIDER = "Sign in with Wiltshire Council"


@dataclass(frozen=True)
class Running:
    """A console and its provider. A name and a number are two sites to a browser."""

    console: str
    provider: str
    engine: Engine
    accounts: StaffAccounts
    process: Process
    """The provider's."""


def program() -> str:
    """Node, where it and the provider are here and fit."""
    node = shutil.which("node")
    if node and PACKAGE.exists() and _major(node) >= OLDEST_NODE:
        return node
    missing = f"it needs Node {OLDEST_NODE}, and make node_modules/.for-tests"
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must try single sign-on: {missing}")
    return pytest.skip(missing)


def _major(node: str) -> int:
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return int(told.removeprefix("v").partition(".")[0])


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    node, ports = program(), (free_port(), free_port())
    console, provider = f"http://localhost:{ports[0]}", f"http://127.0.0.1:{ports[1]}"
    settings = settings_of(tmp_path, ports[0]) | {
        "LANTERN_CONSOLE_URL": f"{console}/",
        "LANTERN_SSO_ISSUER": provider,
        "LANTERN_SSO_CLIENT_ID": "lantern",
        "LANTERN_SSO_CLIENT_SECRET": SECRET,
        "LANTERN_SSO_LABEL": "Wiltshire Council",
    }
    script = str(Path(__file__).with_name("provider.mjs"))
    given = (str(ports[1]), "lantern", SECRET, f"{console}/sign-in/organisation/return")
    started = (
        Process(
            "provider",
            [node, script, *given],
            {},
            f"{provider}/.well-known/openid-configuration",
            tmp_path / "provider.log",
        ),
        Process(
            "console",
            [sys.executable, "-m", "staff.console"],
            settings,
            f"{console}/healthz",
            tmp_path / "console.log",
        ),
    )
    with own_database(tmp_path) as engine:
        try:
            for process in started:
                process.start()
            for process in started:
                process.wait()
            yield Running(console, provider, engine, accounts_on(engine), started[0])
        finally:
            for process in started:
                process.stop()


def at_provider(page: Page, running: Running, subject: str) -> None:
    """Sign in there as somebody, and agree that the console may know."""
    page.wait_for_url(re.compile(f"^{re.escape(running.provider)}/"))
    page.get_by_placeholder("Enter any login").fill(subject)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    consent = page.get_by_role("button", name="Continue")
    seen(consent.or_(page.locator(".lantern-header")).first)
    if consent.is_visible():
        consent.click()


def seen(what: Locator) -> None:
    """Wait for it longer than usual: a machine may be slow."""
    expect(what).to_be_visible(timeout=PATIENCE_MS)


def sign_in(page: Page) -> None:
    """As Ann, with the password."""
    page.get_by_label("Sign-in name").fill("ann")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("/sign-in$"))


def entries(engine: Engine) -> list[str]:
    """Return what the trail says of ways in, the newest last."""
    events = [each.event for each in reversed(AuditLog(engine).newest(EventFilter(), limit=99))]
    ways = {"signed in", "signed out", "confirmed", "sign-in refused"}
    return [each.what for each in events if each.what in ways or "single" in each.what]


def faults(page: Page) -> list[str]:
    """Return what axe finds wrong with a page."""
    return [fault["id"] for fault in Axe().run(page).response["violations"]]


def test_an_account_is_linked_opened_confirmed_and_unlinked(
    browser: Browser, running: Running
) -> None:
    running.accounts.add("ann", PASSWORD, "Ann Smith")
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{running.console}/sign-in")
    sign_in(page)
    page.goto(f"{running.console}/account")
    page.get_by_role("link", name="Link the sign-in of Wiltshire Council").click()
    assert faults(page) == []
    page.get_by_label("Your password, or a code from your app", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Link", exact=True).click()
    at_provider(page, running, "u1")
    seen(page.get_by_role("heading", name="Unlink the sign-in"))
    sign_out(page)

    # The provider knows the browser, so it asks for nothing more.
    page.goto(f"{running.console}/sign-in?next=/rota")
    page.get_by_role("button", name=WITH_PROVIDER).click()
    page.wait_for_url(f"{running.console}/rota")
    seen(page.get_by_role("link", name="Your account: Ann Smith"))

    page.goto(f"{running.console}/confirm?next=/statistics")
    page.get_by_role("button", name="Sign in again with Wiltshire Council").click()
    at_provider(page, running, "u1")
    page.wait_for_url(f"{running.console}/statistics")

    page.goto(f"{running.console}/account/organisation")
    page.get_by_role("button", name="Unlink").click()
    seen(page.get_by_role("heading", name="Link the sign-in"))
    sign_out(page)
    page.get_by_role("button", name=WITH_PROVIDER).click()
    seen(page.get_by_role("heading", name="There is no account for you yet"))
    assert faults(page) == []
    page.goto(f"{running.console}/escalations")
    page.wait_for_url(re.compile("/sign-in"))
    page.close()
    assert entries(running.engine) == [
        "signed in",
        "single sign-on linked",
        "signed out",
        "signed in",
        "confirmed",
        "single sign-on unlinked",
        "signed out",
        "sign-in refused",
    ]


def test_an_invitation_opens_an_account_that_has_no_password(
    browser: Browser, running: Running
) -> None:
    ada = running.accounts.add("ada", PASSWORD, role=Role.ADMINISTRATOR)
    invitations = Invitations(running.engine, running.accounts)
    token = invitations.invite("Zoe Jones", Role.AUDITOR, by=ada.id)
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{running.console}/invitation/{token}")
    page.get_by_label("Sign-in name").fill("zoe")
    page.get_by_role("button", name="Use the sign-in of Wiltshire Council").click()
    at_provider(page, running, "u3")

    page.wait_for_url(f"{running.console}/audit")
    seen(page.get_by_role("link", name="Your account: Zoe Jones"))
    sign_out(page)
    page.get_by_role("button", name=WITH_PROVIDER).click()
    page.wait_for_url(f"{running.console}/audit")
    page.close()


def test_the_provider_hangs_and_passwords_go_on(browser: Browser, running: Running) -> None:
    running.accounts.add("ann", PASSWORD, "Ann Smith")
    running.process.send(signal.SIGSTOP)
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{running.console}/sign-in")
    assert faults(page) == []
    page.get_by_role("button", name=WITH_PROVIDER).click()
    seen(page.get_by_role("heading", name="Single sign-on does not answer"))

    page.get_by_role("link", name="Go to the sign-in page").click()
    sign_in(page)

    page.wait_for_url(f"{running.console}/escalations")
    page.close()
