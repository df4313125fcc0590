"""One browser for all browser tests, told to call nobody; one gateway for those of the widget."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.e2e.running_widget import (
    DESKTOP,
    Served,
    Site,
    new_context,
    running_widget,
    tag,
    until_assessing,
)
from tests.fakes.rasa import answering

CHROMIUM = Path(os.environ.get("LANTERN_CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


# Not for the whole session: while it is open, no test of another ring can run a loop of its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("CI must run the browser tests: set LANTERN_CHROMIUM")
        pytest.skip(f"Chromium is not at {CHROMIUM}: set LANTERN_CHROMIUM")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running_widget(tmp_path_factory.mktemp("gateway")) as served:
        until_assessing(served)
        yield served


@pytest.fixture
def gateway(running: Served) -> Served:
    """Return the gateway, with a Rasa that knows nothing of the test before."""
    running.rasa.behave = answering({"kind": "text", "text": "Hello from Rasa"})
    running.rasa.hold.set()
    running.rasa.received.clear()
    return running


@pytest.fixture
def context(browser: Browser, gateway: Served) -> Iterator[BrowserContext]:
    context = new_context(browser, gateway, DESKTOP)
    yield context
    context.close()


@pytest.fixture
def site() -> Iterator[Site]:
    """Run another organisation's site, without pages yet."""
    with Site() as site:
        yield site


@pytest.fixture
def school(site: Site, gateway: Served) -> Site:
    """Return a site whose first page embeds the chat with the one tag."""
    site.pages["/"] = f"""<!doctype html><html lang="en"><title>School</title>
        <meta name="viewport" content="width=device-width"><h1>School</h1>
        <a href="/">Home</a>{tag(gateway)}"""
    site.pages["/start"] = "<h1>Start</h1>"
    return site
