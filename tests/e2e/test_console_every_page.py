"""Every page of the console: in light and dark, zoomed, narrow, by keyboard alone, and printed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from safeguarding.escalation import Outcome
from safeguarding.risk.assessment import Assessment
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import StaffAccounts
from staff.accounts.invitations import Invitations
from staff.accounts.permissions import Role
from staff.accounts.second_step import SecondSteps
from staff.cases.casework import Casework, ClosingDecision
from staff.rota.rota import ShiftKind
from staff.rota.service import Pattern, RotaService
from tests.e2e.running_console import own_database, running_console
from tests.e2e.test_console import EXPLAINED, _faults
from tests.records import PASSWORD, accounts_on, assessment, escalation, log_on, vault

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "dark phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
    "zoomed": {"viewport": {"width": 640, "height": 450}},
    "narrow": {"viewport": {"width": 320, "height": 256}},
}
"""Zoomed is what 1280 by 900 leaves at 200 %; narrow what 1280 by 1024 leaves at 400 %."""
LEAD = (
    *("/escalations", "/escalations?status=closed", "/escalations?severity=urgent"),
    *("/escalations/c1", "/escalations/c1#outcome", "/escalations/closed"),
    *("/false-alarms", "/false-alarms?like=k0-1", "/tasks", "/search"),
    *("/statistics", "/exports", "/exports/c1", "/content", "/content/answer:consent"),
    *("/content/plan", "/content/answer:consent/reading"),
    *("/rota", "/rota/ways", "/rota/shift/1", "/colleagues", "/audit"),
    *("/live-chats", "/account/chat-name"),
    *("/account", "/account/second-step", "/password", "/confirm"),
)
LOOK_OF = """(each) => {
    const parts = [[each], [each, "::before"], [each.nextElementSibling ?? each, "::before"],
                   [each.firstElementChild ?? each]];
    return parts.map((part) => {
        const style = getComputedStyle(...part);
        return [style.outline, style.boxShadow, style.backgroundColor, style.borderWidth].join();
    }).join();
}"""
"""How an element looks, and what it draws its focus on: the box of a radio is its label's."""


@dataclass(frozen=True)
class Console:
    """A running console, and what its pages are reached with."""

    url: str
    accounts: StaffAccounts
    invitation: str
    member: str
    recovery_codes: list[str]
    """Of Tom, who has a second step. Each works once."""


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("console")
    with own_database(folder) as engine:
        accounts = accounts_on(engine)
        ann = accounts.add("ann", PASSWORD, "Ann Smith").id
        accounts.add("amy", PASSWORD, "Amy Clark", Role.ADMINISTRATOR)
        tom = accounts.add("tom", PASSWORD, "Tom Wright", Role.LEAD).id
        seconds = SecondSteps(engine, vault())
        codes = seconds.set_up(tom, pyotp.TOTP(seconds.offered(tom)).now())
        invitations = Invitations(engine, accounts)
        rob = invitations.invite("Rob Brown", Role.REVIEWER, by=ann)
        invitations.accept(rob, "rob", PASSWORD)
        office, today = RotaService(engine), datetime.now(timezone.utc).date()
        office.add(_week(ann, today), by=ann)
        _record_cases(engine, by=ann)
        with running_console(folder) as url:
            link = invitations.invite("Zoe New", Role.REVIEWER, by=ann)
            yield Console(url, accounts, link, tom, codes)


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_accessible_and_fits_in_every_look(
    browser: Browser, console: Console, look: str
) -> None:
    found: dict[str, list[str]] = {}
    pictures = os.environ.get("LANTERN_SCREENSHOTS")
    for name, page in _every_page(browser, console, look):
        if faults := _faults(page):
            found[name] = faults
        if "</" in page.locator("body").inner_text():
            found[name] = [*found.get(name, []), "shows its markup"]
        if pictures:
            file = name.strip("/").replace("/", "-").replace("?", "-")
            page.screenshot(path=f"{pictures}/{look}-{file}.png", full_page=True)

    assert found == {}


