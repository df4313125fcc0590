"""A case of another area and one that does not exist: a reader cannot tell which is which.

Compared are status, headers and page, what is recorded, and what the database is asked, which
decides how long the answer takes.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from staff.accounts.accounts import Staff, StaffAccounts
from staff.audit.trail import AuditLog, EventFilter
from staff.cases.case import reference_of
from staff.cases.cases import Cases
from staff.cases.casework import Casework
from staff.cases.merging import CaseMerge
from staff.cases.work_page import WORKS
from staff.console.live import BEAT
from tests.records import Clock, EscalationLog, escalation
from tests.unit.staff.console.conftest import Browser
from web.http import App

PACK = {"kind": "case_pack", "form": "json", "note": "For the court."}
FORM = {
    "note": "x", "to": "x", "severity": "agree", "outcome": "other", "chosen": "m", "other": "c",
    "to_whom": "police", "how": "telephone", "made": "no", "action": "a", "reference": "LN",
}  # fmt: skip
GETS = (
    "/escalations/{case}",
    "/escalations/{message}",
    "/escalations/find/{reference}",
    "/escalations?reference={reference}",
    "/live/escalations?reference={reference}",
    "/live/case/{case}",
    "/live/case/{message}",
    "/exports/{case}",
    "/exports?reference={reference}",
    "/audit?case={reference}",
    "/audit?case={case}",
    "/audit?case={message}",
    "/audit/file?case={reference}",
)
POSTS = (
    "/escalations/{case}/reveal",
    "/escalations/{case}/hold",
    "/escalations/{case}/release",
    "/escalations/{case}/no-such-work",
    "/exports/{case}",
    *(f"/escalations/{{case}}/{work}" for work in WORKS),
    "/escalations/{message}/note",
)


@dataclass(frozen=True)
class Named:
    """The names by which a case may be asked for."""

    case: str
    message: str
    mine: str
    """A case of the reader, of this test's own."""

    @property
    def reference(self) -> str:
        return reference_of(self.case)

    def into(self, text: str) -> str:
        return text.format(case=self.case, message=self.message, reference=self.reference)

    def out_of(self, text: str) -> str:
        """Take out what was typed, the names of the reader's own case, and every number."""
        named = (self.case, self.message, self.reference, self.mine, reference_of(self.mine))
        for name in named:
            text = text.replace(name, "…")
        return re.sub(r"\d+|\s+", " ", text)


@dataclass(frozen=True)
class Told:
    """All that an answer tells, and what was done for it."""

    status: int
    headers: dict[str, str]
    body: str
    recorded: list[tuple[str, str | None, str]]
    asked: list[str]


HIDDEN = Named("case-of-others-1", "message-others-1", "my-case-1")
ABSENT = Named("case-of-nobody-2", "message-nobody-2", "my-case-2")


@pytest.fixture
def kent(log: EscalationLog, accounts: StaffAccounts, ann: Staff) -> None:
    """Keep Ann to Kent: two cases there, and one in another area."""
    for each in (HIDDEN, ABSENT):
        log.record(escalation(f"of-{each.mine}", conversation_id=each.mine, area="kent"))
    log.record(escalation(HIDDEN.message, conversation_id=HIDDEN.case, area="wiltshire"))
    accounts.set_areas("ann", frozenset({"kent"}))


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """Return the list to which every query of cases and messages is added."""
    queries: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if "FROM cases" in statement or "FROM escalations" in statement:
            queries.append(statement)

    sa.event.listen(Engine, "before_cursor_execute", note)
    yield queries
    sa.event.remove(Engine, "before_cursor_execute", note)


async def told(
    browser: Browser,
    audit: AuditLog,
    asked: list[str],
    named: Named,
    path: str,
    form: dict[str, str] | None = None,
) -> Told:
    token = await browser.form_token()
    (before,) = audit.newest(EventFilter(), limit=1)
    asked.clear()
    if form is None:
        answer = await browser.get(named.into(path))
    else:
        sent = {name: named.into(value) for name, value in form.items()}
        answer = await browser.post(named.into(path), sent | {"form_token": token})
    queries = list(asked)
    recorded = [
        (link.event.what, named.out_of(str(link.event.case_id)), str(link.event.detail))
        for link in audit.newest(EventFilter(), limit=20)
        if link.id > before.id
    ]
    headers = {name: named.out_of(value) for name, value in answer.headers.items()}
    return Told(answer.status_code, headers, named.out_of(answer.text), recorded, queries)


