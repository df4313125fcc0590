"""The page of a case covers the words, and once uncovered says why each was raised."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.risk.assessment import NO_RISK, Signal, Turn
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import Staff
from staff.cases.case import CaseEvent
from staff.cases.cases import Cases
from staff.cases.tables import cases as cases_table
from storage.vault import Vault, key_ring, new_key
from tests.records import (
    CHILDLINE,
    GIFTS,
    MASH,
    NOON,
    SECRECY,
    WORDS,
    Callbacks,
    Clock,
    EscalationLog,
    assessment,
    escalation,
)
from tests.unit.staff.console.conftest import Browser
from web.http import App

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


def plain(page: str) -> str:
    """Return a page without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


async def test_the_words_are_covered_until_they_are_asked_for(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(escalation(turns_before=(Turn("user", "the turn before"),)))

    page = (await browser.get("/escalations/c1")).text

    for words in ("tell ur mum", "the turn before", "You did the right thing."):
        assert words not in page
    assert "Show the words" in page
    assert "A young person, about themselves" in plain(page)


async def test_what_the_person_said_in_passing_is_the_first_line_while_the_words_are_covered(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(escalation(facts=("pictures", "no_longer_a_fact")))
    later = NOON + timedelta(minutes=1)
    facts = ("pictures", "other_is_stranger_online", "wants_nobody_told")
    log.record(escalation("m2", text="dont tell", raised_at=later, age=13, facts=facts))

    page = (await browser.get("/escalations/c1")).text

    line = "Age 13 · Someone met online · Pictures or videos · Wants nobody told"
    assert f'<div class="facts">\n<p><strong>{line}</strong></p>' in page
    assert WORDS not in page
    assert "no_longer_a_fact" not in page


async def test_where_nothing_was_said_in_passing_there_is_no_line(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(escalation())

    page = (await browser.get("/escalations/c1")).text

    assert '<div class="facts">\n<p><strong>' not in page


async def test_what_a_fact_means_is_escaped(app: App, browser: Browser, log: EscalationLog) -> None:
    means = {"weapon": "A <b>weapon</b>"}
    app.ctx.services = replace(app.ctx.services, facts=means)
    log.record(escalation(facts=("weapon",)))

    page = (await browser.get("/escalations/c1")).text

    assert "A &lt;b&gt;weapon&lt;/b&gt;" in page
    assert means["weapon"] not in page


async def test_uncovering_is_noted_and_lasts_for_the_session(
    browser: Browser, log: EscalationLog, cases: Cases, ann: Staff, clock: Clock
) -> None:
    log.record(escalation())

    response = await browser.send("/escalations/c1/reveal", {})

    assert response.headers["location"] == "/escalations/c1#opening"
    assert "dont tell ur mum" in (await browser.get("/escalations/c1")).text
    events = [(link.event.who, link.event.what) for link in cases.whole("c1").history]
    assert (ann.id, CaseEvent.REVEALED.value) in events
    await browser.send("/sign-out", {})
    clock.move(minutes=1)
    await browser.sign_in()
    assert "dont tell ur mum" not in (await browser.get("/escalations/c1")).text


async def test_what_one_uncovers_stays_covered_for_a_colleague(
    browser: Browser, log: EscalationLog, bob: Staff
) -> None:
    log.record(escalation())
    await browser.uncover()
    await browser.send("/sign-out", {})

    await browser.sign_in("bob")

    assert "dont tell ur mum" not in (await browser.get("/escalations/c1")).text


async def test_after_many_cases_a_break_is_suggested(browser: Browser, log: EscalationLog) -> None:
    for number in range(10):
        log.record(escalation(f"m{number}", conversation_id=f"c{number}"))

    pages = [await browser.uncover(f"c{number}") for number in range(10)]

    assert "take a few minutes" not in pages[8]
    assert "You have read 10 cases today" in pages[9]


async def test_marks_the_words_that_fired(browser: Browser, log: EscalationLog) -> None:
    log.record(escalation())

    page = await browser.uncover()

    assert set(re.findall(r"<mark[^>]*>([^<]*)</mark>", page)) == {"dont tell ur mum"}
    assert "he said <mark" in page


async def test_the_conversation_is_one_chronology(
    browser: Browser, log: EscalationLog, clock: Clock
) -> None:
    log.record(escalation(turns_before=(Turn("user", "hiya"), Turn("assistant", "Hello."))))
    later = {"raised_at": NOON.replace(minute=5), "turns_before": (Turn("user", "hiya"),)}
    log.record(escalation("m2", text="thx", assessment=NO_RISK, shown=("Any time.",), **later))
    worse = assessment(Severity.IMMEDIATE, replace(GIFTS, severity=Severity.IMMEDIATE))
    latest = {"raised_at": NOON.replace(minute=9), "assessment": worse}
    log.record(escalation("m3", text="hes here", shown=("Call 999.",), **latest))

    page = plain(await browser.uncover())

    opening, whole = page.split("The whole conversation")
    assert "hes here" in opening
    assert "Call 999." in opening
    order = ["hiya", "Hello.", WORDS[:7], "You did the right thing.", "thx", "Any time.",
             "hes here", "Call 999."]  # fmt: skip
    places = [whole.index(words) for words in order]
    assert places == sorted(places)
    assert whole.count("hiya") == 1


async def test_the_contacts_shown_stand_with_each_hand_off(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(escalation(contacts=(CHILDLINE, MASH)))
    later = {"raised_at": NOON.replace(minute=5), "turns_before": ()}
    log.record(escalation("m2", text="again", contacts=(), **later))
    log.record(escalation("m3", text="thx", assessment=NO_RISK, contacts=(), **later))

    covered = plain((await browser.get("/escalations/c1")).text)
    page = plain(await browser.uncover())

    _, whole = page.split("The whole conversation")
    line = (
        "Contacts shown: Childline (open then), "
        "Wiltshire MASH (closed then: “Closed now. Opens Monday 9am”)"
    )
    assert line in whole
    assert "Childline: “Open day and night, every day.” childline" in whole
    assert whole.count("Contacts shown: none") == 1
    assert "Contacts shown" not in covered


async def test_an_old_record_says_that_contacts_were_not_recorded(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(escalation())

    page = plain(await browser.uncover())

    assert "Contacts shown: not recorded" in page


async def test_what_lantern_said_is_folded(browser: Browser, log: EscalationLog) -> None:
    log.record(escalation())

    page = await browser.uncover()

    for text in ("Hello.", "You did the right thing."):
        before = page[: page.index(text)]
        assert before.rindex("<details") > before.rfind("</details>")
        assert " open>" not in before[before.rindex("<details") :]


async def test_says_in_plain_words_why_it_was_raised(browser: Browser, log: EscalationLog) -> None:
    model = replace(MODEL, start=3, end=7)
    log.record(escalation(assessment=assessment(Severity.URGENT, SECRECY, model)))

    page = plain(await browser.uncover())

    assert "A reviewed phrase: “dont tell ur mum” grooming-dont-tell , version v1" in page
    assert "Reads like sentences that were labelled urgent, grooming. Fairly sure, 93%." in page
    assert "The words that weighed most: “ said ”" in page
    assert "classifier , version w7" in page
    assert page.count("A signal is a reason to look, not proof.") == 1


async def test_our_own_examples_are_not_taken_for_the_persons_words(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(escalation(assessment=assessment(Severity.URGENT, MODEL)))

    page = plain(await browser.uncover())

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

    page = plain(await browser.uncover())

    assert (
        "A sign in the pasted chat: asking for secrecy, on line 2: him: keep our secret x" in page
    )


async def test_what_a_child_writes_is_never_markup(
    browser: Browser, log: EscalationLog, engine: Engine
) -> None:
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
    Callbacks(engine).leave("c1", evil, evil)

    covered = (await browser.get("/escalations/c1")).text
    page = await browser.uncover()

    for each in (covered, page):
        assert "<script>alert" not in each
        assert "{{ 7*7 }}" in page


async def test_half_an_emoji_is_shown_as_a_question_mark(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(
        escalation(text="sad \ud83d", shown=("\ud83d",), turns_before=(Turn("user", "\ud83d"),))
    )

    assert "sad ?" in await browser.uncover()


async def test_the_title_and_address_hold_no_words(
    browser: Browser, log: EscalationLog, cases: Cases
) -> None:
    log.record(escalation())

    page = await browser.uncover()

    title = re.search(r"<title>(.*)</title>", page)
    assert title
    assert title[1] == f"{cases.find('c1').reference}, concern – Lantern console"


async def test_every_look_is_noted_a_mistaken_form_too(
    browser: Browser, log: EscalationLog, cases: Cases, ann: Staff
) -> None:
    log.record(escalation())

    await browser.get("/escalations/c1")
    await browser.send("/escalations/c1/note", {"note": " "})

    looks = [link.event.who for link in cases.whole("c1").history if link.event.what == "viewed"]
    assert looks == [ann.id, ann.id]


async def test_a_wish_to_be_reached_is_shown_with_the_words_only(
    browser: Browser, log: EscalationLog, engine: Engine
) -> None:
    log.record(escalation())
    Callbacks(engine).leave("c1", "Kit", "text me after school")

    assert "Kit" not in (await browser.get("/escalations/c1")).text
    page = plain(await browser.uncover())

    assert "They would like somebody to reach them Kit text me after school" in page


@pytest.mark.parametrize("message_id", ["a:b", "a/b", "a b?c#d", "é", "100%"])
async def test_the_id_of_any_message_leads_to_its_case(
    browser: Browser, log: EscalationLog, message_id: str
) -> None:
    log.record(escalation(message_id, conversation_id=f"talk {message_id}"))
    found = re.search(r'href="(/escalations/[^"?]+)"', (await browser.get("/escalations")).text)
    assert found
    quoted = found[1].replace("talk%20", "")

    assert (await browser.get(quoted)).headers["location"] == found[1]
    assert (await browser.get(found[1])).status_code == 200


@pytest.mark.parametrize("path", ["/escalations/none", "/escalations/../secrets", "/nowhere"])
async def test_an_unknown_address_is_not_found(browser: Browser, path: str) -> None:
    assert (await browser.get(path)).status_code == 404


async def test_no_line_of_the_logs_quotes_anyone(
    browser: Browser, log: EscalationLog, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    log.record(escalation())

    await browser.uncover()
    await browser.send("/escalations/c1/note", {"note": "Called 101."})

    for words in ("dont tell", "Called 101.", "Grooming"):
        assert words not in caplog.text


async def test_a_record_under_a_lost_key_says_what_to_do(browser: Browser, engine: Engine) -> None:
    EscalationLog(engine, Vault(key_ring(f"lost:{new_key()}"))).record(escalation())

    response = await browser.get("/escalations/c1")

    assert response.status_code == 500
    assert "This record cannot be opened" in response.text
    assert "Grooming" in (await browser.get("/escalations")).text


@pytest.mark.parametrize("column", ["severity", "assessed_severity", "staff_severity"])
async def test_a_severity_changed_in_the_database_is_pointed_out(
    browser: Browser, log: EscalationLog, engine: Engine, column: str
) -> None:
    log.record(escalation(assessment=assessment(Severity.URGENT)))
    before = (await browser.get("/escalations/c1")).text
    lowered = {column: int(Severity.CONCERN)} | (
        {"severity": int(Severity.CONCERN)} if column == "staff_severity" else {}
    )
    with engine.begin() as connection:
        connection.execute(sa.update(cases_table).values(**lowered))

    after = (await browser.get("/escalations/c1")).text

    assert "was not set by Lantern or by staff" not in before
    assert "was not set by Lantern or by staff" in after
