"""The page of case files: the form, the files, and the audit trail before a file is sent."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from datetime import date, timedelta

import httpx
import pytest
import sqlalchemy as sa
from pypdf import PdfReader
from sqlalchemy.engine import Engine

from staff.accounts.accounts import Staff, StaffAccounts
from staff.accounts.permissions import Permission, Role
from staff.cases.case import Referral
from staff.cases.cases import Cases
from staff.cases.casework import Casework
from staff.reports.case_file import ReleaseLog
from tests.records import (
    CHILDLINE,
    MASH,
    NOON,
    PASSWORD,
    WORDS,
    Clock,
    EscalationLog,
    escalation,
    vault,
)
from tests.unit.staff.console.conftest import Browser

HOSTILE = "i cant 😭👨‍👩‍👧 \ud83d \u202eevil\x00\x07 中文 אני"
ARABIC = "أنا خائف"
PACK = {"kind": "case_pack", "form": "pdf", "note": "For the strategy meeting."}
ACCESS = {"kind": "subject_access", "form": "json", "note": "Asked on 3 November."}


@pytest.fixture
def case(
    log: EscalationLog, casework: Casework, cases: Cases, ann: Staff, bob: Staff, clock: Clock
) -> str:
    """Return the reference of a case with all kinds of records."""
    assert ann.may(Permission.EXPORT)
    log.record(escalation(conversation_id="c1", contacts=(CHILDLINE, MASH)))
    for number, text in enumerate((HOSTILE, ARABIC, "a" * 9000, "word " * 1500), 2):
        later = NOON + timedelta(minutes=number)
        log.record(escalation(f"m{number}", text=text, raised_at=later))
    casework.note("c1", "Rang the school – “no answer”.", by=bob.id)
    casework.add_action("c1", "Ring again", date(2026, 11, 27), by=bob.id)
    casework.refer("c1", Referral("police", "telephone", clock(), "CRN 7", "At once"), by=bob.id)
    return cases.find("c1").reference


@pytest.fixture
def releases(engine: Engine, clock: Clock) -> ReleaseLog:
    return ReleaseLog(engine, vault(), clock)


def text_of(response: httpx.Response) -> str:
    reader = PdfReader(io.BytesIO(response.content))
    return "\n".join(page.extract_text() for page in reader.pages)


async def test_a_case_is_found_by_its_reference(browser: Browser, case: str) -> None:
    found = await browser.get(f"/exports?reference={case.lower()}")
    assert found.headers["location"] == "/exports/c1"
    missing = await browser.get("/exports?reference=LN-0000-0000")
    assert missing.status_code == 400
    assert "There is no case with this reference" in missing.text


async def test_the_page_says_who_decides_and_shows_no_words(browser: Browser, case: str) -> None:
    page = (await browser.get("/exports/c1")).text
    assert "somebody at the council decides" in page
    assert case in page
    assert WORDS not in page


@pytest.mark.usefixtures("case")
async def test_the_pack_holds_the_whole_case_and_every_page_is_marked(browser: Browser) -> None:
    response = await browser.send("/exports/c1", PACK)
    assert response.headers["content-type"] == "application/pdf"
    reader = PdfReader(io.BytesIO(response.content))
    pages = [page.extract_text() for page in reader.pages]
    text = "\n".join(pages)
    for words in (
        WORDS, "Rang the school – “no answer”.", "Ring again", "CRN 7", "You did the right thing.",
        "Bob Jones", "Ann Smith", "For the strategy meeting.", "grooming-dont-tell",
        "Contacts shown: Childline (open then), Wiltshire MASH (closed then: “Closed now.",
        "wiltshire_mash", "Contacts shown: not recorded",
    ):  # fmt: skip
        assert "".join(words.split()) in "".join(text.split()), words
    for number, page in enumerate(pages, 1):
        assert "OFFICIAL-SENSITIVE" in page
        assert f"page {number} of {len(pages)}" in page
    titles = [each.title for each in reader.outline[1] if not isinstance(each, list)]
    assert titles[0] == "Facts"
    assert titles[-1] == "Who did what"


@pytest.mark.parametrize("kind", [PACK, ACCESS])
async def test_what_the_person_said_in_passing_is_in_both_forms(
    browser: Browser, log: EscalationLog, kind: dict[str, str]
) -> None:
    log.record(escalation(age=13, facts=("pictures",)))

    text = text_of(await browser.send("/exports/c1", kind | {"form": "pdf"}))
    as_data = json.loads((await browser.send("/exports/c1", kind | {"form": "json"})).content)

    assert "Said in passing" in text
    assert "Age 13 · Pictures or videos" in text
    assert as_data["case"]["said"] == "Age 13 · Pictures or videos"


async def test_where_nothing_was_said_in_passing_the_pack_says_nothing_of_it(
    browser: Browser, log: EscalationLog
) -> None:
    log.record(escalation())

    assert "Said in passing" not in text_of(await browser.send("/exports/c1", PACK))


@pytest.mark.usefixtures("case")
async def test_no_letter_stops_the_pack(browser: Browser) -> None:
    text = text_of(await browser.send("/exports/c1", PACK))
    assert "😭" in text
    assert "[U+D83D] [U+202E]evil[U+0000][U+0007] [U+4E2D][U+6587]" in text.replace("\n", " ")
    # Joined letters are read back one by one; every one has its shape on the page.
    assert "خ" in text
    assert text.count("a") > 2 * 9000
    as_data = await browser.send("/exports/c1", PACK | {"form": "json"})
    assert {HOSTILE, ARABIC} <= {each["text"] for each in json.loads(as_data.content)["messages"]}


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("form", ["pdf", "json"])
async def test_the_hash_of_the_file_is_on_the_trail_and_on_the_page(
    browser: Browser, releases: ReleaseLog, form: str
) -> None:
    response = await browser.send("/exports/c1", PACK | {"form": form})
    digest = hashlib.sha256(response.content).digest()
    (known,) = releases.of_case("c1")
    assert (known.sha256, known.form) == (digest.hex(), form)
    assert response.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
    assert digest.hex() in (await browser.get("/exports/c1")).text


async def test_a_subject_access_export_names_no_staff_and_says_what_is_missing(
    browser: Browser, case: str
) -> None:
    record = await browser.send("/exports/c1", ACCESS)
    assert "Bob" not in record.text
    assert "Ann" not in record.text
    assert json.loads(record.content)["notes"][0]["by"].startswith("Reviewer")
    text = text_of(await browser.send("/exports/c1", ACCESS | {"form": "pdf"}))
    assert "What is left out, and why" in text
    assert "somebody at the council decides" in text
    assert "Bob Jones" not in text
    assert case in text


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize(
    ("changed", "field"),
    [({"kind": "all"}, "kind"), ({"form": "exe"}, "form"), ({"note": " "}, "note"),
     ({"note": "x" * 10_001}, "note")],
)  # fmt: skip
async def test_an_incomplete_form_sends_no_file(
    browser: Browser, releases: ReleaseLog, changed: dict[str, str], field: str
) -> None:
    response = await browser.send("/exports/c1", PACK | changed)
    assert response.status_code == 400
    assert f'href="#{field}"' in response.text
    assert WORDS not in response.text
    assert releases.of_case("c1") == []


@pytest.mark.usefixtures("case")
async def test_no_other_site_can_download(browser: Browser, releases: ReleaseLog) -> None:
    assert (await browser.post("/exports/c1", PACK)).status_code == 403
    assert (await browser.post_from("https://evil.example", "/exports/c1", PACK)).status_code == 403
    assert releases.of_case("c1") == []


async def test_a_case_that_is_not_there_is_not_found(browser: Browser) -> None:
    assert (await browser.get("/exports/c9")).status_code == 404
    assert (await browser.send("/exports/c9", PACK)).status_code == 404


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("form", ["pdf", "json"])
async def test_nothing_leaves_when_the_trail_cannot_be_written(
    browser: Browser, engine: Engine, form: str
) -> None:
    with engine.begin() as connection:
        refuse = "SELECT RAISE(ABORT, 'no more room')"
        connection.execute(
            sa.text(f"CREATE TRIGGER full BEFORE INSERT ON audit_events BEGIN {refuse}; END")
        )
    response = await browser.send("/exports/c1", PACK | {"form": form})
    assert response.status_code == 500
    assert WORDS.encode() not in response.content
    assert not response.content.startswith(b"%PDF")


@pytest.mark.usefixtures("case")
async def test_a_case_of_another_area_is_not_exported(
    browser: Browser, accounts: StaffAccounts, releases: ReleaseLog, case: str
) -> None:
    accounts.set_areas("ann", frozenset({"swindon"}))
    assert (await browser.get("/exports/c1")).status_code == 404
    assert (await browser.get(f"/exports?reference={case}")).status_code == 400
    assert (await browser.send("/exports/c1", PACK)).status_code == 404
    assert releases.of_case("c1") == []


@pytest.mark.usefixtures("case")
async def test_a_reviewer_cannot_download(
    visitor: Browser, accounts: StaffAccounts, releases: ReleaseLog
) -> None:
    accounts.add("rae", PASSWORD, role=Role.REVIEWER)
    await visitor.sign_in("rae")
    assert (await visitor.send("/exports/c1", PACK)).status_code == 403
    assert releases.of_case("c1") == []
