"""The pages of the content: who approves, what is shown, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from safeguarding.content.items import Item
from safeguarding.content.reader import read_catalogue
from safeguarding.content.signing import ApprovalDecision, ApprovalStatus
from staff.accounts.accounts import Staff, StaffAccounts
from staff.accounts.permissions import Role
from staff.approvals.approvals import Approvals
from staff.approvals.page import DecisionForm
from staff.approvals.parts import parts_of
from staff.audit.trail import AuditLog, EventFilter
from staff.console.pages import LONGEST_NOTE
from storage.approval_records import read_approved_digests
from tests.content import ANSWER
from tests.records import PASSWORD, Clock
from tests.signing import approve
from tests.unit.staff.console.conftest import Browser

ITEM = "/content/answer:consent"
RISK = "/content/risk:grooming"


@pytest.fixture
def answer(content: Path) -> Item:
    return read_catalogue(content).items["answer:consent"]


@pytest.fixture
def risk(content: Path) -> Item:
    return read_catalogue(content).items["risk:grooming"]


def change(content: Path, before: str = "each time", after: str = "every single time") -> None:
    text = ANSWER.replace(before, after)
    (content / "articles" / "consent.md").write_text(text, "utf-8")


async def read_to_the_end(browser: Browser, clock: Clock, item: Item) -> None:
    """Open every part, and let the time go by that each takes."""
    for part in parts_of(item):
        form = {"digest": item.digest, "part": str(part.number)}
        opened = await browser.send(f"/content/{item.id}/reading", form)
        assert opened.status_code == 303
        clock.move(minutes=2)


def words_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.mark.parametrize("path", ["/content", ITEM, "/content/export/parent"])
async def test_a_stranger_sees_nothing(visitor: Browser, path: str) -> None:
    assert (await visitor.get(path)).status_code == 303


async def test_the_list_says_where_each_item_stands(
    browser: Browser, engine: Engine, answer: Item, ann: Staff, clock: Clock
) -> None:
    approve(engine, answer, ann.id, clock)

    page = words_of((await browser.get("/content")).text)

    assert re.search(r"What is consent\? Approved Approved by Ann Smith, 25 November 2026", page)
    assert re.search(r"Grooming Never approved Review due 25 May 2027", page)
    assert "1 of 3 items have the signatures they need" in page


async def test_the_list_can_be_narrowed_by_status_and_kind(
    browser: Browser, engine: Engine, answer: Item, ann: Staff, clock: Clock
) -> None:
    approve(engine, answer, ann.id, clock)

    async def shown(query: str) -> list[str]:
        page = (await browser.get(f"/content?{query}")).text
        return re.findall(r'class="govuk-link" href="/content/((?:answer|risk):\w+)"', page)

    assert await shown("status=approved") == ["answer:consent"]
    assert await shown("status=never") == ["risk:grooming"]
    assert await shown("status=never&kind=answer") == []
    assert await shown("kind=risk") == ["risk:grooming"]
    assert len(await shown("status=nonsense&kind=nonsense")) == 2


async def test_an_unreadable_file_is_reported(browser: Browser, content: Path) -> None:
    page = (await browser.get("/content")).text

    assert "help_card.yml" in page
    assert "until it is mended" in page


async def test_an_item_shows_each_reader_the_sources_and_the_dates(browser: Browser) -> None:
    page = words_of((await browser.get(ITEM)).text)

    for words in (
        "What young people read Consent means you both really want to.",
        "What parents and carers read Consent has to be given each time.",
        "Sources Sex and consent (Childline), 2024, read on 2026-11-25",
        "Review due 2027-05-25",
    ):
        assert words in page


@pytest.mark.parametrize("path", ["/content/answer:nothing", "/content/x", "/content/export/all"])
async def test_an_unknown_item_is_not_found(browser: Browser, path: str) -> None:
    assert (await browser.get(path)).status_code == 404


async def test_a_lead_approves_exactly_the_words_on_the_page(
    browser: Browser, engine: Engine, answer: Item, clock: Clock
) -> None:
    page = (await browser.get(ITEM)).text
    assert f'name="digest" value="{answer.digest}"' in page

    await read_to_the_end(browser, clock, answer)
    form = {"decision": "approved", "digest": answer.digest}
    response = await browser.send(f"{ITEM}/decision", form)

    assert response.headers["location"] == "/content?saved=approved"
    assert read_approved_digests(engine) == {("answer:consent", answer.digest)}


async def test_words_that_changed_meanwhile_are_not_approved_and_the_note_is_kept(
    browser: Browser, engine: Engine, answer: Item, content: Path
) -> None:
    change(content)

    form = {"decision": "approved", "digest": answer.digest, "note": "Read twice."}
    response = await browser.send(f"{ITEM}/decision", form)

    assert response.status_code == 409
    assert "have changed since you opened the page" in response.text
    assert "Read twice." in response.text
    assert read_approved_digests(engine) == frozenset()


async def test_a_reviewer_reads_and_cannot_decide(
    visitor: Browser, accounts: StaffAccounts, approvals: Approvals, answer: Item, ann: Staff
) -> None:
    accounts.add("rob", PASSWORD, "Rob Brown", Role.REVIEWER)
    await visitor.sign_in("rob")

    page = (await visitor.get(ITEM)).text
    assert "Only a safeguarding lead may approve" in page
    assert "/decision" not in page

    for decision in ("approved", "sent_back"):
        form = {"decision": decision, "digest": answer.digest, "note": "x"}
        assert (await visitor.send(f"{ITEM}/decision", form)).status_code == 403
    assert approvals.standing(answer).decisions == ()


async def test_a_former_lead_is_refused_at_once(
    browser: Browser, accounts: StaffAccounts, engine: Engine, answer: Item
) -> None:
    accounts.set_role("ann", Role.REVIEWER)

    form = {"decision": "approved", "digest": answer.digest}
    response = await browser.send(f"{ITEM}/decision", form)

    assert response.status_code == 403
    assert read_approved_digests(engine) == frozenset()


async def test_no_other_site_can_approve(browser: Browser, engine: Engine, answer: Item) -> None:
    form = {"decision": "approved", "digest": answer.digest}

    assert (await browser.post(f"{ITEM}/decision", form)).status_code == 403
    forged = form | {"form_token": await browser.form_token()}
    response = await browser.post(f"{ITEM}/decision", forged, sec_fetch_site="cross-site")
    assert response.status_code == 403
    assert read_approved_digests(engine) == frozenset()


async def test_sending_back_needs_a_note_and_keeps_it(
    browser: Browser, approvals: Approvals, answer: Item
) -> None:
    form = {"decision": "sent_back", "digest": answer.digest}
    refused = await browser.send(f"{ITEM}/decision", form)
    assert refused.status_code == 400
    assert "Enter what is to be changed" in refused.text

    await browser.send(f"{ITEM}/decision", form | {"note": "Say <b>who</b>."})

    assert approvals.standing(answer).status is ApprovalStatus.SENT_BACK
    page = (await browser.get(ITEM)).text
    assert "Say &lt;b&gt;who&lt;/b&gt;." in page


async def test_a_missing_decision_is_reported_beside_the_field(
    browser: Browser, answer: Item
) -> None:
    response = await browser.send(f"{ITEM}/decision", {"digest": answer.digest})

    assert response.status_code == 400
    assert 'href="#decision"' in response.text


async def test_changes_are_shown_beside_the_approved_words(
    browser: Browser, engine: Engine, answer: Item, ann: Staff, content: Path, clock: Clock
) -> None:
    approve(engine, answer, ann.id, clock)
    change(content)

    page = (await browser.get(ITEM)).text

    assert "Changed since approval" in page
    assert "Approved by Ann Smith" in page
    assert re.search(r"<ins>.*every single.*</ins>", page)
    assert re.search(r"<del>.*each.*</del>", page)
    assert "[removed: " in page, "a screen reader says it too"


async def test_risk_waits_for_a_second_lead(
    browser: Browser,
    approvals: Approvals,
    risk: Item,
    bob: Staff,
    accounts: StaffAccounts,
    clock: Clock,
) -> None:
    form = {"decision": "approved", "digest": risk.digest}
    await read_to_the_end(browser, clock, risk)
    await browser.send(f"{RISK}/decision", form)
    page = (await browser.get(RISK)).text
    assert "Waiting for second person" in page
    assert 'value="approved"' not in page
    assert (await browser.send(f"{RISK}/decision", form)).status_code == 409

    accounts.set_role("bob", Role.LEAD)
    await browser.send("/sign-out", {})
    await browser.sign_in("bob")
    await read_to_the_end(browser, clock, risk)
    await browser.send(f"{RISK}/decision", form)

    assert approvals.standing(risk).status is ApprovalStatus.APPROVED


async def test_time_alone_makes_the_review_due(
    visitor: Browser, engine: Engine, answer: Item, ann: Staff, clock: Clock
) -> None:
    approve(engine, answer, ann.id, clock)
    clock.move(days=100)
    await visitor.sign_in()
    assert "What is consent?" in (await visitor.get("/content?status=review_due")).text

    clock.move(days=100)
    await visitor.sign_in()
    assert "What is consent?" in (await visitor.get("/content?status=past_review")).text


async def test_the_history_names_every_decision(
    browser: Browser, engine: Engine, approvals: Approvals, answer: Item, ann: Staff, clock: Clock
) -> None:
    approve(engine, answer, ann.id, clock)
    clock.move(minutes=5)
    approvals.decide(answer, ApprovalDecision.SENT_BACK, by=ann.id, note="The source moved.")

    page = words_of((await browser.get(ITEM)).text)

    first, second = page.index("The source moved."), page.rindex("approved the words of today")
    assert first < second
    assert "Ann Smith (safeguarding lead)" in page


async def test_the_paper_form_is_a_file_of_one_audience(browser: Browser) -> None:
    response = await browser.get("/content/export/young_person")

    assert "attachment" in response.headers["content-disposition"]
    assert "lantern-young-person-2026-11-25.html" in response.headers["content-disposition"]
    assert "Consent means you both really want to." in response.text
    assert "Consent has to be given each time." not in response.text


async def test_the_header_leads_to_the_content(browser: Browser) -> None:
    assert 'href="/content"' in (await browser.get("/escalations")).text


async def test_signing_in_leads_on_to_an_item(visitor: Browser, ann: Staff) -> None:
    form = {"name": "ann", "password": PASSWORD, "next": ITEM}

    assert (await visitor.post("/sign-in", form)).headers["location"] == ITEM


@pytest.mark.parametrize(
    ("decision", "note", "wrong"),
    [
        ("approved", "", []),
        ("sent_back", "The date is old.", []),
        ("sent_back", " \n", ["note"]),
        ("", "", ["decision"]),
        ("burnt", "x", ["decision"]),
        ("approved", "x" * (LONGEST_NOTE + 1), ["note"]),
    ],
)
def test_says_which_field_is_wrong(decision: str, note: str, wrong: list[str]) -> None:
    assert list(DecisionForm(decision, note).errors()) == wrong


async def test_words_that_were_not_read_are_not_approved_and_the_note_is_kept(
    browser: Browser, engine: Engine, answer: Item
) -> None:
    form = {"decision": "approved", "digest": answer.digest, "note": "Looks fine."}

    refused = await browser.send(f"{ITEM}/decision", form)

    assert refused.status_code == 409
    assert "You have not read these words to their end yet" in refused.text
    assert "Looks fine." in refused.text
    assert read_approved_digests(engine) == frozenset()


async def test_the_page_offers_to_approve_only_after_the_end(
    browser: Browser, answer: Item, clock: Clock
) -> None:
    before = (await browser.get(ITEM)).text
    assert 'value="approved"' not in before
    assert 'value="sent_back"' in before
    assert "Begin to read" in before

    await browser.send(f"{ITEM}/reading", {"digest": answer.digest, "part": "1"})
    assert "You have opened all the words. You can approve them in" in words_of(
        (await browser.get(ITEM)).text
    )
    clock.move(minutes=2)
    assert 'value="approved"' in (await browser.get(ITEM)).text


async def test_a_part_that_comes_too_soon_says_when_it_opens(
    browser: Browser, answer: Item, risk: Item, clock: Clock
) -> None:
    await browser.send(f"{ITEM}/reading", {"digest": answer.digest, "part": "1"})
    refused = await browser.send(f"{RISK}/reading", {"digest": risk.digest, "part": "1"})

    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert "Reading this takes longer. You can go on in " in refused.text


@pytest.mark.parametrize("part", ["2", "0", "-1", "x", "", "9" * 30])
async def test_a_part_out_of_order_leads_to_where_the_reader_is(
    browser: Browser, answer: Item, part: str
) -> None:
    refused = await browser.send(f"{ITEM}/reading", {"digest": answer.digest, "part": part})

    assert refused.status_code == 409
    assert "Open part 1 of 1" in refused.text


async def test_words_that_changed_meanwhile_are_not_read_on(
    browser: Browser, answer: Item, content: Path
) -> None:
    change(content)

    refused = await browser.send(f"{ITEM}/reading", {"digest": answer.digest, "part": "1"})

    assert refused.status_code == 409
    assert "have changed since you opened the page" in refused.text


@pytest.mark.parametrize("part", ["1", "7", "x"])
async def test_no_address_shows_a_part_that_is_not_open(browser: Browser, part: str) -> None:
    page = words_of((await browser.get(f"{ITEM}/reading?part={part}")).text)

    assert "Consent means you both really want to." not in page
    assert "Open part 1 of 1" in page


async def test_only_leads_read_to_sign_and_plan(
    visitor: Browser, accounts: StaffAccounts, ann: Staff, answer: Item
) -> None:
    accounts.add("rob", PASSWORD, "Rob Brown", Role.REVIEWER)
    await visitor.sign_in("rob")

    assert (await visitor.get(f"{ITEM}/reading")).status_code == 403
    sent = await visitor.send(f"{ITEM}/reading", {"digest": answer.digest, "part": "1"})
    assert sent.status_code == 403
    shown = await visitor.get("/content/plan")
    assert shown.status_code == 200
    assert "Make the plan" not in shown.text
    assert (await visitor.send("/content/plan", {"weeks": "6"})).status_code == 403


async def test_a_plan_is_made_for_the_leads_and_weeks_that_were_chosen(
    browser: Browser, ann: Staff, bob: Staff, accounts: StaffAccounts, audit: AuditLog
) -> None:
    accounts.set_role("bob", Role.LEAD)
    page = words_of((await browser.get("/content/plan")).text)
    assert "There is no plan yet. 3 items lack signatures." in page

    alone = await browser.send("/content/plan", {"weeks": "6", "leads": ann.id})
    assert alone.status_code == 400
    assert "Some items need two signatures" in alone.text
    for form in ({"weeks": "0"}, {"weeks": "x", "leads": "no-such-id"}, {}):
        wrong = await browser.send("/content/plan", form)
        assert wrong.status_code == 400
        assert "Choose who is to sign" in wrong.text
        assert "Enter a number of weeks from 1 to 52" in wrong.text

    both: dict[str, Any] = {"weeks": "2", "leads": [ann.id, bob.id]}
    made = await browser.send("/content/plan", both)

    assert made.headers["location"] == "/content/plan?saved=plan"
    page = words_of((await browser.get("/content/plan")).text)
    assert re.search(r"0 of 5 signatures given\. The last is due on 9 December 2026", page)
    assert "Your next ones" in page
    (event,) = audit.newest(EventFilter(what="signing planned"), limit=9)
    assert event.event.who == ann.id
    assert event.event.detail["signatures"] == 5


async def test_a_new_title_and_a_removed_line_are_marked_while_reading(
    browser: Browser, engine: Engine, answer: Item, ann: Staff, content: Path, clock: Clock
) -> None:
    approve(engine, answer, ann.id, clock)
    text = ANSWER.replace("title: What is consent?", "title: What does consent mean?")
    text = text.replace("- Keep your voice calm.\n", "")
    (content / "articles" / "consent.md").write_text(text, "utf-8")
    now = read_catalogue(content).items["answer:consent"]
    clock.move(hours=2)
    await browser.sign_in()

    await browser.send(f"{ITEM}/reading", {"digest": now.digest, "part": "1"})
    page = words_of((await browser.get(f"{ITEM}/reading")).text)

    assert re.search(r"Changed What .{0,9}added: does", page)
    assert re.search(r"Removed .{0,3}removed: Keep your voice calm\.", page)
