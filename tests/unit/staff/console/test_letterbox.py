"""The letterbox on the page of its case, and its forms."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine

from safeguarding.escalation import LETTERBOX_LASTS
from staff.accounts.accounts import Staff
from staff.cases.cases import Cases
from staff.letterbox.desk import LONGEST_LETTER
from tests.content import real_content
from tests.letterbox_on import open_letterbox
from tests.records import NOON, Clock, EscalationLog, escalation
from tests.unit.staff.console.conftest import Browser
from tests.unit.staff.console.test_case_page import plain
from tests.unit.staff.letterbox.test_recording import letter

PHRASES = real_content().phrases.group("letters")
OPENINGS = real_content().phrases.group("letter_openings")
CASE = "/escalations/c1"


@pytest.fixture
def box(engine: Engine, log: EscalationLog) -> None:
    """Open the letterbox of a case."""
    log.record(escalation())
    open_letterbox(engine, NOON)


async def test_a_case_without_one_says_nothing_of_it(browser: Browser, log: EscalationLog) -> None:
    log.record(escalation())

    assert PHRASES["write"] not in plain((await browser.get(CASE)).text)


@pytest.mark.usefixtures("box")
async def test_a_letter_is_written_with_a_reviewed_opening(
    browser: Browser, cases: Cases, ann: Staff
) -> None:
    form = {"box": "c1", "opening": "glad", "note": "We can meet.\r\nAt school."}
    response = await browser.send(f"{CASE}/letter", form)

    assert response.headers["location"] == f"{CASE}?done=letter"
    (kept,) = cases.whole("c1").letters
    assert kept.text == f"{OPENINGS['glad'].strip()}\n\nWe can meet.\nAt school."
    assert kept.by == ann.id
    assert "We can meet." not in (await browser.get(CASE)).text
    page = plain(await browser.uncover())
    assert "We can meet." in page
    assert PHRASES["unread"] in page


@pytest.mark.usefixtures("box")
@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"note": " "}, PHRASES["enter_letter"]),
        ({"note": "x" * (LONGEST_LETTER + 1)}, PHRASES["letter_too_long"].format(most="2,000")),
        ({"note": "hi", "opening": "made up"}, PHRASES["select_opening"]),
    ],
)
async def test_a_letter_that_cannot_be_sent_is_given_back(
    browser: Browser, cases: Cases, form: dict[str, str], error: str
) -> None:
    response = await browser.send(f"{CASE}/letter", {"box": "c1", **form})

    assert response.status_code == 400
    assert error in plain(response.text)
    assert form["note"].strip() in response.text
    assert cases.whole("c1").letters == ()


@pytest.mark.usefixtures("box")
async def test_a_second_answer_at_once_is_refused_with_its_words(
    browser: Browser, cases: Cases
) -> None:
    version = str(cases.find("c1").version)
    form = {"box": "c1", "note": "first", "version": version}
    await browser.send(f"{CASE}/letter", form)
    response = await browser.send(f"{CASE}/letter", form | {"note": "second"})

    assert response.status_code == 409
    assert "second" in response.text
    assert [each.text for each in cases.whole("c1").letters] == ["first"]


@pytest.mark.usefixtures("box")
async def test_a_letter_after_the_last_day_is_given_back(
    browser: Browser, cases: Cases, clock: Clock
) -> None:
    clock.at += LETTERBOX_LASTS - timedelta(hours=13)
    await browser.sign_in()
    clock.at += timedelta(hours=13, minutes=1)
    await browser.sign_in()
    response = await browser.send(f"{CASE}/letter", {"box": "c1", "note": "too late"})

    assert response.status_code == 409
    assert PHRASES["ended"] in plain(response.text)
    assert cases.whole("c1").letters == ()


@pytest.mark.usefixtures("box")
async def test_a_letter_that_waits_stands_in_the_queue_and_needs_no_answer_when_they_say_so(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(letter())

    assert "Letters that wait for an answer (1)" in plain((await browser.get("/escalations")).text)
    assert PHRASES["waits"] in plain((await browser.get(CASE)).text)
    assert "thanks" in plain(await browser.uncover())
    await browser.send(f"{CASE}/letter-settled", {"box": "c1"})
    assert "Letters that wait" not in plain((await browser.get("/escalations")).text)


@pytest.mark.usefixtures("box")
async def test_it_is_closed_with_a_reason(browser: Browser, cases: Cases) -> None:
    refused = await browser.send(f"{CASE}/letterbox-close", {"box": "c1", "note": " "})
    closed = await browser.send(f"{CASE}/letterbox-close", {"box": "c1", "note": "She asked."})

    assert refused.status_code == 400
    assert closed.headers["location"] == f"{CASE}?done=letterbox-close"
    assert cases.whole("c1").letterboxes[0].closed_by == "staff"
    assert PHRASES["closed_by_staff"] in plain((await browser.get(CASE)).text)


@pytest.mark.usefixtures("box")
async def test_the_letterbox_of_another_case_cannot_be_written_to(
    browser: Browser, log: EscalationLog, cases: Cases
) -> None:
    log.record(escalation("m2", conversation_id="c2"))
    response = await browser.send("/escalations/c2/letter", {"box": "c1", "note": "hi"})

    assert response.status_code == 404
    assert cases.whole("c1").letters == ()
