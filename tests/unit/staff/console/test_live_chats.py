"""Live chats in the console: the list of cases, the page of a case, the page of a chat."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from sanic import Sanic
from sanic_testing.testing import SanicASGITestClient
from sqlalchemy.engine import Engine

from safeguarding.escalation import Outcome
from safeguarding.live_chat import LONGEST_WORDS, LiveChatEnd, LiveChatStep
from safeguarding.settings import Settings
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import StaffAccounts
from staff.accounts.permissions import Role
from staff.accounts.sessions import IDLE
from staff.alerts.plan import Plan, advance
from staff.cases.cases import Cases
from staff.cases.casework import Casework, ClosingDecision
from staff.console.app import compose, create_app
from staff.live import stream_page
from tests.content import real_content
from tests.live_on import LiveOffice
from tests.records import GIFTS, WORDS, Clock, assessment, vault
from tests.unit.staff.console.conftest import Browser
from tests.unit.staff.console.test_case_page import plain
from web.http import App

SAY = real_content().phrases.group("staff_chats")
CASE, CHATS = "/escalations/c1", "/live-chats"
JSON = {"accept": "application/json"}


@pytest.fixture
def office(engine: Engine, clock: Clock) -> LiveOffice:
    return LiveOffice(engine, clock)


@pytest.fixture
async def ann(visitor: Browser, office: LiveOffice) -> Browser:
    """Ann, who is on duty, signed in."""
    await visitor.sign_in("ann")
    return visitor


async def _signed_in(app: App, name: str) -> AsyncIterator[Browser]:
    async with SanicASGITestClient(app) as client:
        browser = Browser(client)
        await browser.sign_in(name)
        yield browser


@pytest.fixture
async def bob(app: App, office: LiveOffice) -> AsyncIterator[Browser]:
    """Bob, who is on duty too, in a browser of his own."""
    async for each in _signed_in(app, "bob"):
        yield each


@pytest.fixture
async def lee(app: App, office: LiveOffice) -> AsyncIterator[Browser]:
    """Lee, a lead who is not on duty, in a browser of their own."""
    async for each in _signed_in(app, "lee"):
        yield each


async def page_of(browser: Browser, chat_id: str) -> str:
    """Return the words of the page of a chat, after its words are uncovered."""
    await browser.send(f"{CHATS}/{chat_id}/reveal", {})
    return plain((await browser.get(f"{CHATS}/{chat_id}")).text)


async def send(browser: Browser, path: str, **form: str) -> httpx.Response:
    """Send a form as the script of the page does."""
    form["form_token"] = await browser.form_token()
    return await browser.post(path, form, **JSON)


# ---- the list of cases and the page of a case ---------------------------------------------------
async def test_a_colleague_on_duty_joins_from_the_list_of_cases(
    ann: Browser, office: LiveOffice, cases: Cases
) -> None:
    listed = plain((await ann.get("/escalations")).text)
    assert "Writing now" in listed
    assert SAY["join"] in listed

    response = await ann.send(f"{CASE}/live-offer", {})

    chat = office.room.of_case("c1")
    assert chat is not None
    assert response.headers["location"] == f"{CHATS}/{chat.id}"
    page = plain((await ann.get(f"{CHATS}/{chat.id}")).text)
    assert SAY["state_offered_mine"] in page
    # Who joins has read what was said, and the trail says so.
    assert WORDS in page
    assert office.events()[-2:] == ["live chat offered", "revealed"]
    assert SAY["offered"].format(name="Ann Archer") in plain((await ann.get("/escalations")).text)


async def test_who_is_not_on_duty_is_told_so_once_and_gets_no_button(lee: Browser) -> None:
    listed = plain((await lee.get("/escalations")).text)

    assert listed.count(SAY["not_on_duty"]) == 1
    assert SAY["join"] not in listed
    case = plain((await lee.get(CASE)).text)
    assert SAY["not_on_duty"] in case
    assert SAY["join"] not in case
    response = await lee.send(f"{CASE}/live-offer", {})
    assert response.status_code == 409
    assert SAY["not_on_duty"] in plain(response.text)


async def test_a_young_person_who_has_left_cannot_be_joined(ann: Browser, clock: Clock) -> None:
    clock.move(minutes=4)

    assert SAY["has_left"] in plain((await ann.get(CASE)).text)
    assert SAY["join"] not in plain((await ann.get("/escalations")).text)


async def test_a_request_stands_on_top_with_how_long_and_is_answered(
    ann: Browser, office: LiveOffice, clock: Clock
) -> None:
    office.ask("asked")
    clock.move(seconds=20)
    listed = plain((await ann.get("/escalations")).text)

    assert f"{SAY['asking']} (1)" in listed
    assert SAY["asks"].format(age="20 seconds") in listed
    response = await ann.send(f"{CHATS}/asked/join", {})

    assert response.headers["location"] == f"{CHATS}/asked#end"
    assert office.chat("asked").owner == office.ann
    assert SAY["with_you"] in plain((await ann.get("/escalations")).text)
    assert SAY["with_you"] in plain((await ann.get(CASE)).text)


async def test_of_two_who_answer_one_has_it_and_the_other_reads_who(
    ann: Browser, bob: Browser, office: LiveOffice
) -> None:
    office.ask("asked")
    await bob.send(f"{CHATS}/asked/join", {})

    response = await ann.send(f"{CHATS}/asked/join", {})

    assert response.status_code == 409
    assert SAY["stale_other"].format(name="Bob Bell") in plain(response.text)
    listed = plain((await ann.get("/escalations")).text)
    assert SAY["with_other"].format(name="Bob Bell") in listed
    assert f"{CHATS}/asked" not in listed


async def test_a_closed_case_says_nothing_of_live_chats(
    lee: Browser, office: LiveOffice, clock: Clock
) -> None:
    work = Casework(office.engine, vault(), clock)
    work.close("c1", ClosingDecision(Outcome.ADVICE_GIVEN, "done"), by=office.lee)

    page = plain((await lee.get(CASE)).text)

    assert SAY["has_left"] not in page
    assert SAY["join"] not in page


# ---- saying something ---------------------------------------------------------------------------
async def test_words_reach_the_young_person_once_however_often_they_are_sent(
    ann: Browser, office: LiveOffice
) -> None:
    chat_id = office.open()
    form = {"text": "hello\r\nyou", "nonce": "n1", "term": "1"}

    first = await ann.send(f"{CHATS}/{chat_id}/say", form)
    await ann.send(f"{CHATS}/{chat_id}/say", form)
    # Gone back in the browser, and the words changed: that is another message.
    await ann.send(f"{CHATS}/{chat_id}/say", form | {"text": "hello again"})

    assert first.headers["location"] == f"{CHATS}/{chat_id}#end"
    assert [each.text for each in office.shown()] == ["hello\nyou", "hello again"]
    page = await page_of(ann, chat_id)
    assert SAY["unseen"] in page


async def test_a_script_gets_no_page(ann: Browser, office: LiveOffice) -> None:
    chat_id = office.open()

    response = await send(ann, f"{CHATS}/{chat_id}/say", text="hello", nonce="n", term="1")

    assert (response.status_code, response.text) == (204, "")
    assert [each.text for each in office.shown()] == ["hello"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (" \n ", SAY["enter_words"]),
        ("x" * (LONGEST_WORDS + 1), SAY["too_long"].format(most="2,000")),
    ],
)
async def test_words_that_cannot_be_sent_are_given_back(
    ann: Browser, office: LiveOffice, text: str, error: str
) -> None:
    chat_id = office.open()
    form = {"text": text, "nonce": "n", "term": "1"}

    response = await ann.send(f"{CHATS}/{chat_id}/say", form)
    by_itself = await send(ann, f"{CHATS}/{chat_id}/say", **form)

    assert response.status_code == by_itself.status_code == 400
    assert error in plain(response.text)
    assert text.strip() in response.text
    assert json.loads(by_itself.text) == {"kind": "invalid", "said": error}
    assert office.shown() == []


async def test_whose_term_is_over_cannot_write_and_keeps_the_words(
    ann: Browser, lee: Browser, office: LiveOffice
) -> None:
    chat_id = office.open()
    await lee.send(f"{CHATS}/{chat_id}/take-over", {})
    form = {"text": "are you there", "nonce": "n", "term": "1"}

    response = await ann.send(f"{CHATS}/{chat_id}/say", form)
    by_itself = await send(ann, f"{CHATS}/{chat_id}/say", **form)

    said = SAY["stale_other"].format(name="Lee Lamb")
    assert response.status_code == 409
    assert said in plain(response.text)
    assert "are you there" in response.text
    assert json.loads(by_itself.text) == {"kind": "stale", "said": said}
    assert office.shown() == []


async def test_after_the_young_person_stopped_the_page_says_so(
    ann: Browser, office: LiveOffice
) -> None:
    chat_id = office.open()
    office.end(chat_id, LiveChatEnd.STOPPED)

    response = await send(ann, f"{CHATS}/{chat_id}/say", text="wait", nonce="n", term="1")

    assert json.loads(response.text)["said"] == SAY["stale_ended"]
    assert SAY["end_stopped"] in await page_of(ann, chat_id)
    for path in (f"/live/chats/{chat_id}/beat", f"{CHATS}/{chat_id}/typing"):
        assert (await send(ann, path, term="1")).status_code == 409


async def test_the_open_page_tells_that_its_owner_is_there_and_types(
    ann: Browser, office: LiveOffice, clock: Clock
) -> None:
    chat_id = office.open()
    clock.move(seconds=30)

    assert (await send(ann, f"/live/chats/{chat_id}/beat", term="1")).status_code == 204
    clock.move(seconds=30)
    assert office.chat(chat_id).is_present(clock())
    assert not office.chat(chat_id).is_typing(clock())
    assert (await send(ann, f"{CHATS}/{chat_id}/typing", term="1")).status_code == 204
    assert office.chat(chat_id).is_typing(clock())
    # Without JavaScript the page tells so when it is loaded.
    clock.move(seconds=40)
    await ann.get(f"{CHATS}/{chat_id}")
    clock.move(seconds=40)
    assert office.chat(chat_id).is_present(clock())


async def test_a_reply_goes_into_the_box_behind_what_was_typed(
    ann: Browser, office: LiveOffice
) -> None:
    chat_id = office.open()
    form = {"text": "Hi.", "canned": "hello", "insert": "yes", "term": "1"}

    response = await ann.send(f"{CHATS}/{chat_id}/draft", form)
    kept = await ann.send(f"{CHATS}/{chat_id}/draft", {"text": "half a sent", "term": "1"})

    hello = real_content().live_replies["hello"].filled("Ann", "safeguarding adviser")
    assert f"Hi.\n\n{hello}" in html.unescape(response.text)
    assert "half a sent" in kept.text
    assert office.shown() == []


async def test_a_note_is_kept_with_the_case_and_never_shown(
    ann: Browser, office: LiveOffice, cases: Cases
) -> None:
    chat_id = office.open()

    await ann.send(f"{CHATS}/{chat_id}/note", {"note": "She sounds calm."})
    empty = await ann.send(f"{CHATS}/{chat_id}/note", {"note": " "})

    assert [each.text for each in cases.whole("c1").notes] == ["She sounds calm."]
    assert empty.status_code == 400
    assert office.shown() == []


# ---- the transcript -----------------------------------------------------------------------------
async def test_the_page_shows_how_each_message_was_assessed_in_words(
    ann: Browser, office: LiveOffice
) -> None:
    chat_id = office.open()
    grave = assessment(Severity.IMMEDIATE, GIFTS)
    office.write("m2", text="hes here now", assessment=grave, shown=("Call 999.",))
    office.log.record(office.harmless("m3", chat_id))

    page = await page_of(ann, chat_id)

    assert re.search(r"hes here now\s+Immediate\s+Grooming", page)
    assert re.search(r"ok thanks\s+No risk found", page)
    assert f"{SAY['lantern']} Call 999." in page


async def test_a_colleague_without_a_part_in_it_reads_no_words_there(
    ann: Browser, bob: Browser, office: LiveOffice
) -> None:
    chat_id = office.open()

    page = await page_of(bob, chat_id)

    assert SAY["not_for_you"] in page
    assert WORDS not in page
    assert (await bob.send(f"{CHATS}/{chat_id}/reveal", {})).status_code == 404
    assert WORDS not in (await bob.get(f"/live/chats/{chat_id}/part")).text


async def test_a_supervisor_uncovers_the_words_and_the_trail_says_so(
    lee: Browser, office: LiveOffice
) -> None:
    chat_id = office.open()
    covered = plain((await lee.get(f"{CHATS}/{chat_id}")).text)
    assert SAY["covered"] in covered
    assert WORDS not in covered

    assert WORDS in await page_of(lee, chat_id)
    assert office.events().count("revealed") == 1


async def test_a_session_that_was_unused_shows_no_words_before_it_is_confirmed(
    ann: Browser, office: LiveOffice, clock: Clock
) -> None:
    chat_id = office.open()
    await page_of(ann, chat_id)
    clock.move(minutes=20)

    part = (await ann.get(f"/live/chats/{chat_id}/part")).text
    page = await ann.get(f"{CHATS}/{chat_id}")

    assert WORDS not in part
    assert SAY["confirm"] in plain(part)
    assert page.headers["location"] == f"/confirm?next=%2Flive-chats%2F{chat_id}"


async def test_a_chat_of_another_area_is_as_unknown_as_none(
    app: App, ann: Browser, office: LiveOffice
) -> None:
    chat_id = office.open()
    app.ctx.services.accounts.set_areas("bob", frozenset({"kent"}))
    async for bob in _signed_in(app, "bob"):
        for path in (f"{CHATS}/{chat_id}", f"/live/chats/{chat_id}/part", f"{CHATS}/none"):
            assert (await bob.get(path)).status_code == 404
        for work in ("say", "join", "transfer-accept", "wrap-up"):
            assert (await bob.send(f"{CHATS}/{chat_id}/{work}", {})).status_code == 404
        assert (await bob.get(f"/live/chats/{chat_id}/events")).status_code == 404
        for each in (chat_id, "none"):
            tells = await bob.send(f"{CHATS}/{each}/typing", {"term": "1"})
            assert tells.status_code == 409


# ---- supervisors, colleagues --------------------------------------------------------------------
async def test_a_supervisor_sees_all_chats_that_run_and_whispers(
    ann: Browser, lee: Browser, office: LiveOffice, clock: Clock
) -> None:
    chat_id = office.open()
    clock.move(seconds=5)
    office.log.record(office.harmless("m2", chat_id))
    clock.move(seconds=40)
    listed = plain((await lee.get(CHATS)).text)
    assert SAY["with_other"].format(name="Ann Archer") in listed
    assert SAY["running_for"].format(age="45 seconds") in listed
    assert SAY["silence"].format(age="40 seconds") in listed
    assert SAY["running_title"] not in plain((await ann.get(CHATS)).text)

    await lee.send(f"{CHATS}/{chat_id}/whisper", {"whisper": "Ask for the address."})

    assert "Ask for the address." in await page_of(ann, chat_id)
    assert office.shown() == []
    for work in ("whisper", "take-over"):
        assert (await ann.send(f"{CHATS}/{chat_id}/{work}", {})).status_code == 403


async def test_a_colleague_sees_an_offer_on_every_page_and_takes_it_or_not(
    ann: Browser, bob: Browser, office: LiveOffice
) -> None:
    chat_id = office.open()
    offer = SAY["offer_to_you"].format(
        name="Ann Archer", reference=office.room.chat(chat_id).reference
    )
    form = {"to": office.bob, "term": "1"}
    await ann.send(f"{CHATS}/{chat_id}/transfer", form)
    assert offer in plain((await send(bob, "/live/chats/bar")).text)

    await bob.send(f"{CHATS}/{chat_id}/transfer-end", {})
    assert offer not in plain((await send(bob, "/live/chats/bar")).text)
    await ann.send(f"{CHATS}/{chat_id}/transfer", form)
    await bob.send(f"{CHATS}/{chat_id}/transfer-accept", {})

    assert office.chat(chat_id).owner == office.bob
    assert WORDS in plain((await bob.get(f"{CHATS}/{chat_id}")).text)
    assert SAY["state_other"].format(name="Bob Bell") in plain(
        (await ann.get(f"{CHATS}/{chat_id}")).text
    )


@pytest.mark.parametrize(("to", "error"), [("", "select_colleague"), ("lee", "colleague_off_duty")])
async def test_a_chat_goes_to_no_one_who_is_not_on_duty(
    ann: Browser, office: LiveOffice, to: str, error: str
) -> None:
    chat_id = office.open()
    chosen = office.lee if to else ""

    response = await ann.send(f"{CHATS}/{chat_id}/transfer", {"to": chosen, "term": "1"})

    assert response.status_code == 400
    assert SAY[error] in plain(response.text)


# ---- the end ------------------------------------------------------------------------------------
async def test_a_goodbye_is_one_of_the_reviewed_and_leads_to_writing_down_what_came_of_it(
    ann: Browser, office: LiveOffice, cases: Cases
) -> None:
    chat_id = office.open()
    closing = real_content().live_replies.closings[0]
    wrong = await ann.send(f"{CHATS}/{chat_id}/finish", {"closing": "made up", "term": "1"})
    assert wrong.status_code == 400
    assert SAY["select_closing"] in plain(wrong.text)

    form = {"closing": closing.id, "term": "1"}
    response = await ann.send(f"{CHATS}/{chat_id}/finish", form)

    assert response.headers["location"] == f"{CHATS}/{chat_id}/wrap-up"
    assert [each.text for each in office.shown()] == [closing.filled("Ann", "safeguarding adviser")]
    office.write("m2")
    assert SAY["not_wrapped_up"] in plain((await ann.get(CASE)).text)
    form = {"outcome": "advice_given", "note": "x"}
    assert (await ann.send(f"{CASE}/outcome", form)).status_code == 400
    refused = await ann.send(f"{CHATS}/{chat_id}/wrap-up", {"agreed": " ", "due_on": "no day"})
    assert refused.status_code == 400
    for name in ("enter_agreed", "enter_next"):
        assert SAY[name] in plain(refused.text)

    kept = {
        "agreed": "They tell a teacher.",
        "next_step": "Ring the school",
        "given_to": office.bob,
    }
    done = await ann.send(f"{CHATS}/{chat_id}/wrap-up", kept | {"due_on": "2026-11-27"})

    assert done.headers["location"] == f"{CASE}?done=wrap-up"
    whole = cases.whole("c1")
    assert [each.text for each in whole.notes] == ["They tell a teacher."]
    assert [(each.what, each.given_to) for each in whole.actions] == [
        ("Ring the school", office.bob)
    ]
    assert SAY["join"] in plain((await ann.get(CASE)).text)
    again = await ann.get(f"{CHATS}/{chat_id}/wrap-up")
    assert again.headers["location"] == f"{CHATS}/{chat_id}"


async def test_the_conversation_goes_back_to_lantern(ann: Browser, office: LiveOffice) -> None:
    chat_id = office.open()

    response = await ann.send(f"{CHATS}/{chat_id}/hand-back", {"term": "1"})

    assert response.headers["location"] == f"{CHATS}/{chat_id}/wrap-up"
    assert office.chat(chat_id).ended_why is LiveChatEnd.HANDED_BACK


async def test_who_was_cut_off_asks_to_come_back_before_writing_down_what_came_of_it(
    ann: Browser, office: LiveOffice
) -> None:
    chat_id = office.open()
    office.end(chat_id, LiveChatEnd.AWAY)
    page = await page_of(ann, chat_id)
    assert SAY["end_away"] in page
    assert SAY["go_on"] in page
    assert SAY["wrap_up_now"] in page

    response = await ann.send(f"{CASE}/live-offer", {})

    again = office.room.of_case("c1")
    assert again is not None
    assert response.headers["location"] == f"{CHATS}/{again.id}"
    office.tell(LiveChatStep.ACCEPTED, again.id)
    office.end(again.id, LiveChatEnd.STOPPED)
    assert SAY["go_on"] not in await page_of(ann, again.id)


async def test_an_offer_is_taken_back(ann: Browser, office: LiveOffice) -> None:
    chat_id = office.desk.offer("c1", by=office.ann)

    await ann.send(f"{CHATS}/{chat_id}/withdraw", {"term": "1"})

    assert SAY["end_withdrawn"] in await page_of(ann, chat_id)


async def test_after_abuse_a_conversation_is_kept_from_chats_until_a_lead_lets_it(
    ann: Browser, lee: Browser, office: LiveOffice, cases: Cases
) -> None:
    chat_id = office.open()
    path = f"{CHATS}/{chat_id}/abuse"
    refused = await ann.send(path, {"reason": " ", "term": "1"})
    assert SAY["enter_reason"] in plain(refused.text)

    await ann.send(path, {"reason": "Threats.", "block": "yes", "term": "1"})
    await ann.send(f"{CHATS}/{chat_id}/wrap-up", {"agreed": "nothing"})

    assert [each.text for each in cases.whole("c1").notes] == ["Threats.", "nothing"]
    page = plain((await ann.get(CASE)).text)
    assert SAY["blocked"] in page
    assert SAY["unblock"] not in page
    assert (await ann.send(f"{CASE}/live-unblock", {})).status_code == 403
    await lee.send(f"{CASE}/live-unblock", {})
    assert SAY["join"] in plain((await ann.get(CASE)).text)


# ---- ready to chat ------------------------------------------------------------------------------
async def test_ready_to_chat_is_said_renewed_by_a_page_in_sight_and_goes_off(
    ann: Browser, office: LiveOffice, clock: Clock
) -> None:
    assert SAY["ready_off"] in plain((await ann.get(CHATS)).text)
    await ann.send(f"{CHATS}/ready", {"ready": "yes"})
    assert SAY["ready_on"] in plain((await ann.get(CHATS)).text)
    clock.move(seconds=50)

    seen = await send(ann, "/live/chats/bar", in_sight="yes")
    clock.move(seconds=50)
    assert SAY["ready_on"] in plain(seen.text)
    assert SAY["ready_on"] in plain((await ann.get(CHATS)).text)
    clock.move(seconds=50)
    hidden = await send(ann, "/live/chats/bar")
    assert SAY["ready_off"] in plain(hidden.text)

    # Without JavaScript the page loads itself again.
    await ann.send(f"{CHATS}/ready", {"ready": "yes"})
    clock.move(seconds=50)
    await ann.get("/live/chats")
    clock.move(seconds=50)
    assert SAY["ready_on"] in plain((await ann.get(CHATS)).text)
    await ann.send(f"{CHATS}/ready", {"ready": "no"})
    assert SAY["ready_off"] in plain((await ann.get(CHATS)).text)


async def test_who_is_not_on_duty_cannot_be_ready(lee: Browser, office: LiveOffice) -> None:
    response = await lee.send(f"{CHATS}/ready", {"ready": "yes"})

    assert SAY["not_on_duty"] in plain(response.text)
    assert office.room.ready_until(office.lee) is None
    bar = (await send(lee, "/live/chats/bar")).text
    assert 'data-every="60"' in bar
    assert plain(bar).strip() == ""


async def test_the_bar_says_who_asks_and_that_words_wait(
    ann: Browser, office: LiveOffice, clock: Clock
) -> None:
    office.write("m5", "c2")
    office.ask("asked", conversation_id="c2", address="c2")
    chat_id = office.open()
    clock.move(seconds=5)
    office.log.record(office.harmless("m6", chat_id))
    clock.move(seconds=7)

    bar = (await send(ann, "/live/chats/bar")).text

    reference = office.room.chat("asked").reference
    asks = SAY["asks_here"].format(reference=reference, age="12 seconds")
    assert asks in plain(bar).replace(" .", ".")
    assert SAY["own_waits"].format(age="7 seconds") in plain(bar)
    assert "data-calls" in bar
    assert 'data-every="5"' in bar
    assert WORDS not in bar
    assert "ok thanks" not in bar


# ---- sessions and streams -----------------------------------------------------------------------
async def test_what_pages_send_by_themselves_keeps_no_session_but_writing_does(
    ann: Browser, office: LiveOffice, clock: Clock
) -> None:
    chat_id = office.open()
    token = await ann.form_token()
    for _ in range(5):
        clock.move(minutes=10)
        await ann.post(f"{CHATS}/{chat_id}/typing", {"form_token": token, "term": "1"})
    assert (await ann.get(CHATS)).status_code == 200
    for _ in range(4):
        clock.move(minutes=10)
        bar = await ann.post("/live/chats/bar", {"form_token": token, "in_sight": "yes"})
    assert bar.status_code == 401


async def test_the_stream_says_that_something_changed_beats_and_ends_with_the_session(
    ann: Browser, office: LiveOffice, clock: Clock, app: App
) -> None:
    chat_id, changes = office.open(), app.ctx.room_changes
    # At "3" something changed elsewhere, at "4" in this chat.
    answers = iter(["1", "2", "3", "4"])

    async def after(seen: str, within_s: float) -> str:
        assert within_s == stream_page.BEAT_S
        found = next(answers, None)
        if found is None:
            clock.move(minutes=IDLE.total_seconds() / 60 + 1)
        if found == "4":
            office.desk.say(chat_id, "hello", by=office.ann, term=1, key="k")
        return found or seen

    changes.after = after
    # The test's client ends the server after each request.
    changes.stopped = False
    response = await ann.get(f"/live/chats/{chat_id}/events?seen=1")

    kinds = re.findall(r"^event: (\w+)$", response.text, re.MULTILINE)
    assert kinds == ["beat", "beat", "change", "beat", "change", "ended"]
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-accel-buffering"] == "no"
    assert set(re.findall(r"^data: (.*)$", response.text, re.MULTILINE)) == {"0"}


async def test_without_the_right_there_is_no_way_in(
    visitor: Browser, office: LiveOffice, app: App
) -> None:
    chat_id = office.open()
    office.set_role(office.bob, Role.AUDITOR)
    async for bob in _signed_in(app, "bob"):
        for path in (CHATS, f"{CHATS}/{chat_id}", f"/live/chats/{chat_id}/part"):
            assert (await bob.get(path)).status_code == 403
        assert SAY["title"] not in plain((await bob.get("/audit")).text)


# ---- one's own account --------------------------------------------------------------------------
async def test_staff_choose_how_a_young_person_knows_them(ann: Browser, office: LiveOffice) -> None:
    path = "/account/chat-name"
    before = plain((await ann.get(path)).text)
    assert "Their name is Ann, and their job is safeguarding adviser." in before

    response = await ann.send(path, {"name": " Annie ", "role": "youth worker"})
    chat_id = office.desk.offer("c1", by=office.ann)

    assert response.headers["location"] == f"{path}?saved=yes"
    after = plain((await ann.get(path)).text)
    assert "Their name is Annie, and their job is youth worker." in after
    chat = office.chat(chat_id)
    assert (chat.shown_name, chat.shown_role) == ("Annie", "youth worker")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"name": "x" * 41}, SAY["name_length"].format(most=40)),
        ({"name": "Ann\nSmith"}, SAY["name_length"].format(most=40)),
        ({"role": "y" * 61}, SAY["role_length"].format(most=60)),
    ],
)
async def test_a_name_that_cannot_be_is_given_back(
    ann: Browser, form: dict[str, str], error: str
) -> None:
    response = await ann.send("/account/chat-name", form)

    assert response.status_code == 400
    assert error in plain(response.text)


async def test_the_events_of_a_chat_stand_in_the_history_of_the_case(
    ann: Browser, office: LiveOffice
) -> None:
    office.ask("asked")
    office.tell(LiveChatStep.ENDED, "asked", why=LiveChatEnd.NOBODY_CAME)
    office.clock.move(seconds=1)
    await ann.send(f"{CASE}/live-offer", {})

    page = plain((await ann.get(CASE)).text)

    assert "Noted that the person asked for a person to talk to" in page
    assert "Ended the live chat: nobody joined within a minute" in page
    assert "Ann Archer : Offered to talk to the person in the chat" in page


async def test_a_request_is_a_notification_of_the_browser_that_says_what_it_is(
    ann: Browser, office: LiveOffice, clock: Clock
) -> None:
    office.ask("asked")
    with office.engine.begin() as connection:
        advance(connection, Plan(), clock())

    found = json.loads((await ann.get("/live/alerts")).text)["alerts"]

    titles = [each["title"] for each in found]
    assert titles.count("Lantern: someone asks to talk to a person now") == 1
    assert WORDS not in str(found)


async def test_an_installation_without_live_chats_offers_none(
    settings: Settings, accounts: StaffAccounts, office: LiveOffice, clock: Clock
) -> None:
    without = replace(settings, live_chat=False)
    Sanic.test_mode = True
    app = create_app(without, compose(without, accounts=accounts, now=clock))
    async for ann in _signed_in(app, "ann"):
        for path in ("/escalations", CASE, "/account"):
            page = (await ann.get(path)).text
            assert SAY["title"] not in plain(page)
            assert SAY["join"] not in plain(page)
            assert "data-chats" not in page
        assert (await ann.send(f"{CASE}/live-offer", {})).status_code == 404
    assert office.room.of_case("c1") is None
