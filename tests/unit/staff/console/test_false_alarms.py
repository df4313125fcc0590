"""The pages on which false alarms are closed together say what will happen, and do no more."""

from __future__ import annotations

import re
from typing import Any

import pytest

from safeguarding.taxonomy import Severity
from staff.accounts.accounts import Staff, StaffAccounts
from staff.accounts.permissions import Role
from staff.cases.case import CaseStatus
from staff.cases.cases import Cases
from staff.cases.casework import Casework
from staff.cases.false_alarms import MOST_TOGETHER
from tests.records import PASSWORD, Clock, EscalationLog, assessment, escalation
from tests.unit.staff.console.conftest import Browser
from tests.unit.staff.console.test_case_page import plain

WORDS = "this homework will be the death of me"


def come(log: EscalationLog, *case_ids: str, text: str = WORDS, **changes: Any) -> None:
    for each in case_ids:
        facts = {"conversation_id": each, "text": text, "turns_before": ()}
        log.record(escalation(f"message-{each}", **(facts | changes)))


async def check(browser: Browser, *case_ids: str, like: str = "") -> Any:
    """Tick cases and go on to the page that asks for the reason."""
    token = await browser.form_token()
    form: dict[str, Any] = {"chosen": list(case_ids), "form_token": token}
    return await browser.post("/false-alarms/check", form | ({"like": like} if like else {}))


def fields(page: str) -> dict[str, Any]:
    """Return the hidden fields of the page's form, as a browser sends them."""
    form = page[page.index('action="/false-alarms/close"') :]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    sent: dict[str, Any] = {name: value for name, value in found if name != "chosen"}
    return sent | {"chosen": [value for name, value in found if name == "chosen"]}


async def test_the_list_says_why_a_case_cannot_be_ticked(
    browser: Browser, log: EscalationLog, casework: Casework, bob: Staff
) -> None:
    come(log, "a")
    come(log, "immediate", assessment=assessment(Severity.IMMEDIATE))
    come(log, "colleague")
    casework.assign("colleague", bob.id, by=bob.id)

    page = (await browser.get("/false-alarms")).text

    assert re.findall(r'name="chosen" id="[^"]+" value="([^"]+)"', page) == ["a"]
    assert "It is immediate. Close it on its own page" in page
    assert "A colleague has it" in page
    assert WORDS not in page


async def test_they_are_closed_with_one_reason_after_a_confirmation_and_undone(
    browser: Browser, log: EscalationLog, cases: Cases, ann: Staff
) -> None:
    come(log, "a", "b")
    await browser.uncover("a")
    page = plain((await check(browser, "a", "b")).text)
    assert "Close 2 cases as false alarms" in page
    assert "You have read it" in page
    reference = cases.find("a").reference
    assert f"You have not read it. Every word of it is in {reference}" in page

    sent = fields((await check(browser, "a", "b")).text)
    sent |= {"reason": "figure_of_speech", "note": "Homework."}
    closed = await browser.post("/false-alarms/close", sent)
    again = await browser.post("/false-alarms/close", sent)

    assert closed.status_code == again.status_code == 303
    address = closed.headers["location"]
    assert address == again.headers["location"]
    assert plain((await browser.get(address)).text).count("Closed") >= 2
    assert cases.find("b").status is CaseStatus.CLOSED
    assert len(cases.whole("b").reviews) == 1
    await browser.uncover("b")
    assert "False alarm : a figure of speech or a joke" in plain(
        (await browser.get("/escalations/b")).text
    )
    undone = await browser.send(f"{address}/undo", {})
    page = (await browser.get(undone.headers["location"])).text
    assert "Opened again: 2." in page
    assert f'action="{address}/undo"' not in page
    assert cases.find("a").status is CaseStatus.OPEN
    assert cases.whole("a").reviews[0].by == ann.id


async def test_unread_ones_are_named_and_left_out(
    browser: Browser, log: EscalationLog, cases: Cases
) -> None:
    come(log, "a")
    come(log, "b", text="he hits me")
    await browser.uncover("a")

    page = (await check(browser, "a", "b")).text

    assert "Left out (1)" in page
    assert "You have not read it, and it says more" in page
    assert fields(page)["chosen"] == ["a"]
    assert cases.find("b").reference in page


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({}, "Select why these are no alarm"),
        ({"reason": "nothing like this"}, "Select why these are no alarm"),
        ({"reason": "other", "note": " "}, "Enter what it was"),
        ({"reason": "fiction", "note": "x" * 10_001}, "10,000 characters or less"),
    ],
)
async def test_a_form_that_is_not_filled_in_closes_nothing_and_gives_back_what_was_typed(
    browser: Browser, log: EscalationLog, cases: Cases, sent: dict[str, str], message: str
) -> None:
    come(log, "a")
    await browser.uncover("a")
    form = fields((await check(browser, "a")).text)

    response = await browser.post("/false-alarms/close", form | sent)

    assert response.status_code == 400
    assert message in response.text
    assert cases.find("a").status is CaseStatus.OPEN
    assert fields(response.text)["batch"] == form["batch"]


