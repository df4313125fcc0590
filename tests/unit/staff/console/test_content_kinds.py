"""A new kind of content needs one row and its files, and no other change."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from sanic import Sanic
from sanic_testing.testing import SanicASGITestClient
from sqlalchemy.engine import Engine

from safeguarding.content.booklet import export_page
from safeguarding.content.lint.check import Check
from safeguarding.content.phrases import read_phrase_file
from safeguarding.content.reader import KINDS, Catalogue, ContentKind, Kinds, read_catalogue
from safeguarding.content.signing import ApprovalStatus
from safeguarding.settings import Settings
from safeguarding.taxonomy import CONTENT, ROOT
from staff.accounts.accounts import Staff, StaffAccounts
from staff.accounts.permissions import Role
from staff.approvals.approvals import Approvals
from staff.console.app import compose, create_app
from storage.approval_records import read_approved_digests
from tests.records import PASSWORD, Clock
from tests.signing import approve
from tests.unit.staff.console.conftest import Browser

TODAY = date(2026, 11, 25)
PROVENANCE = "{owner: Lead, reviewed_on: 2026-11-25, review_due: 2027-05-25, approved_by: null}"
LAMPS = f"provenance: {PROVENANCE}\nphrases: {{why: 'A lamp goes to school to be bright.'}}\n"
JOKES = ContentKind(
    "joke",
    "Jokes",
    "jokes/*.yml",
    read=lambda path, _references: read_phrase_file(path),
    signers=2,
)


@pytest.fixture
def kinds() -> Kinds:
    return Kinds(*KINDS, JOKES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Copy the shipped content, and add one file of the new kind."""
    shutil.copytree(CONTENT, tmp_path / "content")
    shutil.copy(ROOT / "domain.yml", tmp_path)
    (tmp_path / "content" / "jokes").mkdir()
    (tmp_path / "content" / "jokes" / "lamps.yml").write_text(LAMPS, "utf-8")
    return tmp_path / "content"


@pytest.fixture
def catalogue(folder: Path, kinds: Kinds) -> Catalogue:
    return read_catalogue(folder, kinds)


def test_it_is_checked(folder: Path, kinds: Kinds) -> None:
    assert Check(folder, TODAY, kinds).problems == []

    wrong = LAMPS.replace("bright", "bright on 0800 1112, which is risky behaviour")
    (folder / "jokes" / "lamps.yml").write_text(wrong, "utf-8")
    (folder / "jokes" / "empty.yml").write_text("phrases: {}\n", "utf-8")
    said = "\n".join(map(str, Check(folder, date(2027, 6, 1), kinds).problems))

    assert "lamps.yml:2: 0800 1112 is no number of content/contacts" in said
    assert "lamps.yml:2: 'risky behaviour' is not ours" in said
    assert "lamps.yml:1: past its review: still in force" in said
    assert "empty.yml:1: no provenance" in said


def test_it_is_printed(catalogue: Catalogue) -> None:
    page = export_page("young_person", catalogue, TODAY)

    assert ">Jokes</h2>" in page
    assert "A lamp goes to school to be bright." in page


def test_it_is_signed_by_as_many_people_as_its_row_says(
    catalogue: Catalogue, kinds: Kinds, engine: Engine, accounts: StaffAccounts, clock: Clock
) -> None:
    approvals, lamps = Approvals(engine, clock, kinds), catalogue.items["joke:lamps"]
    leads = [accounts.add(name, PASSWORD, role=Role.LEAD) for name in ("ann", "bob")]

    for lead, status in zip(leads, (ApprovalStatus.WAITING, ApprovalStatus.APPROVED), strict=True):
        approve(engine, lamps, lead.id, clock, kinds=kinds)
        assert approvals.standing(lamps).status is status
    assert (lamps.id, lamps.digest) in read_approved_digests(engine, kinds)


@pytest.fixture
async def reader(
    settings: Settings,
    catalogue: Catalogue,
    accounts: StaffAccounts,
    ann: Staff,
    clock: Clock,
) -> AsyncIterator[Browser]:
    """Ann, signed in to a console that reads the new kind."""
    Sanic.test_mode = True
    console = compose(settings, accounts=accounts, catalogue=lambda: catalogue, now=clock)
    app = create_app(settings, console)
    async with SanicASGITestClient(app) as client:
        browser = Browser(client)
        await browser.sign_in(ann.name)
        yield browser


async def test_it_stands_in_the_consoles_list(reader: Browser) -> None:
    page = (await reader.get("/content?kind=joke")).text
    item = (await reader.get("/content/joke:lamps")).text

    assert re.findall(r'class="govuk-link" href="/content/(joke:\w+)"', page) == ["joke:lamps"]
    assert "Jokes" in page
    assert "A lamp goes to school to be bright." in item


async def test_the_list_and_the_page_of_a_language_say_what_is_withdrawn(
    reader: Browser, folder: Path, catalogue: Catalogue
) -> None:
    now = "/content/language_card:pl"
    for page in ("/content?kind=language_card", now):
        assert "ithdrawn" not in (await reader.get(page)).text
    path = folder / "languages" / "pl.yml"
    text = path.read_text("utf-8").replace("Simple words are enough.", "Use simple words.")
    path.write_text(text, "utf-8")
    item = read_catalogue(folder).items["language_card:pl"]
    assert isinstance(catalogue.items, dict)
    catalogue.items["language_card:pl"] = item

    listed, page = [(await reader.get(each)).text for each in ("/content?kind=language_card", now)]

    assert listed.count("Withdrawn: card.") == 1
    assert "Withdrawn: card. Its English has changed since it was translated" in page
