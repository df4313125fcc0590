"""Staff change their own password, and only their own."""

from __future__ import annotations

from safeguarding.staff import Staff, StaffAccounts
from tests.records import PASSWORD
from tests.unit.web.console.conftest import Browser

NEW = "another long password"


async def test_a_new_password_replaces_the_old_one_and_signs_out(
    browser: Browser, accounts: StaffAccounts
) -> None:
    response = await browser.send("/password", {"current": PASSWORD, "new": NEW})

    assert response.headers["location"] == "/sign-in"
    assert accounts.verify("ann", NEW)
    assert accounts.verify("ann", PASSWORD) is None
    assert (await browser.get("/escalations")).status_code == 303


async def test_needs_the_password_of_now(browser: Browser, accounts: StaffAccounts) -> None:
    response = await browser.send("/password", {"current": "wrong", "new": NEW})

    assert response.status_code == 400
    assert "The password you have now is not right" in response.text
    assert accounts.verify("ann", PASSWORD)


async def test_says_what_is_wrong_with_a_short_one(browser: Browser) -> None:
    response = await browser.send("/password", {"current": PASSWORD, "new": "short"})

    assert response.status_code == 400
    assert "A password has between 12 and 200 characters" in response.text


async def test_guessing_at_the_password_of_now_is_slowed_down(browser: Browser) -> None:
    for _ in range(3):
        await browser.send("/password", {"current": "wrong", "new": NEW})

    assert (await browser.send("/password", {"current": PASSWORD, "new": NEW})).status_code == 429


async def test_asking_whether_one_is_still_signed_in_says_yes(browser: Browser) -> None:
    assert (await browser.get("/alive")).status_code == 204


async def test_shows_whose_password_it_is(browser: Browser, ann: Staff) -> None:
    assert ann.name in (await browser.get("/password")).text
