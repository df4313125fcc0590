"""A passkey in real Chromium, with its virtual authenticator: made, used, and refused."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import Browser, Page, expect

from tests.e2e.running_console import own_database, running_console
from tests.records import PASSWORD, accounts_on


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Run a console. Passkeys are for names, not for numbers: hence "localhost"."""
    with own_database(tmp_path) as engine:
        accounts_on(engine).add("ann", PASSWORD, "Ann Smith")
        with running_console(tmp_path, host="localhost") as address:
            yield address


class Device:
    """The authenticator of a browser, as its maker's tests drive it."""

    def __init__(self, page: Page) -> None:
        self._cdp = page.context.new_cdp_session(page)
        self._cdp.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        added = self._cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._id = added["authenticatorId"]

    def credentials(self) -> list[dict[str, Any]]:
        sent = {"authenticatorId": self._id}
        found: list[dict[str, Any]] = self._cdp.send("WebAuthn.getCredentials", sent)["credentials"]
        return found

    def hold(self, credential: dict[str, Any]) -> None:
        """Put a credential in, as a thief of another key would."""
        sent = {"authenticatorId": self._id, "credential": credential}
        self._cdp.send("WebAuthn.addCredential", sent)

    def forget(self, credential: dict[str, Any]) -> None:
        sent = {"authenticatorId": self._id, "credentialId": credential["credentialId"]}
        self._cdp.send("WebAuthn.removeCredential", sent)


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/sign-in")
    page.get_by_label("Sign-in name").fill("ann")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in$"))


def set_up_app(page: Page, address: str) -> None:
    page.goto(f"{address}/account/second-step")
    secret = page.locator(".second-step__secret").inner_text()
    page.get_by_label("The code that the app shows now").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Set up").click()
    expect(page.locator(".second-step__codes code")).to_have_count(10)


def test_a_passkey_is_made_used_counted_and_refused_when_it_is_not_the_right_one(
    browser: Browser, address: str
) -> None:
    page = browser.new_page()
    page.set_default_timeout(60_000)
    device = Device(page)
    sign_in(page, address)
    set_up_app(page, address)
    page.goto(f"{address}/account")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("button", name="Remove the passkey")).to_have_count(1)
    (credential,) = device.credentials()
    sign_out(page)

    sign_in(page, address)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Escalations")).to_be_visible()
    sign_out(page)

    # A copy counts backwards, and another key under the same name signs something else.
    for stolen in (credential, credential | {"privateKey": other_key(), "signCount": 99}):
        for held in device.credentials():
            device.forget(held)
        device.hold(stolen)
        sign_in(page, address)
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_text("That passkey did not open the account").first).to_be_visible()
        page.goto(f"{address}/escalations")
        expect(page).to_have_url(re.compile("/sign-in"))
    page.close()


def other_key() -> str:
    """Return an unregistered private key, as the virtual authenticator takes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    encoded = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return base64.b64encode(encoded).decode()
