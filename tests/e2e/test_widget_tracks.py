"""Hiding a visit: the answer leads to the list of steps, and the list does not lead back to it."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import msgspec
from playwright.sync_api import BrowserContext, expect

from safeguarding.content.items import Showing
from safeguarding.messages import Message
from tests.content import real_content
from tests.e2e.running_widget import Served, opened, say
from tests.fakes.rasa import Reply

TODAY = Showing(date(2026, 11, 30))


def test_hiding_your_visit_leads_to_the_steps_and_they_lead_on(
    context: BrowserContext, gateway: Served
) -> None:
    content = real_content()
    article = content.articles.message("cover_my_tracks", "young_person", TODAY)
    steps = content.tools.message("cover_tracks", "young_person", TODAY)
    assert article
    assert steps
    gateway.rasa.behave = _first(article, then=steps)
    page = opened(context.new_page())
    log = page.get_by_role("log")
    say(page, "can someone see i was here")
    expect(log.get_by_role("heading", name="Hiding your visit")).to_be_visible()

    log.get_by_role("button", name="Cover my tracks").click()

    expect(log.get_by_role("heading", name="Cover your tracks")).to_be_visible()
    newest = log.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Cover your"))
    expect(newest.get_by_role("button", name="What stays private?")).to_be_visible()
    expect(newest.get_by_role("button", name="Hiding your visit")).to_have_count(0)
    expect(newest.get_by_role("button", name="Cover my tracks")).to_have_count(0)


def _first(first: Message, *, then: Message) -> Any:
    """Answer the first message with one thing, and each further one with another."""
    answers = [first]

    def behave(_body: dict[str, Any]) -> Reply:
        shown = answers.pop() if answers else then
        return 200, json.dumps({"messages": [msgspec.to_builtins(shown)]}).encode()

    return behave
