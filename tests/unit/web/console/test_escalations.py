"""The page of one escalation, and recording what was done."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine

from safeguarding.escalations.escalation import Outcome, Status, What
from safeguarding.escalations.log import EscalationLog
from safeguarding.escalations.vault import Vault, key_ring, new_key
from safeguarding.risk.assessment import Signal, Turn
from safeguarding.staff.accounts import Staff
from safeguarding.taxonomy import Severity
from tests.records import GIFTS, NOON, SECRECY, WORDS, Clock, assessment, escalation
from tests.unit.web.console.conftest import Browser
from web.console.escalations import OutcomeForm
from web.console.pages import LONGEST_NOTE

MODEL = Signal(
    source="classifier",
    kind="model",
    version="w7",
    category="grooming",
    severity=Severity.URGENT,
    start=0,
    end=0,
    weight=0.934,
    like=("One of ours.", "Another of ours."),
)
FORM = {"outcome": "referred_police", "note": "Called 101.", "severity": "agree"}


def plain(page: str) -> str:
    """What a person reads: the page without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


async def test_marks_the_words_that_fired(browser: Browser, log: EscalationLog) -> None:
    log.record(escalation())

    page = (await browser.get("/escalations/m1")).text

    assert re.findall(r"<mark[^>]*>([^<]*)</mark>", page) == ["dont tell ur mum"]
    assert "he said <mark" in page


async def test_shows_the_conversation_around_it(browser: Browser, log: EscalationLog) -> None:
    log.record(escalation(turns_before=(Turn("user", "first"), Turn("assistant", "second"))))

    page = plain((await browser.get("/escalations/m1")).text)

    order = ["first", "second", "dont tell ur mum", "You did the right thing."]
    places = [page.index(words) for words in order]
    assert places == sorted(places)


async def test_says_in_plain_words_why_it_was_raised(browser: Browser, log: EscalationLog) -> None:
    model = replace(MODEL, start=3, end=7)
    log.record(escalation(assessment=assessment(Severity.URGENT, SECRECY, model)))

    page = plain((await browser.get("/escalations/m1")).text)

    assert "A reviewed phrase: “dont tell ur mum” grooming-dont-tell , version v1" in page
    assert "Reads like sentences that were labelled urgent, grooming. Fairly sure, 93%." in page
    assert "The words that weighed most: “ said ”" in page
    assert "classifier , version w7" in page
    assert page.count("A signal is a reason to look, not proof.") == 1