def test_the_menu_says_which_page_is_open(browser: Browser, console: Console) -> None:
    context = browser.new_context(base_url=console.url)
    page = context.new_page()
    _sign_in(page, "ann")
    menu = page.get_by_role("navigation", name="Console")
    for name in menu.get_by_role("link").all_inner_texts():
        link = menu.get_by_role("link", name=name)
        link.click()
        expect(link).to_have_attribute("aria-current", "page")
        expect(menu.locator("[aria-current]")).to_have_count(1)
    for path, name in (("/escalations/c1", "Escalations"), ("/content/plan", "Content")):
        page.goto(path)
        expect(menu.get_by_role("link", name=name)).to_have_attribute("aria-current", "true")
        expect(menu.locator("[aria-current]")).to_have_count(1)
    context.close()


def test_every_page_is_worked_by_keyboard_alone_and_shows_where_it_is(
    browser: Browser, console: Console
) -> None:
    missed: dict[str, Any] = {}
    for name, page in _every_page(browser, console, "light"):
        first = page.locator("a, button").first
        if name != "/blank" and first.get_attribute("class") != "govuk-skip-link":
            missed[name] = ["no skip link"]
        if faults := _lost_by_keyboard(page):
            missed[name] = missed.get(name, []) + faults

    assert missed == {}


def test_the_work_of_every_day_needs_no_javascript(browser: Browser, console: Console) -> None:
    page = _signed_in(browser, console, "ann", "light", java_script_enabled=False)
    page.goto("/rota")
    page.get_by_label("Who", exact=True).select_option("Ann Smith")
    page.get_by_label("Second", exact=True).check()
    page.get_by_label("Last day").fill(page.get_by_label("First day").input_value())
    page.get_by_label("Not on weekends and bank holidays").uncheck()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("The rota has changed.")).to_be_visible()
    page.goto("/account/second-step")
    page.get_by_label("The code that the app shows now").fill("000000")
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    page.context.close()


def test_paper_is_light_whatever_the_screen_is(browser: Browser, console: Console) -> None:
    page = _signed_in(browser, console, "ann", "dark")
    page.goto("/escalations/c1")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    ink = "getComputedStyle(document.querySelector('h1')).color"
    assert page.evaluate(ground) != "rgb(255, 255, 255)"

    page.emulate_media(media="print", color_scheme="dark")

    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    assert page.evaluate(ink) in {"rgb(0, 0, 0)", "rgb(11, 12, 12)"}
    page.context.close()


def _every_page(browser: Browser, console: Console, look: str) -> Iterator[tuple[str, Page]]:
    """Each page as whoever sees it, with a name."""
    page = browser.new_context(base_url=console.url, **LOOKS[look]).new_page()
    for path in ("/sign-in", "/blank", f"/invitation/{console.invitation}", "/invitation/gone"):
        page.goto(path)
        yield path[:16], page
    yield from _second_step(page, console)
    page.context.close()

    page = _signed_in(browser, console, "ann", look)
    for path in LEAD:
        page.goto(path)
        yield path, page
    page.goto("/escalations/c1")
    page.get_by_role("button", name="Show the words").click()
    page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
    yield "the words of a case", page
    page.goto("/rota")
    page.get_by_role("button", name="Add").click()
    yield "a refused form", page
    page.context.close()

    page = _signed_in(browser, console, "amy", look)
    for path in ("/accounts", f"/accounts/{console.member}"):
        page.goto(path)
        yield path[:14], page
    page.get_by_role("button", name="Make a link for a new password").click()
    yield "a link", page
    page.goto("/escalations")
    yield "not allowed", page
    page.context.close()


def _second_step(page: Page, console: Console) -> Iterator[tuple[str, Page]]:
    """Visit the pages of the second step: asked for, set up, and an account that has one."""
    _sign_in(page, "tom")
    yield "asked for the second step", page
    page.get_by_label("The code that your app shows now").fill(console.recovery_codes.pop())
    page.get_by_role("button", name="Go on").click()
    page.goto("/account")
    yield "an account with passkeys", page
    page.goto("/account/second-step")
    yield "taking the second step away", page
    page.get_by_role("button", name="Sign out").click()
    name = f"new-{len(console.recovery_codes)}"
    console.accounts.add(name, PASSWORD, "Nia New", Role.AUDITOR)
    _sign_in(page, name)
    page.goto("/account/second-step")
    secret = page.locator(".second-step__secret").inner_text()
    page.get_by_label("The code that the app shows now").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Set up").click()
    expect(page.locator(".second-step__codes code")).to_have_count(10)
    yield "recovery codes", page


