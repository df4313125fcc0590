"""The forms of a case's page do their work, and a refused one gives back what was typed."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from sqlalchemy.engine import Engine

from safeguarding.escalation import Outcome
from safeguarding.risk.assessment import NO_RISK
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import Staff, StaffAccounts
from staff.cases.case import CaseStatus
from staff.cases.cases import Cases
from staff.cases.casework import Casework, ClosingDecision
from staff.cases.page import AGREE, CaseForm
from staff.cases.work_page import WORKS, check_outcome
from staff.console.pages import LONGEST_NOTE
from tests.records import NOON, Clock, EscalationLog, assessment, escalation
from tests.unit.staff.console.conftest import Browser
from tests.unit.staff.console.test_case_page import plain

FORM = {"outcome": "contacted_person", "note": "Called 101.", "severity": "agree"}
MADE = {"to_whom": "police", "how": "telephone", "made": "yes", "made_at": "2026-11-25T11:30"}
OTHER = ClosingDecision(Outcome.OTHER, "Earlier note.")


@pytest.fixture
def case(log: EscalationLog) -> str:
    """Return the address of a case of one message, a concern."""
    log.record(escalation())
    return "/escalations/c1"


@pytest.fixture
def grave(log: EscalationLog) -> str:
    """Return the address of a case that two people have to close."""
    log.record(escalation(assessment=assessment(Severity.IMMEDIATE)))
    return "/escalations/c1"


async def test_recording_an_outcome_closes_it(
    browser: Browser, case: str, cases: Cases, ann: Staff
) -> None:
    response = await browser.send(f"{case}/outcome", FORM | {"note": "One.\r\nTwo."})

    assert response.headers["location"] == "/escalations?saved=outcome"
    assert "The outcome is recorded" in (await browser.get("/escalations?saved=outcome")).text
    (review,) = cases.whole("c1").reviews
    assert (review.by, review.outcome) == (ann.id, Outcome.CONTACTED_PERSON)
    assert (review.note, review.severity) == ("One.\nTwo.", None)


async def test_a_grave_one_is_closed_by_two(
    browser: Browser, grave: str, cases: Cases, bob: Staff
) -> None:
    sent = FORM | {"severity": "concern", "missed": "yes"}
    response = await browser.send(f"{grave}/outcome", sent)

    assert response.headers["location"] == f"{grave}?done=outcome"
    page = (await browser.get(f"{grave}?done=outcome")).text
    assert "A second person has to agree" in page
    assert f'action="{grave}/agree"' not in page
    assert (await browser.send(f"{grave}/agree", {})).status_code == 409
    await browser.send("/sign-out", {})
    await browser.sign_in("bob")
    assert f'action="{grave}/agree"' not in (await browser.get(grave)).text
    assert f'action="{grave}/agree"' in await browser.uncover()
    await browser.send(f"{grave}/agree", {})
    assert cases.find("c1").status is CaseStatus.CLOSED
    page = plain(await browser.uncover())
    assert "Contacted the person , found concern; something was missed" in page
    assert "Bob Jones agreed" in page
    assert "judged by staff; assessed as immediate" in page


async def test_a_closing_is_not_agreed_to_with_the_words_covered(
    browser: Browser, grave: str, cases: Cases, casework: Casework, bob: Staff
) -> None:
    casework.close("c1", OTHER, by=bob.id)

    assert "You can agree when you have read what was said" in (await browser.get(grave)).text
    refused = await browser.send(f"{grave}/agree", {})

    assert refused.status_code == 400
    assert "Show the words and read them" in refused.text
    assert cases.find("c1").status is CaseStatus.OPEN


async def test_words_read_before_the_closing_was_proposed_are_opened_again(
    browser: Browser, grave: str, cases: Cases, casework: Casework, bob: Staff
) -> None:
    await browser.uncover()
    casework.close("c1", OTHER, by=bob.id)
    assert (await browser.send(f"{grave}/agree", {})).status_code == 400

    assert "Agree and close" in (await browser.get(grave)).text
    await browser.send(f"{grave}/agree", {})

    assert cases.find("c1").status is CaseStatus.CLOSED


async def test_words_uncovered_in_another_session_are_not_read_in_this_one(
    browser: Browser, grave: str, cases: Cases, casework: Casework, bob: Staff
) -> None:
    casework.close("c1", OTHER, by=bob.id)
    await browser.uncover()
    await browser.send("/sign-out", {})
    await browser.sign_in()
    await browser.get(grave)

    assert (await browser.send(f"{grave}/agree", {})).status_code == 400
    assert cases.find("c1").status is CaseStatus.OPEN


async def test_a_closing_may_be_returned_with_a_reason(
    browser: Browser, grave: str, cases: Cases, casework: Casework, bob: Staff
) -> None:
    casework.close("c1", OTHER, by=bob.id)

    refused = await browser.send(f"{grave}/disagree", {"note": ""})
    await browser.send(f"{grave}/disagree", {"note": "Ring the school first."})

    assert refused.status_code == 400
    assert cases.find("c1").closing_by is None
    assert "Ring the school first." in await browser.uncover()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"outcome": ""}, "Select what was done"),
        ({"outcome": "deleted"}, "Select what was done"),
        ({"note": "  "}, "Enter why, in a sentence or two"),
        ({"note": "x" * 10_001}, "The note must be 10,000 characters or less"),
        ({"severity": "mild"}, "Select how serious you find it"),
    ],
)
async def test_says_what_is_missing_and_keeps_what_was_typed(
    browser: Browser, case: str, cases: Cases, change: dict[str, str], error: str
) -> None:
    kept = {"outcome": "other", "note": "Kept words.", "severity": "urgent", "missed": "yes"}

    response = await browser.send(f"{case}/outcome", kept | change)

    assert response.status_code == 400
    assert "There is a problem" in response.text
    assert response.text.count(error) == 2
    assert "<title>Error: " in response.text
    assert ("Kept words." in response.text) == ("note" not in change)
    assert re.search(r'name="missed"[^>]*value="yes"[^>]* checked', response.text)
    assert cases.find("c1").status is CaseStatus.OPEN


async def test_a_change_to_an_older_version_gives_back_what_was_typed_and_shows_what_changed(
    browser: Browser, case: str, cases: Cases, casework: Casework, bob: Staff
) -> None:
    page = (await browser.get(case)).text
    facts = dict(re.findall(r'name="(version|seen)" value="(\d+)"', page))
    casework.correct("c1", severity=Severity.NONE, categories=None, reason="A song.", by=bob.id)

    response = await browser.send(f"{case}/outcome", FORM | facts | {"note": "My own words."})

    assert response.status_code == 409
    text = plain(response.text)
    top = text[: text.index("Go to what can be done")]
    assert "Bob Jones" in top
    assert "Corrected it: changed it from concern to no risk" in top
    assert response.text.count("My own words.") == 2
    assert cases.whole("c1").reviews == ()


async def test_the_second_of_two_colleagues_who_close_learns_who_was_first(
    browser: Browser, case: str, cases: Cases, casework: Casework, bob: Staff
) -> None:
    casework.close("c1", OTHER, by=bob.id)

    response = await browser.send(f"{case}/outcome", FORM | {"note": "My own words."})

    assert response.status_code == 409
    assert "Recorded the outcome: Something else" in plain(response.text)
    assert "My own words." in response.text
    assert len(cases.whole("c1").reviews) == 1


async def test_a_closed_one_is_opened_again_with_a_reason(
    browser: Browser, case: str, cases: Cases, casework: Casework, ann: Staff
) -> None:
    casework.close("c1", OTHER, by=ann.id)
    assert f'action="{case}/outcome"' not in (await browser.get(case)).text

    refused = await browser.send(f"{case}/reopen", {"note": " "})
    await browser.send(f"{case}/reopen", {"note": "She wrote again."})

    assert refused.status_code == 400
    assert cases.find("c1").status is CaseStatus.OPEN
    assert "She wrote again." in await browser.uncover()


async def test_a_case_is_taken_given_and_put_back(
    browser: Browser, case: str, cases: Cases, ann: Staff, bob: Staff
) -> None:
    for to, kept, done in (
        (ann.id, ann.id, "take"),
        (bob.id, bob.id, "assign"),
        ("nobody", None, "assign"),
    ):
        response = await browser.send(f"{case}/assign", {"to": to})
        assert response.headers["location"] == f"{case}?done={done}"
        assert cases.find("c1").assigned_to == kept


@pytest.mark.parametrize("to", ["", "somebody"])
async def test_a_case_goes_to_known_colleagues_only(
    browser: Browser, case: str, cases: Cases, to: str
) -> None:
    for work in ("assign", "handover"):
        response = await browser.send(f"{case}/{work}", {"to": to, "note": "Kept words."})
        assert response.status_code == 400
        assert "Select a colleague" in response.text
    assert "Kept words." in response.text
    assert cases.find("c1").offered_to is None


async def test_a_handover_is_accepted_or_returned_by_whom_it_is_for(
    browser: Browser, case: str, cases: Cases, ann: Staff, bob: Staff
) -> None:
    offer = {"to": bob.id, "note": "I am away tomorrow."}
    await browser.send(f"{case}/handover", offer)
    assert "Handed over to Bob Jones" in plain((await browser.get(case)).text)
    assert (await browser.send(f"{case}/accept", {})).status_code == 409
    await browser.send("/sign-out", {})
    await browser.sign_in("bob")
    assert (await browser.send(f"{case}/return", {"note": ""})).status_code == 400
    await browser.send(f"{case}/return", {"note": "I am off, too."})
    assert cases.find("c1").offered_to is None

    await browser.send(f"{case}/handover", offer | {"to": ann.id})
    await browser.send("/sign-out", {})
    await browser.sign_in()
    await browser.send(f"{case}/accept", {})

    assert cases.find("c1").assigned_to == ann.id


async def test_notes_and_things_to_do_are_kept(browser: Browser, case: str, cases: Cases) -> None:
    await browser.send(f"{case}/note", {"note": "Rang her mum."})
    await browser.send(f"{case}/action", {"note": "Ring again.", "due_on": "2026-11-24"})
    covered = (await browser.get(case)).text
    page = plain(await browser.uncover())

    assert "Rang her mum." not in covered
    assert "Also covered: 1 note, 1 thing to do." in plain(covered)
    assert "Rang her mum. Ann Smith, 25 November 2026" in page.replace(" , ", ", ")
    assert "Ring again. Due 24 November 2026 – Overdue" in page
    (action,) = cases.whole("c1").actions
    assert action.due_on == date(2026, 11, 24)

    await browser.send(f"{case}/finish", {"action": action.id})

    assert cases.whole("c1").actions[0].done_at is not None
    assert (
        await browser.send(f"{case}/action", {"note": "x", "due_on": "soon"})
    ).status_code == 400


async def test_staff_correct_severity_and_categories_with_a_reason(
    browser: Browser, case: str, cases: Cases
) -> None:
    change = {"severity": "urgent", "chosen": "neglect", "note": "No food at home."}

    refused = await browser.send(f"{case}/correct", change | {"note": ""})
    await browser.send(f"{case}/correct", change)

    found = cases.find("c1")
    assert refused.status_code == 400
    assert (found.severity, found.categories) == (Severity.URGENT, ("neglect",))
    await browser.send(f"{case}/correct", {"severity": AGREE, "chosen": "grooming", "note": "No."})
    found = cases.find("c1")
    assert (found.staff_severity, found.staff_categories) == (None, None)


async def test_staff_correct_whom_it_is_about_and_who_writes(
    browser: Browser, case: str, cases: Cases
) -> None:
    change = {"severity": AGREE, "chosen": "grooming", "note": "It is her friend."}

    await browser.send(f"{case}/correct", change | {"subject": "friend", "audience": "parent"})
    page = plain((await browser.get(case)).text)
    refused = await browser.send(f"{case}/correct", change | {"subject": "nobody"})
    await browser.send(f"{case}/correct", change | {"subject": AGREE, "audience": ""})

    assert "A parent or carer, about a child" in page
    assert "Corrected by staff. Before: young person, about themselves." in page
    assert "about a friend, not themselves; written by: parent or carer, before: young" in page
    assert refused.status_code == 400
    assert "Select one of those offered" in refused.text
    assert (cases.find("c1").staff_subject, cases.find("c1").staff_audience) == (None, None)


async def test_a_referral_is_recorded_or_why_there_is_none(
    browser: Browser, case: str, cases: Cases
) -> None:
    await browser.send(f"{case}/refer", MADE | {"reference": "CR-1", "note": ""})
    await browser.send(f"{case}/refer", MADE | {"made": "no", "note": "Parents first."})

    made, not_made = cases.whole("c1").referrals
    assert (made.made_at, made.reference) == (NOON - timedelta(minutes=30), "CR-1")
    assert (not_made.made_at, not_made.reason) == (None, "Parents first.")
    page = plain(await browser.uncover())
    assert "The police , by telephone, made 25 November 2026 at 11:30am" in page
    assert "The police : not made Parents first." in page


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"to_whom": "nobody"}, "Select to whom"),
        ({"how": ""}, "Select how"),
        ({"made": ""}, "Select whether the referral was made"),
        ({"made_at": ""}, "Enter when the referral was made"),
        ({"made_at": "yesterday"}, "Enter a real date and time, not in the future"),
        ({"made_at": "2026-11-26T09:00"}, "Enter a real date and time, not in the future"),
        ({"made": "no"}, "Enter why it was not made, or not yet"),
        ({"reference": "x" * 201}, "The reference must be 200 characters or less"),
    ],
)
async def test_a_referral_needs_to_whom_how_and_when(
    browser: Browser, case: str, cases: Cases, change: dict[str, str], error: str
) -> None:
    response = await browser.send(f"{case}/refer", MADE | change)

    assert response.status_code == 400
    assert response.text.count(error) == 2
    assert cases.whole("c1").referrals == ()


async def test_two_cases_become_one_and_two_again(
    browser: Browser, case: str, log: EscalationLog, cases: Cases
) -> None:
    log.record(escalation("m2", conversation_id="c2", text="me again"))
    reference = cases.find("c2").reference

    response = await browser.send(f"{case}/merge", {"reference": reference.lower()})

    assert response.headers["location"] == "/escalations/c2?done=merge"
    assert (await browser.get(case)).headers["location"] == "/escalations/c2"
    assert "dont tell ur mum" in await browser.uncover("c2")
    await browser.send("/escalations/c2/separate", {"other": "c1"})
    assert cases.find("c1").merged_into is None


@pytest.mark.parametrize("reference", ["", "LN-2222-2222", "itself"])
async def test_a_case_is_merged_only_with_another_that_there_is(
    browser: Browser, case: str, cases: Cases, reference: str
) -> None:
    typed = cases.find("c1").reference if reference == "itself" else reference

    response = await browser.send(f"{case}/merge", {"reference": typed})

    assert response.status_code == 400
    assert "There is no other case with this reference" in response.text


async def test_messages_about_something_else_get_a_case_of_their_own(
    browser: Browser, case: str, log: EscalationLog, cases: Cases
) -> None:
    log.record(escalation("m2", text="and my sister", raised_at=NOON + timedelta(minutes=1)))

    nothing = await browser.send(f"{case}/split", {})
    everything = await browser.send(f"{case}/split", {"chosen": ["m1", "m2"]})  # type: ignore[dict-item]
    response = await browser.send(f"{case}/split", {"chosen": "m2"})

    assert (nothing.status_code, everything.status_code) == (400, 400)
    new = response.headers["location"].partition("?")[0].rpartition("/")[2]
    assert [each.message_id for each in cases.whole(new).messages] == ["m2"]
    assert [each.message_id for each in cases.whole("c1").messages] == ["m1"]


async def test_a_legal_hold_is_set_and_lifted(browser: Browser, case: str, cases: Cases) -> None:
    await browser.send(f"{case}/hold", {})
    assert cases.find("c1").legal_hold
    assert "Legal hold" in (await browser.get(case)).text
    await browser.send(f"{case}/release", {})
    assert not cases.find("c1").legal_hold


@pytest.mark.parametrize("work", sorted([*WORKS, "hold", "release"]))
async def test_nothing_is_done_to_an_unknown_case(
    browser: Browser, engine: Engine, bob: Staff, work: str
) -> None:
    filled = FORM | MADE | {"to": bob.id, "reference": "LN-2222-2222", "chosen": "m1"}

    assert (await browser.send(f"/escalations/none/{work}", filled)).status_code == 404


async def test_there_is_no_other_work(browser: Browser, case: str) -> None:
    assert (await browser.send(f"{case}/delete", {})).status_code == 404


async def test_what_was_written_for_too_long_is_given_back_whole(
    browser: Browser, case: str, clock: Clock
) -> None:
    token = await browser.form_token()
    clock.move(minutes=31)

    form = MADE | {"note": "Long.", "reference": "CR-9", "form_token": token}
    response = await browser.post(f"{case}/refer", form)

    assert response.status_code == 401
    assert "Long." in response.text
    assert "CR-9" in response.text


async def test_small_talk_does_not_refuse_an_outcome_written_meanwhile(
    browser: Browser, case: str, log: EscalationLog
) -> None:
    page = (await browser.get(case)).text
    facts = dict(re.findall(r'name="(version|seen)" value="(\d+)"', page))
    log.record(escalation("m2", assessment=NO_RISK))

    assert (await browser.send(f"{case}/outcome", FORM | facts)).status_code == 303


def sent(**fields: str) -> CaseForm:
    return CaseForm("outcome", fields)


@pytest.mark.parametrize("outcome", [outcome.value for outcome in Outcome])
def test_takes_every_outcome_with_a_note(outcome: str) -> None:
    assert check_outcome(sent(outcome=outcome, note="x" * LONGEST_NOTE)) == {}


def test_a_fresh_form_lacks_what_was_done_and_why() -> None:
    assert set(check_outcome(sent())) == {"outcome", "note"}


@pytest.mark.parametrize("severity", Severity)
def test_any_severity_may_be_chosen(severity: Severity) -> None:
    form = sent(outcome="other", note="x", severity=severity.label)

    assert check_outcome(form) == {}
    assert form.judged() is severity


def test_agreeing_leaves_the_assessment_as_it_is() -> None:
    assert sent(severity=AGREE).judged() is None


async def test_staff_cannot_work_with_cases_outside_their_areas(
    browser: Browser,
    case: str,
    log: EscalationLog,
    cases: Cases,
    accounts: StaffAccounts,
    bob: Staff,
) -> None:
    log.record(escalation("m2", conversation_id="c2", area="kent"))
    accounts.set_areas("ann", frozenset({"wiltshire"}))
    accounts.set_areas("bob", frozenset({"kent"}))

    merged = await browser.send(f"{case}/merge", {"reference": cases.find("c2").reference})
    given = await browser.send(f"{case}/assign", {"to": bob.id})
    handed = await browser.send(f"{case}/handover", {"to": bob.id, "note": "x"})

    assert [each.status_code for each in (merged, given, handed)] == [400, 400, 400]
    assert "There is no other case with this reference" in merged.text
    assert "Bob Jones" not in (await browser.get(case)).text
    assert cases.find("c1").merged_into is None


async def test_a_reviewer_sets_no_legal_hold(
    browser: Browser, case: str, cases: Cases, bob: Staff
) -> None:
    await browser.send("/sign-out", {})
    await browser.sign_in("bob")

    assert (await browser.send(f"{case}/hold", {})).status_code == 403
    assert 'id="hold"' not in (await browser.get(case)).text
    assert not cases.find("c1").legal_hold
