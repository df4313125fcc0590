"""Signing content in a browser: read, approve, see what changed, with a second person for risk."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy.engine import Engine

from safeguarding.content.reader import read_catalogue
from safeguarding.content.signing import ApprovalStatus
from safeguarding.taxonomy import CONTENT
from staff.accounts.permissions import Role
from staff.approvals.approvals import Approvals
from tests.e2e.running_console import own_database, running_console
from tests.records import PASSWORD, accounts_on
from tests.signing import approve

LARGE, PHONE, ZOOMED = (1280, 900), (375, 740), (640, 512)
"""ZOOMED is what 1280 by 1024 leaves at 200 %."""
ANSWER, RISK = "answer:consent", "risk:bullying"


@dataclass(frozen=True)
class Console:
    """A running console on a copy of the real content, and the approvals behind it."""

    url: str
    content: Path
    engine: Engine
    ann: str

    def status(self, content_id: str) -> ApprovalStatus:
        item = read_catalogue(self.content).items[content_id]
        return Approvals(self.engine).standing(item).status

    def change(self, file: str, before: str, after: str) -> None:
        path = self.content / file
        text = path.read_text("utf-8")
        assert before in text
        path.write_text(text.replace(before, after, 1), "utf-8")


@contextmanager
def running(folder: Path, *pace: str) -> Iterator[Console]:
    """Run a console for three people, whose leads may read so many words a minute."""
    content = folder / "content"
    shutil.copytree(CONTENT, content)
    with own_database(folder) as engine:
        accounts = accounts_on(engine)
        ann = accounts.add("ann", PASSWORD, "Ann Smith").id
        accounts.add("bob", PASSWORD, "Bob Jones", Role.LEAD)
        accounts.add("rob", PASSWORD, "Rob Brown", Role.REVIEWER)
        with running_console(folder, "tests.console_on", str(content), *pace) as url:
            yield Console(url, content, engine, ann)


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with running(tmp_path, "1000000") as console:
        yield console


@pytest.fixture
def plain_page(browser: Browser, console: Console) -> Iterator[Page]:
    """Open a page of Ann's, who is a lead, in a browser without JavaScript."""
    context = browser.new_context(java_script_enabled=False, base_url=console.url)
    yield _sign_in(context.new_page(), "ann")
    context.close()


def test_a_lead_approves_and_sees_what_changed_since(plain_page: Page, console: Console) -> None:
    page = plain_page
    page.get_by_role("link", name="Content", exact=True).click()
    page.get_by_role("link", name="What is consent?").click()
    expect(page.get_by_role("heading", name="What young people read")).to_be_visible()
    expect(page.get_by_label("Approve")).to_have_count(0)
    _read(page)
    page.get_by_label("Approve").check()
    page.get_by_label("Note").fill("Read against the sources.")
    page.get_by_role("button", name="Record the decision").click()

    expect(page.get_by_text("Your approval of these words is recorded.")).to_be_visible()
    assert console.status(ANSWER) is ApprovalStatus.APPROVED

    console.change("articles/consent.md", "Going quiet isn't a yes,", "Silence isn't a yes,")
    page.goto("/content")
    page.get_by_role("link", name="Changed since approval").click()
    page.get_by_role("link", name="What is consent?").click()
    expect(page.get_by_role("heading", name="What changed since the approval")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="Silence")
    expect(row.locator("del")).to_contain_text("Going quiet")
    expect(row.locator("ins")).to_contain_text("Silence")
    expect(row.get_by_role("rowheader")).to_have_text("Changed")
    assert console.status(ANSWER) is ApprovalStatus.CHANGED


def test_words_about_risk_need_a_second_person(
    browser: Browser, plain_page: Page, console: Console
) -> None:
    _approve(plain_page, RISK)
    assert console.status(RISK) is ApprovalStatus.WAITING
    plain_page.goto(f"/content/{RISK}")
    expect(plain_page.get_by_text("another safeguarding lead reads them next")).to_be_visible()
    expect(plain_page.get_by_label("Approve")).to_have_count(0)

    context = _context(browser, console, LARGE)
    _approve(_sign_in(context.new_page(), "bob"), RISK)
    context.close()

    assert console.status(RISK) is ApprovalStatus.APPROVED


