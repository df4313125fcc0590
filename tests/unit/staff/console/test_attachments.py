"""Files on the page of a case."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from staff.accounts.accounts import Staff
from staff.attachments.attachments import LARGEST, FileKindError, FileTooLargeError
from staff.attachments.phrases import FilePhrases
from staff.cases.cases import Cases
from tests.content import real_content
from tests.records import EscalationLog, escalation
from tests.unit.staff.console.conftest import Browser
from tests.unit.staff.console.test_case_page import plain

CASE = "/escalations/c1"
SAY = real_content().phrases.of("files", FilePhrases)
LETTER = b"Dear Ms Khan, she told me again."


@pytest.fixture(autouse=True)
def case(log: EscalationLog) -> None:
    """Record the case."""
    log.record(escalation())


async def attach(
    browser: Browser, content: bytes, name: str = "letter.txt", **fields: str
) -> httpx.Response:
    """Send the form with a file as a browser does."""
    sent: dict[str, Any] = {
        "data": {"form_token": await browser.form_token(), **fields},
        "files": {"file": (name, content)},
        "headers": {"sec-fetch-site": "same-origin"},
    }
    _, response = await browser.client.request("POST", f"{CASE}/attach", **sent)
    assert isinstance(response, httpx.Response)
    return response


def address_in(page: str) -> str:
    """Return the address of the one file on a page."""
    _, _, rest = page.partition(f'href="{CASE}/files/')
    file_id, _, _ = rest.partition('"')
    return f"{CASE}/files/{file_id}"


async def test_a_file_is_attached_listed_and_saved(browser: Browser, cases: Cases) -> None:
    response = await attach(browser, LETTER, "../über uns.txt")
    assert response.headers["location"] == f"{CASE}?done=attach"
    assert "über uns" not in (await browser.get(CASE)).text
    page = await browser.uncover()
    assert "über uns.txt" in plain(page)
    assert "Not checked for viruses" in plain(page)

    saved = await browser.get(address_in(page))
    assert saved.content == LETTER
    assert saved.headers["content-type"] == "text/plain; charset=utf-8"
    disposition = saved.headers["content-disposition"]
    assert disposition == "attachment; filename*=UTF-8''%C3%BCber%20uns.txt"
    assert saved.headers["cache-control"] == "no-store"
    assert saved.headers["x-content-type-options"] == "nosniff"


async def test_a_file_is_not_given_to_a_reader_who_has_not_uncovered_the_words(
    browser: Browser, bob: Staff
) -> None:
    await attach(browser, LETTER)
    address = address_in(await browser.uncover())
    await browser.sign_in("bob")
    response = await browser.get(address)
    assert response.status_code == 303
    assert response.headers["location"] == f"{CASE}#opening"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", SAY.select_file),
        (b"MZ\x90\x00\x03", SAY.refusal(FileKindError())),
        (b"<!doctype html><script>alert(1)</script>", SAY.refusal(FileKindError())),
        (b"x" * (LARGEST + 1), SAY.refusal(FileTooLargeError())),
    ],
)
async def test_a_file_that_cannot_be_kept_is_refused_in_plain_words(
    browser: Browser, content: bytes, error: str
) -> None:
    response = await attach(browser, content)
    assert response.status_code == 400
    assert error in plain(response.text)


async def test_a_form_without_a_file_is_refused(browser: Browser) -> None:
    response = await browser.send(f"{CASE}/attach", {})
    assert response.status_code == 400
    assert SAY.select_file in plain(response.text)


async def test_a_request_far_over_the_limit_is_refused(browser: Browser) -> None:
    assert (await attach(browser, b"x" * (LARGEST + 1024 * 1024))).status_code == 413


async def test_other_forms_stay_small(browser: Browser) -> None:
    response = await browser.send(f"{CASE}/note", {"note": "x" * (300 * 1024)})
    assert response.status_code == 413


async def test_a_file_is_removed_and_its_removal_stands_there(browser: Browser) -> None:
    await attach(browser, LETTER)
    address = address_in(await browser.uncover())
    file_id = address.rpartition("/")[2]
    for _ in range(2):
        response = await browser.send(f"{CASE}/file-removed", {"file": file_id})
        assert response.headers["location"] == f"{CASE}?done=file-removed"
    assert "letter.txt : removed" in plain((await browser.get(CASE)).text)
    assert (await browser.get(address)).status_code == 404


async def test_an_attached_file_is_on_the_trail(browser: Browser, cases: Cases) -> None:
    await attach(browser, LETTER)
    await browser.get(address_in(await browser.uncover()))
    page = plain((await browser.get(CASE)).text)
    assert "Attached a file" in page
    assert "Saved a file of it" in page
