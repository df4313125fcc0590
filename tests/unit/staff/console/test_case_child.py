"""On the page of a case: the child's other cases, what is known of the child, tasks and paper."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine

from safeguarding.clock import LONDON
from staff.accounts.accounts import Staff, StaffAccounts
from staff.cases.case import CaseStatus
from staff.cases.cases import Cases
from staff.rota.rota import Shift, ShiftKind, add_shifts
from tests.records import NOON, PASSWORD, Clock, EscalationLog, escalation
from tests.unit.staff.console.conftest import Browser
from tests.unit.staff.console.test_case_page import plain

CASE, OTHER = "/escalations/c1", "/escalations/c2"


@pytest.fixture(autouse=True)
def two(log: EscalationLog) -> None:
    """Record two cases, of two areas."""
    log.record(escalation("m1"))
    log.record(escalation("m2", conversation_id="c2", area="kent"))


async def link(browser: Browser, cases: Cases, note: str = "Same street.") -> object:
    reference = cases.find("c2").reference
    return await browser.send(f"{CASE}/link", {"reference": reference.lower(), "note": note})


async def test_a_linked_case_shows_on_both_until_the_link_is_ended(
    browser: Browser, cases: Cases
) -> None:
    await link(browser, cases)

    page = await browser.uncover("c1")
    assert "Same street." in page
    assert f'<a class="govuk-link" href="{OTHER}">{cases.find("c2").reference}</a>' in page
    other = (await browser.get(OTHER)).text
    assert f'<a class="govuk-link" href="{CASE}">{cases.find("c1").reference}</a>' in other
    assert "Same street." not in other
    link_id = page.partition('name="link" value="')[2].partition('"')[0]
    await browser.send(f"{OTHER}/unlink", {"link": link_id})
    assert "Other cases of the same child" not in (await browser.get(CASE)).text
    assert "Ended a link with another case" in (await browser.get(CASE)).text


async def test_a_link_is_refused_with_what_is_missing(browser: Browser, cases: Cases) -> None:
    none = await browser.send(f"{CASE}/link", {"reference": "", "note": ""})
    own = {"reference": cases.find("c1").reference, "note": "x"}
    itself = await browser.send(f"{CASE}/link", own)
    unknown = await browser.send(f"{CASE}/link", {"reference": "LN-0000-0000", "note": "x"})
    await link(browser, cases)
    again = await link(browser, cases, "Twice.")

    assert "There is no other case with this reference" in none.text
    assert "Enter why you think that both are about the same child" in none.text
    assert "These two cannot be linked" in itself.text
    assert "There is no other case with this reference" in unknown.text
    assert "These two cannot be linked" in again.text  # type: ignore[attr-defined]
    assert "Twice." in again.text  # type: ignore[attr-defined]


async def test_somebody_who_may_not_see_the_other_case_sees_no_link(
    browser: Browser, cases: Cases, accounts: StaffAccounts
) -> None:
    await link(browser, cases)
    accounts.add("kim", PASSWORD, "Kim")
    accounts.set_areas("kim", frozenset({"wiltshire"}))
    await browser.send("/sign-out", {})
    await browser.sign_in("kim")

    page = (await browser.get(CASE)).text

    assert cases.find("c2").reference not in page
    assert "Linked it with another case of the same child" in page
    refused = await link(browser, cases)
    assert "There is no other case with this reference" in refused.text  # type: ignore[attr-defined]


async def test_an_age_and_a_known_pupil_show_with_who_and_when(
    browser: Browser, cases: Cases
) -> None:
    sent = {"age": "13", "age_before": "", "known_pupil": "Year 9", "known_pupil_before": ""}
    response = await browser.send(f"{CASE}/detail", sent)
    assert response.status_code == 303
    covered = (await browser.get(CASE)).text
    assert "Year 9" not in covered

    page = plain(await browser.uncover("c1"))

    assert "Known pupil Year 9 recorded by Ann Smith, 25 November 2026 at 12pm" in page
    await browser.send(
        f"{CASE}/detail", sent | {"age_before": "13", "known_pupil_before": "Year 9"}
    )
    assert len(cases.whole("c1").details) == 2


async def test_an_age_that_is_none_is_refused_and_given_back(browser: Browser) -> None:
    await browser.uncover("c1")

    response = await browser.send(f"{CASE}/detail", {"age": "twelve", "age_before": ""})

    assert response.status_code == 400
    assert "Enter an age in years" in response.text
    assert 'value="twelve"' in response.text


# Tasks


async def test_a_task_is_given_to_a_colleague_and_the_page_says_when_they_are_away(
    browser: Browser, engine: Engine, ann: Staff, bob: Staff
) -> None:
    start, end = NOON + timedelta(days=1), NOON + timedelta(days=1, hours=5)
    with engine.begin() as connection:
        add_shifts(connection, [Shift(ann.id, ShiftKind.ON_DUTY, start, end, cover_for=bob.id)])

    sent = {"note": "Ring the school.", "due_on": "2026-11-24", "to": bob.id}
    await browser.send(f"{CASE}/action", sent)

    page = plain(await browser.uncover("c1"))
    assert "For Bob Jones . Due 24 November 2026 – Overdue ; added by Ann Smith" in page
    assert "Bob Jones is off duty from 26 November 2026 at 12pm to" in page
    assert "Ann Smith covers for them." in page
    assert "Ring the school." not in (await browser.get("/tasks")).text
    assert "With Bob Jones" in (await browser.get("/tasks")).text
    await browser.send("/sign-out", {})
    await browser.sign_in("bob")
    assert "Your tasks (1)" in (await browser.get("/escalations")).text


async def test_a_task_is_handed_on_to_those_who_may_read_the_case_only(
    browser: Browser, cases: Cases, accounts: StaffAccounts, ann: Staff, bob: Staff
) -> None:
    kim = accounts.add("kim", PASSWORD, "Kim")
    accounts.set_areas("kim", frozenset({"kent"}))
    await browser.send(f"{CASE}/action", {"note": "Ring.", "to": ann.id})
    (action,) = cases.whole("c1").actions

    refused = await browser.send(f"{CASE}/handon", {"action": action.id, "to": kim.id})
    await browser.send(f"{CASE}/handon", {"action": action.id, "to": bob.id})

    assert refused.status_code == 400
    assert cases.whole("c1").actions[0].given_to == bob.id
    to_kim = await browser.send(f"{CASE}/action", {"note": "Ring.", "to": kim.id})
    assert "Select a colleague" in to_kim.text
    assert "Ring." in to_kim.text


# Closing, taking, now, paper


async def test_closing_as_referred_without_a_referral_says_what_is_missing(
    browser: Browser, cases: Cases
) -> None:
    await browser.send(f"{CASE}/action", {"note": "Ring the school."})
    sent = {"outcome": "referred_police", "note": "Called 101.", "severity": "agree"}

    response = await browser.send(f"{CASE}/outcome", sent)

    assert response.status_code == 400
    assert "no referral to the police is on record as made" in response.text
    assert "1 task under “To do” is not done" in response.text
    assert "Called 101." in response.text
    assert cases.find("c1").status is CaseStatus.OPEN


async def test_taking_a_case_says_that_you_have_it(browser: Browser, ann: Staff) -> None:
    response = await browser.send(f"{CASE}/assign", {"to": ann.id})

    page = (await browser.get(response.headers["location"])).text

    assert "You have this case now." in page
    assert "<strong>You have this case.</strong>" in page
    assert "Take this case" not in page


async def test_now_fills_in_the_time_without_a_script_and_keeps_what_was_typed(
    browser: Browser, cases: Cases, clock: Clock
) -> None:
    sent = {"now": "made_at", "to_whom": "police", "reference": "CAD 12", "note": "x"}

    response = await browser.send(f"{CASE}/refer", sent)

    local = clock().astimezone(LONDON)
    assert response.status_code == 200
    assert f'value="{local:%Y-%m-%dT%H:%M}"' in response.text
    assert 'value="CAD 12"' in response.text
    assert "There is a problem" not in response.text
    assert cases.whole("c1").referrals == ()


async def test_a_page_for_paper_needs_the_words_uncovered_and_is_on_the_trail(
    browser: Browser, cases: Cases, ann: Staff
) -> None:
    covered = await browser.get(f"{CASE}/print")
    assert covered.headers["location"] == f"{CASE}#opening"
    await browser.uncover("c1")

    page = plain((await browser.get(f"{CASE}/print")).text)

    head = f"{cases.find('c1').reference} – confidential – printed by Ann Smith, 25 November 2026"
    assert head in page
    assert "dont tell ur mum" in page
    event = cases.whole("c1").history[-1].event
    assert (event.what, event.who) == ("printed", ann.id)