def test_a_reviewer_reads_but_cannot_sign(browser: Browser, console: Console) -> None:
    context = _context(browser, console, LARGE)
    page = _sign_in(context.new_page(), "rob")
    page.goto(f"/content/{ANSWER}")

    expect(page.get_by_text("Only a safeguarding lead may approve content")).to_be_visible()
    expect(page.get_by_role("button", name="Record the decision")).to_have_count(0)
    context.close()


def test_sending_back_without_a_note_is_said_beside_the_note(
    browser: Browser, console: Console
) -> None:
    context = _context(browser, console, LARGE)
    page = _sign_in(context.new_page(), "ann")
    page.goto(f"/content/{ANSWER}")
    page.get_by_label("Send back").check()
    page.get_by_role("button", name="Record the decision").click()

    expect(page.locator(".govuk-error-summary")).to_be_focused()
    page.get_by_role("link", name="Enter what is to be changed").click()
    page.keyboard.type("Name the source of the second sentence.")
    page.get_by_role("button", name="Record the decision").click()
    expect(page.get_by_text("The words are sent back, with your note.")).to_be_visible()
    assert console.status(ANSWER) is ApprovalStatus.SENT_BACK
    context.close()


def test_words_that_change_under_the_reader_are_not_signed(
    plain_page: Page, console: Console
) -> None:
    plain_page.goto(f"/content/{ANSWER}")
    _read(plain_page)
    console.change("articles/consent.md", "Going quiet", "Silence")
    plain_page.get_by_label("Approve").check()
    plain_page.get_by_role("button", name="Record the decision").click()

    heading = plain_page.get_by_role("heading", name="The words have changed")
    expect(heading).to_be_visible()
    assert console.status(ANSWER) is ApprovalStatus.NEVER


def test_a_lead_who_hurries_is_told_when_they_can_go_on(browser: Browser, tmp_path: Path) -> None:
    with running(tmp_path) as console:
        context = _context(browser, console, PHONE)
        page = _sign_in(context.new_page(), "ann")
        page.goto(f"/content/{RISK}/reading")
        page.get_by_role("button", name="Open part 1").click()
        expect(page.get_by_role("heading", name="Go on")).to_be_visible()
        assert _faults(page) == []

        page.get_by_role("button", name="Open part 2").click()

        expect(page.locator(".govuk-error-summary")).to_contain_text("Reading this takes longer")
        expect(page).to_have_title(re.compile("Error: Part 1 of"))
        assert _faults(page) == []
        page.goto(f"/content/{RISK}")
        expect(page.get_by_text("You have opened 1 of")).to_be_visible()
        expect(page.get_by_label("Approve")).to_have_count(0)
        context.close()


def test_what_changed_since_the_last_signature_is_marked_in_words(
    plain_page: Page, console: Console
) -> None:
    approve(console.engine, read_catalogue(console.content).items[ANSWER], console.ann)
    console.change("articles/consent.md", "Going quiet isn't a yes,", "Silence isn't a yes,")
    plain_page.goto(f"/content/{ANSWER}/reading")
    expect(plain_page.get_by_text("that Ann Smith approved on")).to_be_visible()
    plain_page.get_by_role("button", name="Open part 1").click()

    mark = plain_page.locator(".mark")
    expect(mark).to_have_count(1)
    expect(mark.get_by_text("Changed", exact=True)).to_be_visible()
    expect(mark.locator("ins").first).to_contain_text("Silence")
    expect(mark.locator("del").first).to_contain_text("Going quiet")


