"""Files of YAML as the words that are signed, with the dates that they name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from safeguarding.content.file_items import help_card_item, responses_item, yaml_item
from safeguarding.content.items import Item
from safeguarding.records import ContentError
from safeguarding.taxonomy import CONTENT, ROOT
from tests.content import RISK


def read(tmp_path: Path, text: str) -> Item:
    path = tmp_path / "file.yml"
    path.write_text(text, "utf-8")
    return yaml_item("risk:grooming", "Grooming", path)


def test_a_file_of_the_screen_holds_its_entries_and_its_dates(tmp_path: Path) -> None:
    found = read(tmp_path, RISK)

    assert (found.reviewed_on, found.review_due) == (date(2026, 11, 25), date(2027, 5, 25))
    assert [part.heading for part in found.parts] == ["grooming-secret", "Review"]
    assert "match: it is our secret" in found.parts[0].lines


@pytest.mark.parametrize(
    "before", ["it is our secret", "a secret santa", "urgent", "Lead", "2027-05"]
)
def test_every_word_of_it_is_signed(tmp_path: Path, before: str) -> None:
    after = "2028-05" if before == "2027-05" else "other"

    assert read(tmp_path, RISK.replace(before, after)).digest != read(tmp_path, RISK).digest


def test_the_name_of_who_signed_on_paper_is_not(tmp_path: Path) -> None:
    signed = read(tmp_path, RISK.replace("approved_by: null", "approved_by: A. Person"))

    assert signed.signed_on_paper == "A. Person"
    assert signed.digest == read(tmp_path, RISK).digest


def test_contacts_are_due_when_the_first_of_them_is(tmp_path: Path) -> None:
    text = (
        "services:\n"
        "  - {id: a, checked_on: 2026-11-01, check_due: 2027-02-01}\n"
        "  - {id: b, checked_on: 2026-10-01, check_due: 2027-05-01}\n"
    )

    found = read(tmp_path, text)

    assert (found.reviewed_on, found.review_due) == (date(2026, 10, 1), date(2027, 2, 1))


def test_the_help_cards_are_read_each_by_its_reader() -> None:
    found = help_card_item("help_card", "Help card", CONTENT / "help_card.yml")

    assert {part.audiences for part in found.parts} == {
        ("young_person",),
        ("parent", "professional"),
    }
    said = [part for part in found.parts if not part.heading.endswith("with it")]
    assert len(said) == 6
    assert all("999" in " ".join(part.lines) for part in said)


def test_what_is_said_between_answers_comes_from_the_domain_file() -> None:
    found = responses_item("responses", "Between", ROOT / "domain.yml")

    headings = [part.heading for part in found.parts]
    assert "utter_help_immediate (audience parent)" in headings
    assert "utter_help_immediate" in headings


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="a mapping is expected"):
        read(tmp_path, "- a\n")