async def test_a_case_that_changed_meanwhile_stops_all_of_them_and_is_named(
    browser: Browser, log: EscalationLog, cases: Cases, casework: Casework, bob: Staff
) -> None:
    come(log, "a", "b")
    await browser.uncover("a")
    form = fields((await check(browser, "a", "b")).text)
    casework.assign("b", bob.id, by=bob.id)

    response = await browser.post("/false-alarms/close", form | {"reason": "fiction", "note": "n"})

    assert response.status_code == 409
    assert "Nothing was closed" in response.text
    assert "A colleague has it" in response.text
    assert fields(response.text)["chosen"] == ["a"]
    assert cases.find("a").status is CaseStatus.OPEN


async def test_nothing_too_many_and_what_is_made_up_is_refused_kindly(
    browser: Browser, log: EscalationLog
) -> None:
    come(log, "a")

    none = await check(browser)
    many = await check(browser, *(f"c{number}" for number in range(MOST_TOGETHER + 1)))
    unknown = await check(browser, "nobody")
    token = {"form_token": await browser.form_token(), "reason": "fiction"}
    no_batch = await browser.post("/false-alarms/close", token | {"batch": "x", "chosen": "a"})

    assert (none.status_code, many.status_code) == (400, 400)
    assert "Tick the cases that are no alarm" in none.text
    assert "Tick 25 cases or fewer" in many.text
    assert "None of these can be closed here" in unknown.text
    assert no_batch.status_code == 404
    assert (await browser.get("/false-alarms/nothing")).status_code == 404
    assert (await browser.get("/false-alarms?like=nothing")).status_code == 404


async def test_similar_cases_are_offered_together_and_it_is_said_how(
    browser: Browser, log: EscalationLog
) -> None:
    come(log, "a", "same")
    come(log, "near", text=WORDS + " omg")
    page = await browser.uncover("a")
    assert "2 more like this" in page

    page = plain((await browser.get("/false-alarms?like=a")).text)

    assert "2 open cases are like" in page
    assert "Word for word the same" in page
    assert "Nearly the same words" in page
    raw = (await browser.get("/false-alarms?like=a")).text
    ticked = re.findall(r'value="([^"]+)" aria-describedby="[^"]+" checked', raw)
    assert sorted(ticked) == ["a", "same"]


async def test_somebody_else_sees_no_batch_of_mine_and_no_auditor_closes(
    browser: Browser, log: EscalationLog, accounts: StaffAccounts, bob: Staff
) -> None:
    come(log, "a")
    await browser.uncover("a")
    sent = fields((await check(browser, "a")).text) | {"reason": "fiction", "note": ""}
    address = (await browser.post("/false-alarms/close", sent)).headers["location"]
    accounts.add("tom", PASSWORD, "Tom", Role.AUDITOR)
    await browser.send("/sign-out", {})
    await browser.sign_in("bob")
    assert (await browser.get(address)).status_code == 404
    assert (await browser.send(f"{address}/undo", {})).status_code == 404
    await browser.send("/sign-out", {})
    await browser.sign_in("tom")

    assert (await browser.get("/false-alarms")).status_code == 403
    assert bob.shown_name == "Bob Jones"


async def test_after_half_an_hour_it_is_not_undone(
    browser: Browser, log: EscalationLog, cases: Cases, clock: Clock
) -> None:
    come(log, "a")
    await browser.uncover("a")
    sent = fields((await check(browser, "a")).text) | {"reason": "fiction", "note": ""}
    address = (await browser.post("/false-alarms/close", sent)).headers["location"]
    clock.move(minutes=14)
    await browser.get("/alive")
    clock.move(minutes=14)
    await browser.get("/escalations")
    clock.move(minutes=3)

    page = (await browser.get(address)).text
    undone = await browser.send(f"{address}/undo", {})

    assert f"{address}/undo" not in page
    assert (
        "None of them could be opened again" in (await browser.get(undone.headers["location"])).text
    )
    assert cases.find("a").status is CaseStatus.CLOSED