def test_two_leads_share_what_is_to_sign_and_see_how_far_they_are(
    plain_page: Page, console: Console
) -> None:
    page = plain_page
    page.goto("/content")
    page.get_by_role("link", name="Signing plan").click()
    expect(page.get_by_text("There is no plan yet.")).to_be_visible()
    page.get_by_label("Bob Jones").uncheck()
    page.get_by_role("button", name="Make the plan").click()
    expect(page.locator(".govuk-error-summary")).to_contain_text("need two signatures")

    page.get_by_label("Bob Jones").check()
    page.get_by_label("In how many weeks?").fill("4")
    page.get_by_role("button", name="Make the plan").click()
    expect(page.get_by_text("The plan is made.")).to_be_visible()
    expect(page.get_by_text(re.compile("^0 of [0-9]+ signatures given"))).to_be_visible()
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(6)

    page.locator("#own + ul").get_by_role("link").first.click()
    _read(page)
    page.get_by_label("Approve").check()
    page.get_by_role("button", name="Record the decision").click()
    page.goto("/content/plan")
    expect(page.get_by_text(re.compile("^1 of [0-9]+ signatures given"))).to_be_visible()


def test_the_paper_form_opens_without_a_connection(
    plain_page: Page, browser: Browser, console: Console, tmp_path: Path
) -> None:
    plain_page.goto("/content")
    with plain_page.expect_download() as download:
        plain_page.get_by_role("link", name="What young people read").click()
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)

    context = browser.new_context(offline=True)
    paper = context.new_page()
    asked: list[str] = []
    paper.on("request", lambda request: asked.append(request.url))
    paper.goto(saved.as_uri())
    expect(paper.get_by_role("heading", name="Lantern: what young people read")).to_be_visible()
    assert asked == [saved.as_uri()]
    assert _faults(paper) == []
    context.close()


@pytest.mark.parametrize("size", [LARGE, PHONE, ZOOMED])
def test_every_page_is_accessible_and_fits_at_every_size(
    browser: Browser, console: Console, size: tuple[int, int]
) -> None:
    items = read_catalogue(console.content).items
    for each in (ANSWER, RISK):
        approve(console.engine, items[each], console.ann)
    console.change("articles/consent.md", "Going quiet isn't a yes,", "Silence" + "e" * 200 + ",")
    context = _context(browser, console, size)
    page = _sign_in(context.new_page(), "ann")
    found = {}
    paths = ("/content", "/content?status=never&kind=answer", f"/content/{ANSWER}")
    for path in (
        *paths,
        f"/content/{RISK}",
        "/content/help_card",
        "/content/contacts:national",
        "/content/plan",
        f"/content/{ANSWER}/reading",
    ):
        page.goto(path)
        found[path] = _faults(page)
    page.get_by_role("button", name="Open part 1").click()
    found["a part with marks"] = _faults(page)
    page.goto("/content/plan")
    page.get_by_role("button", name="Make the plan").click()
    found["a plan"] = _faults(page)
    page.goto(f"/content/{RISK}")
    page.get_by_role("button", name="Record the decision").click()
    found["an error"] = _faults(page)
    context.close()

    assert {path: faults for path, faults in found.items() if faults} == {}


def _approve(page: Page, content_id: str) -> None:
    page.goto(f"/content/{content_id}")
    _read(page)
    page.get_by_label("Approve").check()
    page.get_by_role("button", name="Record the decision").click()
    expect(page.get_by_text("Your approval of these words is recorded.")).to_be_visible()


def _read(page: Page) -> None:
    """Open every part of the item that is shown, and come back to the decision."""
    page.get_by_role("link", name="Begin to read").click()
    go_on = page.get_by_role("button", name="Open part")
    while go_on.count():
        go_on.click()
    page.get_by_role("link", name="Decide about these words").click()


def _context(browser: Browser, console: Console, size: tuple[int, int]) -> BrowserContext:
    width, height = size
    return browser.new_context(base_url=console.url, viewport={"width": width, "height": height})


def _sign_in(page: Page, name: str) -> Page:
    page.goto("/sign-in")
    page.get_by_label("Sign-in name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Escalations", exact=True)).to_be_visible()
    return page


def _faults(page: Page) -> list[str]:
    found = [fault["id"] for fault in Axe().run(page).response["violations"]]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.append("wider than the window")
    return found
