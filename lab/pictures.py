"""`make pictures`: screenshots of the chat and the console in their states, for people to judge.

Every state is one of the real stack, on phone and desktop, light and dark. A sheet for each look
shows all its pictures side by side. With `--handbook` it takes only the few pictures of the
handbook for leads, and puts them where the handbook shows them.
"""

from __future__ import annotations

import html
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import click
from playwright.sync_api import Browser, Page, expect, sync_playwright

from ops.stack import Stack
from safeguarding.taxonomy import ROOT

RESULTS = ROOT / "results" / "pictures"
CHROMIUM = Path(os.environ.get("LANTERN_CHROMIUM", "/usr/bin/chromium"))
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
PATIENCE_MS = 20_000
DISCLOSURE = "hes 24 and he keeps asking for pics, he said he'd hurt my brother if i tell"
Scheme: TypeAlias = Literal["light", "dark"]


@dataclass(frozen=True)
class PictureState:
    """A state of the chat or the console, and how a new page reaches it."""

    name: str
    reach: Callable[[Page, Stack], None]


def opening(page: Page, stack: Stack) -> None:
    """Open the first screen of the chat."""
    page.clock.install()
    page.goto(f"{stack.url('gateway')}/chat")
    expect(page.get_by_role("button", name="I'm a young person")).to_be_visible()


def answered(page: Page, stack: Stack) -> None:
    """Ask a question about a topic."""
    opening(page, stack)
    _say(page, "what is grooming")


def sources(page: Page, stack: Stack) -> None:
    """Unfold the sources of an answer."""
    answered(page, stack)
    page.get_by_text("Where this comes from").last.click()
    page.get_by_text("Where this comes from").last.scroll_into_view_if_needed()


def disclosure(page: Page, stack: Stack) -> None:
    """Disclose something, which gets the help card."""
    opening(page, stack)
    _say(page, DISCLOSURE)


def danger(page: Page, stack: Stack) -> None:
    """Disclose immediate danger, which gets 999 first."""
    opening(page, stack)
    _say(page, "hes outside my door with a knife")


def contact(page: Page, stack: Stack) -> None:
    """Unfold a contact."""
    disclosure(page, stack)
    page.locator(".contact__more summary").first.click()


def cannot_call(page: Page, stack: Stack) -> None:
    """Press "I can't call"."""
    disclosure(page, stack)
    page.get_by_role("button", name="I can't call").last.click()
    _settled(page)


def offline(page: Page, stack: Stack) -> None:
    """Send a message without a network."""
    answered(page, stack)
    page.context.set_offline(True)
    page.locator("#words").fill("are you there")
    page.keyboard.press("Enter")
    _settled(page)


def silent(page: Page, stack: Stack) -> None:
    """Type nothing for some minutes."""
    answered(page, stack)
    page.clock.fast_forward("06:00")


def ending(page: Page, stack: Stack) -> None:
    """Wait until the chat is about to clear itself."""
    answered(page, stack)
    page.clock.fast_forward("26:00")


def host(page: Page, stack: Stack) -> None:
    """Open a school's page with the launcher."""
    page.goto(stack.url("gateway"))


def embedded(page: Page, stack: Stack) -> None:
    """Open the chat on a school's page."""
    host(page, stack)
    page.get_by_role("button", name="Chat with Lantern").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("button", name="I'm a young person")).to_be_visible()