async def test_our_own_examples_are_not_taken_for_the_persons_words(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(escalation(assessment=assessment(Severity.URGENT, MODEL)))

    page = plain((await browser.get("/escalations/m1")).text)

    assert (
        "Nearest examples we wrote (invented to teach Lantern; they are not this person’s words): "
        "One of ours. Another of ours."
    ) in page


async def test_a_sign_in_a_pasted_chat_is_shown_on_its_line(
    browser: Browser, log: EscalationLog
) -> None:
    sign = Signal("chat-secrecy", "chat", "v1", "grooming", Severity.CONCERN, 17, 27)
    text = "me: ok\nhim: keep our secret x"
    log.record(escalation(text=text, assessment=assessment(Severity.CONCERN, sign)))

    page = plain((await browser.get("/escalations/m1")).text)

    assert (
        "A sign in the pasted chat: asking for secrecy, on line 2: him: keep our secret x" in page
    )


async def test_what_a_child_writes_is_never_markup(browser: Browser, log: EscalationLog) -> None:
    evil = "<script>alert(1)</script>{{ 7*7 }}"
    told = escalation(
        text=evil,
        turns_before=(Turn("user", evil),),
        shown=(evil,),
        extra={evil: evil},
        assessment=assessment(
            Severity.URGENT,
            Signal(evil, evil, evil, evil, Severity.URGENT, 0, 8, 0.5, (evil,)),
            Signal(evil, "chat", evil, evil, Severity.URGENT, 0, 9, 0.5, (evil,)),
        ),
        area=evil,
    )
    log.record(told)

    page = (await browser.get("/escalations/m1")).text

    assert "<script>alert" not in page
    assert "{{ 7*7 }}" in page


async def test_half_an_emoji_is_shown_as_a_question_mark(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(
        escalation(text="sad \ud83d", shown=("\ud83d",), turns_before=(Turn("user", "\ud83d"),))
    )

    response = await browser.get("/escalations/m1")

    assert response.status_code == 200
    assert "sad ?" in response.text


async def test_the_title_and_address_hold_nobodys_words(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(escalation())

    page = (await browser.get("/escalations/m1")).text

    title = re.search(r"<title>(.*)</title>", page)
    assert title
    assert title[1] == "Concern escalation, 25 November 2026 at 12pm – Lantern console"


async def test_reading_it_is_noted(browser: Browser, log: EscalationLog, ann: Staff) -> None:
    log.record(escalation())

    page = plain((await browser.get("/escalations/m1")).text)

    last = log.get("m1").history[-1]
    assert (last.who, last.what) == (ann.id, What.VIEWED)
    assert "Ann Smith : Read it" in page


async def test_recording_an_outcome_closes_it(
    browser: Browser, log: EscalationLog, ann: Staff
) -> None:
    log.record(escalation())

    response = await browser.send("/escalations/m1/outcome", FORM | {"note": "One.\r\nTwo."})

    assert response.headers["location"] == "/escalations?saved=outcome"
    assert "The outcome is recorded" in (await browser.get("/escalations?saved=outcome")).text
    (review,) = log.get("m1").reviews
    assert (review.by, review.outcome) == (ann.id, Outcome.REFERRED_POLICE)
    assert (review.note, review.severity) == ("One.\nTwo.", None)


async def test_staff_may_lower_the_severity(browser: Browser, log: EscalationLog) -> None:
    log.record(escalation(assessment=assessment(Severity.IMMEDIATE)))

    await browser.send("/escalations/m1/outcome", FORM | {"severity": "none"})

    page = plain((await browser.get("/escalations/m1")).text)
    assert log.get("m1").entry.severity is Severity.NONE
    assert "judged by staff; assessed as immediate" in page


async def test_staff_may_say_that_something_was_missed(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(escalation())

    await browser.send("/escalations/m1/outcome", FORM | {"missed": "yes"})

    page = plain((await browser.get("/escalations/m1")).text)
    assert log.get("m1").reviews[0].missed is True
    assert "Referred to the police ; something was missed" in page
    assert "Recorded the outcome: Referred to the police; something was missed" in page


async def test_the_second_of_two_mistakes_keeps_that_something_was_missed(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(escalation())

    sent = FORM | {"note": "", "missed": "yes"}
    page = (await browser.send("/escalations/m1/outcome", sent)).text

    assert re.search(r'name="missed"[^>]*value="yes"[^>]* checked', page)


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
    browser: Browser, log: EscalationLog, change: dict[str, str], error: str
) -> None:
    log.record(escalation())
    kept = {"outcome": "other", "note": "Kept words.", "severity": "urgent"}

    response = await browser.send("/escalations/m1/outcome", kept | change)

    assert response.status_code == 400
    assert "There is a problem" in response.text
    assert response.text.count(error) == 2
    assert "<title>Error: " in response.text
    assert ("Kept words." in response.text) == ("note" not in change)
    assert log.get("m1").entry.status is Status.OPEN


async def test_the_second_of_two_colleagues_learns_who_was_first(
    browser: Browser, log: EscalationLog, bob: Staff
) -> None:
    log.record(escalation())
    log.review("m1", by=bob.id, outcome=Outcome.ADVICE_GIVEN, note="First.")

    response = await browser.send("/escalations/m1/outcome", FORM | {"note": "My own words."})

    assert response.status_code == 409
    page = plain(response.text)
    assert "Bob Jones closed this escalation" in page
    assert "Advice given" in page
    assert "My own words." in page
    assert len(log.get("m1").reviews) == 1


async def test_a_closed_one_can_be_opened_again(
    browser: Browser, log: EscalationLog, clock: Clock, ann: Staff
) -> None:
    log.record(escalation())
    log.review("m1", by=ann.id, outcome=Outcome.OTHER, note="Earlier note.")
    page = (await browser.get("/escalations/m1")).text
    assert "Earlier note." in page
    assert 'action="/escalations/m1/outcome"' not in page
    clock.move(minutes=1)

    response = await browser.send("/escalations/m1/reopen", {})

    assert response.headers["location"] == "/escalations/m1"
    assert log.get("m1").entry.status is Status.OPEN
    assert 'action="/escalations/m1/outcome"' in (await browser.get("/escalations/m1")).text


async def test_points_to_other_escalations_of_the_conversation(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(escalation("m1"))
    log.record(escalation("m2", assessment=assessment(Severity.URGENT, GIFTS)))
    log.record(escalation("m3", conversation_id="other"))

    page = (await browser.get("/escalations/m1")).text

    assert 'href="/escalations/m2"' in page
    assert 'href="/escalations/m3"' not in page


@pytest.mark.parametrize("message_id", ["a:b", "a/b", "a b?c#d", "é", "100%"])
async def test_any_message_id_has_a_page(
    browser: Browser, log: EscalationLog, message_id: str
) -> None:
    log.record(escalation(message_id, raised_at=NOON))
    found = re.search(r'href="(/escalations/[^"]+)"', (await browser.get("/escalations")).text)
    assert found

    assert (await browser.get(found[1])).status_code == 200
    assert (await browser.send(f"{found[1]}/outcome", FORM)).status_code == 303
    assert len(log.get(message_id).reviews) == 1


@pytest.mark.parametrize("path", ["/escalations/none", "/escalations/../secrets", "/nowhere"])
async def test_an_unknown_address_is_not_found(browser: Browser, path: str) -> None:
    assert (await browser.get(path)).status_code == 404


@pytest.mark.parametrize("verb", ["outcome", "reopen"])
async def test_nothing_is_done_to_an_unknown_escalation(browser: Browser, verb: str) -> None:
    assert (await browser.send(f"/escalations/none/{verb}", FORM)).status_code == 404


async def test_no_line_of_the_logs_quotes_anyone(
    browser: Browser, log: EscalationLog, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    log.record(escalation())

    await browser.get("/escalations/m1")
    await browser.send("/escalations/m1/outcome", FORM)

    for words in ("dont tell", FORM["note"], "Grooming"):
        assert words not in caplog.text


async def test_a_record_under_a_lost_key_says_what_to_do(
    browser: Browser, log: EscalationLog, engine: Engine
) -> None:
    EscalationLog(engine, Vault(key_ring(f"lost:{new_key()}"))).record(escalation())

    response = await browser.get("/escalations/m1")

    assert response.status_code == 500
    assert "This record cannot be opened" in response.text
    assert "Grooming" in (await browser.get("/escalations")).text


def links(page: str) -> list[str]:
    return re.findall(r'href="/escalations/([^"]+)"', page)


async def test_an_empty_list_says_so(browser: Browser) -> None:
    assert "Nothing is waiting" in (await browser.get("/escalations")).text
    closed = await browser.get("/escalations?status=closed")
    assert "Nothing has been closed yet" in closed.text


async def test_the_most_severe_comes_first_then_the_oldest(
    browser: Browser, log: EscalationLog
) -> None:
    for message_id, severity, age in (
        ("new", Severity.CONCERN, 1),
        ("old", Severity.CONCERN, 9),
        ("worst", Severity.IMMEDIATE, 0),
    ):
        raised_at = NOON - timedelta(hours=age)
        told = escalation(message_id, assessment=assessment(severity), raised_at=raised_at)
        log.record(told)

    assert links((await browser.get("/escalations")).text) == ["worst", "old", "new"]


async def test_the_list_holds_nobodys_words(browser: Browser, log: EscalationLog) -> None:
    log.record(escalation())

    page = (await browser.get("/escalations")).text

    assert WORDS not in page
    assert "Grooming" in page
    assert "Young person writing about themselves, Wiltshire" in re.sub(r"\s+", " ", page)


async def test_says_how_long_and_by_when(browser: Browser, log: EscalationLog) -> None:
    raised_at = NOON - timedelta(hours=3)
    log.record(escalation("late", assessment=assessment(Severity.URGENT), raised_at=raised_at))
    log.record(escalation("time"))

    page = (await browser.get("/escalations")).text

    assert "Waiting 3 hours" in page
    assert "Should have been looked at by 10am today" in page
    assert page.count("Overdue") == 1
    assert "Look by 26 November 2026 at 5pm" in page


async def test_closed_ones_are_on_a_list_of_their_own(
    browser: Browser, log: EscalationLog, ann: Staff
) -> None:
    log.record(escalation("open"))
    log.record(escalation("closed"))
    log.review("closed", by=ann.id, outcome=Outcome.OTHER, note="x")

    assert links((await browser.get("/escalations")).text) == ["open"]
    assert links((await browser.get("/escalations?status=closed")).text) == ["closed"]


async def test_a_long_list_comes_in_pages(browser: Browser, log: EscalationLog) -> None:
    for number in range(60):
        raised_at = NOON - timedelta(minutes=100 - number)
        log.record(escalation(f"m{number}", raised_at=raised_at))

    pages = [(await browser.get(f"/escalations?page={page}")).text for page in (1, 2, 3, 9)]

    assert [len(links(page)) for page in pages] == [25, 25, 10, 10]
    assert links(pages[1])[0] == "m25"
    assert "/escalations?status=open&amp;page=2" in pages[0]


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "²", "9" * 40])
async def test_a_page_number_that_makes_no_sense_shows_a_page(browser: Browser, page: str) -> None:
    assert (await browser.get(f"/escalations?page={page}")).status_code == 200


async def test_the_front_page_leads_to_the_list(browser: Browser) -> None:
    assert (await browser.get("/")).headers["location"] == "/escalations"


@pytest.mark.parametrize("outcome", [outcome.value for outcome in Outcome])
def test_takes_every_outcome_with_a_note(outcome: str) -> None:
    assert OutcomeForm(outcome, "x" * LONGEST_NOTE).errors() == {}


def test_a_fresh_form_lacks_what_was_done_and_why() -> None:
    assert set(OutcomeForm().errors()) == {"outcome", "note"}


def test_nothing_was_missed_unless_staff_say_so() -> None:
    assert OutcomeForm().missed is False


def test_agreeing_leaves_the_assessment_as_it_is() -> None:
    assert OutcomeForm().judged() is None


@pytest.mark.parametrize("severity", Severity)
def test_any_severity_may_be_chosen(severity: Severity) -> None:
    form = OutcomeForm("other", "x", severity.label)

    assert form.errors() == {}
    assert form.judged() is severity
