"""The number linter."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from safeguarding.content.lint.facts import number_problems
from safeguarding.content.lint.language import ShownText
from safeguarding.content.services import ServiceRecord, WayRecord
from safeguarding.taxonomy import CONTENT
from tests.content import real_content

RECORDS = real_content().contacts.records()


def found(text: str = "", records: dict[str, ServiceRecord] | None = None) -> list[str]:
    line = ShownText(CONTENT / "articles" / "x.md", 3, text)
    known = RECORDS if records is None else records
    return [problem.what for problem in number_problems([line], known, CONTENT)]


def calling(number: str, **changes: object) -> dict[str, ServiceRecord]:
    """Return the directory, with one more service that is called on this number."""
    way = WayRecord("phone", f"Call {number}", f"tel:{number.replace(' ', '')}")
    fields = {"id": "new", "name": "New service", "ways": [way], **changes}
    return {**RECORDS, "new": msgspec.structs.replace(RECORDS["shout"], **fields)}


def test_finds_nothing_wrong_with_the_real_directory() -> None:
    assert found() == []


@pytest.mark.parametrize("number", ["01225 396312", "0808 800 5000", "020 7946 0000", "0800 1111"])
def test_knows_the_forms_of_numbers(number: str) -> None:
    assert found(records=calling(number)) == []


@pytest.mark.parametrize("number", ["0122 5396", "1225 396312", "0808 800 50000", "0800 1112 2"])
def test_finds_a_number_that_cannot_be_one(number: str) -> None:
    assert any("has not the form" in one for one in found(records=calling(number)))


@pytest.mark.parametrize("number", ["0845 123 4567", "0871 123 4567", "0900 123 4567"])
def test_finds_a_number_that_costs_the_caller(number: str) -> None:
    assert any("costs the caller" in one for one in found(records=calling(number)))


def test_finds_one_service_with_two_numbers() -> None:
    problems = found(records=calling("0800 1234 567", name="Childline"))

    assert any(
        one.startswith("childline and new: the same service with two phone") for one in problems
    )


def test_a_service_that_has_been_replaced_keeps_its_old_number_in_the_file() -> None:
    assert found(records=calling("0800 123 4567", name="Childline", replaced_by="childline")) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Call 0800 1112 now", "0800 1112 is no number of content/contacts"),
        ("Text HELP to 12345", "12345 is no number of content/contacts"),
        ("Call 0845 6070 888", "0845 6070 888 is retired"),
        ("See www.paceuk.info", "paceuk.info is retired"),
        ("Call Childline on 116 123", "116 123 is not the number of Childline"),
        ("Samaritans: 0800 1111", "0800 1111 is not the number of Samaritans"),
    ],
)
def test_finds_a_wrong_number_in_a_text(text: str, problem: str) -> None:
    assert any(problem in one for one in found(text)), found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Call Childline on 0800 1111, or 999.",
        "Text SHOUT to 85258",
        "In 2017 there were 12,120 children",
        "Childline, or the police on 101",
        "Samaritans are on 116 123",
    ],
)
def test_leaves_right_numbers_and_other_figures_alone(text: str) -> None:
    assert found(text) == []


def test_a_list_of_retired_numbers_that_cannot_be_read_is_itself_a_problem(tmp_path: Path) -> None:
    (tmp_path / "contacts").mkdir()
    (tmp_path / "contacts" / "retired.yml").write_text("retired:\n  - {words: x}\n", "utf-8")

    (problem,) = number_problems([], {}, tmp_path)

    assert "why" in problem.what