def _lost_by_keyboard(page: Page) -> list[str]:
    """Return what Tab misses, what does not show that it has the focus, and what covers it."""
    page.evaluate(
        f"""() => {{
            const lookOf = {LOOK_OF};
            const all = "a[href], button, input, select, textarea, summary";
            window.waiting = new Map([...document.querySelectorAll(all)]
                .filter((each) => each.checkVisibility() && !each.disabled)
                .map((each) => [each, lookOf(each)]));
        }}"""
    )
    found: list[str] = []
    rounds, has_moved = 0, False
    for _ in range(400):
        page.keyboard.press("Tab")
        said = page.evaluate(
            f"""() => {{
                const lookOf = {LOOK_OF};
                const each = document.activeElement;
                if (each === document.body) return "end";
                const before = window.waiting.get(each);
                const name = each.tagName + " " + (each.id || each.textContent.trim().slice(0, 40));
                for (const [other] of window.waiting) {{
                    if (other === each || other.type === "radio" && other.name === each.name) {{
                        window.waiting.delete(other);
                    }}
                }}
                if (before === lookOf(each)) return name + " looks the same";
                const {{x, y, width, height}} = each.getClientRects()[0];
                const top = document.elementFromPoint(x + width / 2, y + height / 2);
                return each.contains(top) || top?.contains(each) ? "" : name + " is covered";
            }}"""
        )
        if said == "end":
            # A page with a mistake begins at the mistake: what is above comes in a second round,
            # and in a third where news replaced the part that had the focus. On a busy machine the
            # first key may come before the page takes it.
            rounds += has_moved
            has_moved = False
            if rounds == 3:
                break
            continue
        has_moved = True
        if said:
            found.append(said)
    # A part of a page that news replaced while the keys went on is no longer there to be reached.
    missed: list[str] = page.evaluate(
        "[...window.waiting.keys()].filter((each) => each.isConnected)"
        ".map((each) => each.tagName + ' ' + each.outerHTML.slice(0, 90))"
    )
    return found + [f"{each} is not reached" for each in missed]


def _signed_in(browser: Browser, console: Console, name: str, look: str, **more: Any) -> Page:
    page = browser.new_context(base_url=console.url, **LOOKS[look], **more).new_page()
    _sign_in(page, name)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return page


def _sign_in(page: Page, name: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Sign-in name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).not_to_have_url(f"{page.url.split('/sign-in')[0]}/sign-in")


def _week(staff_id: str, first: date) -> Pattern:
    last = first + timedelta(days=9)
    return Pattern(staff_id, ShiftKind.ON_DUTY, first, last, time(9), time(17), working_days=True)


def _record_cases(engine: Any, by: str) -> None:
    """Record some of each severity, one explained in every way, one closed."""
    log, work, now = log_on(engine), Casework(engine, vault()), datetime.now(timezone.utc)
    worst = assessment(Severity.IMMEDIATE, *EXPLAINED)
    log.record(escalation(assessment=worst, text="He said dont tell ur mum " + "x" * 200))
    log.record(escalation("closed", conversation_id="closed"))
    work.note("closed", "A note.", by=by)
    work.add_action("c1", "Ring the school.", date(2026, 11, 1), by=by, given_to=by)
    work.close("closed", ClosingDecision(Outcome.OTHER, "Told the school."), by=by)
    kinds = (
        (12, "young_person", "wiltshire", Severity.CONCERN, ("grooming", "image_abuse")),
        (7, "parent", "swindon", Severity.URGENT, ("criminal_exploitation",)),
        (3, "professional", None, Severity.CONCERN, ("missing",)),
    )
    for kind, (count, audience, area, severity, categories) in enumerate(kinds):
        for number in range(count):
            name, found = f"k{kind}-{number}", Assessment(severity, categories, "self", ())
            at = now - timedelta(hours=7 * number, minutes=kind)
            facts = {"conversation_id": name, "audience": audience, "area": area}
            log.record(escalation(name, raised_at=at, assessment=found, **facts))