@pytest.mark.usefixtures("kent")
@pytest.mark.parametrize("stale", [False, True], ids=["fresh", "unused for a while"])
async def test_what_is_not_yours_answers_like_what_does_not_exist(
    browser: Browser, audit: AuditLog, asked: list[str], clock: Clock, stale: bool
) -> None:
    """A session that was unused for a while is asked for the password before words are shown."""
    # The trail names each kind of event once one is there.
    for path in ("/escalations/none", "/audit", "/audit/file"):
        await browser.get(path)
    different, found = [], []
    for path in (*GETS, *POSTS):
        if stale:
            clock.move(minutes=16)
        form = None if path in GETS else PACK if path.startswith("/exports") else FORM
        hidden = await told(browser, audit, asked, HIDDEN, path, form)
        absent = await told(browser, audit, asked, ABSENT, path, form)
        if hidden != absent:
            different.append((path, hidden, absent))
        if hidden.status != 404:
            found.append(path)

    assert different == []
    assert found == [path for path in GETS if "?" in path or path.startswith("/audit")]


@pytest.mark.usefixtures("kent")
@pytest.mark.parametrize(
    ("work", "form"),
    [
        ("merge", {"reference": "{reference}"}),
        ("separate", {"other": "{case}"}),
        ("split", {"chosen": "{message}"}),
    ],
)
async def test_no_form_of_an_own_case_tells_of_another_area(
    browser: Browser, audit: AuditLog, asked: list[str], work: str, form: dict[str, str]
) -> None:
    hidden = await told(browser, audit, asked, HIDDEN, f"/escalations/{HIDDEN.mine}/{work}", form)
    absent = await told(browser, audit, asked, ABSENT, f"/escalations/{ABSENT.mine}/{work}", form)

    assert hidden == absent


@pytest.mark.usefixtures("kent")
async def test_what_is_yours_is_still_found(browser: Browser) -> None:
    mine, address = HIDDEN.mine, f"/escalations/{HIDDEN.mine}"

    found = await browser.get(f"/escalations/find/{reference_of(mine)}")
    of_message = await browser.get(f"/escalations/of-{mine}")

    assert (await browser.get(address)).status_code == 200
    assert (found.status_code, found.headers["location"]) == (302, address)
    assert (of_message.status_code, of_message.headers["location"]) == (302, address)
    assert (await browser.get(f"/exports?reference={reference_of(mine)}")).status_code == 302
    assert (await browser.send(f"{address}/note", {"note": "seen"})).status_code == 303


@pytest.mark.usefixtures("kent")
async def test_a_case_that_became_part_of_another_areas_leads_nowhere(
    browser: Browser, merging: CaseMerge, bob: Staff
) -> None:
    merging.merge(HIDDEN.mine, HIDDEN.case, by=bob.id)

    answer = await browser.get(f"/escalations/{HIDDEN.mine}")

    assert answer.status_code == 404
    assert "location" not in answer.headers


@pytest.mark.usefixtures("kent")
async def test_the_trail_shows_no_event_of_another_areas_case(
    browser: Browser, casework: Casework, bob: Staff
) -> None:
    casework.viewed(HIDDEN.case, by=bob.id)
    casework.viewed(HIDDEN.mine, by=bob.id)

    page = (await browser.get("/audit")).text
    file = (await browser.get("/audit/file")).text

    assert HIDDEN.mine in page
    assert HIDDEN.case not in page
    assert "cases in your own areas" in page
    events = list(csv.DictReader(io.StringIO(file)))
    assert {each["case"] for each in events} == {"", HIDDEN.mine, ABSENT.mine}
    assert "signed in" in {each["what"] for each in events}


async def test_a_reader_of_all_areas_reads_the_whole_trail(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(escalation(HIDDEN.message, conversation_id=HIDDEN.case))

    page = (await browser.get("/audit")).text

    assert HIDDEN.case in page
    assert "cases in your own areas" not in page


@pytest.mark.usefixtures("kent")
async def test_an_open_page_is_told_of_changes_in_its_areas_only(
    browser: Browser, app: App, cases: Cases, casework: Casework, bob: Staff
) -> None:
    own = cases.latest_change({"kent"})
    casework.note(HIDDEN.case, "x", by=bob.id)
    elsewhere = cases.latest_change()
    changes, asked_after = app.ctx.changes, []

    async def after(seen: int, within_s: float) -> int:
        # The change elsewhere is there; then one of its own comes; then the server stops.
        asked_after.append(seen)
        if len(asked_after) == 2:
            casework.note(HIDDEN.mine, "x", by=bob.id)
        if len(asked_after) == 3:
            changes.stopped = True
        await asyncio.sleep(0)
        return int(cases.latest_change())

    changes.after, changes.stopped = after, False
    response = await browser.get(f"/live?seen={own}")

    newest = cases.latest_change({"kent"})
    assert own < elsewhere < newest
    line = f"id: {newest}\nevent: change\ndata: {newest}\n\n"
    assert response.text == f"{BEAT}{line}{BEAT}"
    assert asked_after == [own, elsewhere, newest]
    assert f'data-change="{newest}"' in (await browser.get("/escalations")).text