def queue(page: Page, stack: Stack) -> None:
    """Sign in to the console, which shows the queue."""
    page.goto(stack.url("console"))
    name, password = re.findall(r"sign-in name: +(\S+)\n +password: +(\S+)", stack.account)[0]
    page.get_by_label("Sign-in name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def case(page: Page, stack: Stack) -> None:
    """Open a case."""
    queue(page, stack)
    page.get_by_role("link", name=re.compile(r"LN-\w{4}-\w{4}")).first.click()
    page.wait_for_url("**/escalations/*")


def reading(page: Page, stack: Stack) -> None:
    """Read a text in order to sign it."""
    queue(page, stack)
    page.goto(f"{stack.url('console')}/content/risk:grooming/reading")
    begin = page.get_by_role("button", name="Open part 1")
    if begin.count():
        begin.click()
    expect(page.get_by_role("heading", name="Go on")).to_be_visible()


def plan(page: Page, stack: Stack) -> None:
    """Look at the signing plan."""
    queue(page, stack)
    page.goto(f"{stack.url('console')}/content/plan")
    if page.get_by_text("There is no plan yet.").count():
        page.get_by_role("button", name="Make the plan").click()
        page.goto(f"{stack.url('console')}/content/plan")
    expect(page.get_by_role("heading", name="Who signs how much by when")).to_be_visible()


STATES = [
    PictureState(reach.__name__, reach)
    for reach in (
        opening, answered, sources, disclosure, danger, contact, cannot_call, offline, silent,
        ending, host, embedded, queue, case, reading, plan,
    )
]  # fmt: skip
HANDBOOK = {"list": queue, "case": case, "reading": reading, "plan": plan}
"""The pictures of docs/for-leads.md."""


def _say(page: Page, text: str) -> None:
    page.locator("#words").fill(text)
    page.keyboard.press("Enter")
    _settled(page)


def _settled(page: Page) -> None:
    """Wait until the answer, or help in its place, is shown."""
    page.wait_for_timeout(200)
    expect(page.locator("[data-typing]")).to_be_hidden(timeout=PATIENCE_MS)
    page.wait_for_timeout(600)


@contextmanager
def _page(browser: Browser, size: str, scheme: Scheme) -> Iterator[Page]:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        has_touch=size == "phone",
        is_mobile=size == "phone",
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def take_pictures(browser: Browser, stack: Stack, folder: Path) -> Mapping[str, list[Path]]:
    """Take the pictures. Returns their paths by look, such as "phone-dark"."""
    pictures: dict[str, list[Path]] = {}
    schemes: tuple[Scheme, ...] = ("light", "dark")
    for size, scheme in ((size, scheme) for size in SIZES for scheme in schemes):
        for state in STATES:
            with _page(browser, size, scheme) as page:
                state.reach(page, stack)
                path = folder / f"{state.name}-{size}-{scheme}.png"
                page.screenshot(path=path)
            pictures.setdefault(f"{size}-{scheme}", []).append(path)
    return pictures


def make_sheet(browser: Browser, look: str, pictures: list[Path]) -> Path:
    """Put all pictures of one look on one sheet. Returns its path."""
    figures = "".join(
        f'<figure><img src="{html.escape(picture.name)}"><figcaption>{html.escape(picture.stem)}'
        "</figcaption></figure>"
        for picture in pictures
    )
    style = "body{display:flex;flex-wrap:wrap;gap:9px}figure{margin:0}img{height:600px}"
    page_file = pictures[0].parent / f"{look}.html"
    page_file.write_text(f"<!doctype html><style>{style}</style>{figures}", "utf-8")
    page = browser.new_page(viewport={"width": 2000, "height": 1200})
    page.goto(page_file.as_uri())
    picture = page_file.with_suffix(".png")
    page.screenshot(path=picture, full_page=True)
    page.close()
    return picture


def take_for_handbook(browser: Browser, stack: Stack, folder: Path) -> list[Path]:
    """Take the pictures of the handbook, after three people have disclosed something."""
    taken = []
    for reach in (disclosure, danger, answered):
        with _page(browser, "desktop", "light") as page:
            reach(page, stack)
    for name, reach in HANDBOOK.items():
        with _page(browser, "desktop", "light") as page:
            reach(page, stack)
            taken.append(folder / f"for-leads-{name}.png")
            page.screenshot(path=taken[-1])
    return taken


@click.command()
@click.option("--handbook", is_flag=True, help="Take the pictures of docs/for-leads.md alone.")
def main(*, handbook: bool) -> None:
    """Start everything on free ports, take a picture of every state, and print the paths."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE_MS)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        stack = Stack(Path(folder))
        stack.setup()
        try:
            stack.start()
            stack.start(stack.dispatcher)
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
            )
            if handbook:
                for path in take_for_handbook(browser, stack, ROOT / "docs" / "pictures"):
                    click.echo(path)
            else:
                for look, pictures in take_pictures(browser, stack, RESULTS).items():
                    click.echo(make_sheet(browser, look, pictures))
            browser.close()
        finally:
            stack.stop()
