"""Files of YAML are signed as plain lines, nothing left out, with the dates that they name."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from safeguarding.content.help_card_file import help_card_item
from safeguarding.content.items import (
    Item,
    blocks_of,
    lines,
    message_blocks,
    record_blocks,
    responses_item,
    yaml_item,
)
from safeguarding.records import ContentError
from safeguarding.taxonomy import CONTENT, ROOT, taxonomy
from tests.content import RISK


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"name_of": "A", "open": True}, ["name of: A", "open: yes"]),
        ({"hours": {"weekly": {"mon": "09:00"}}}, ["hours, weekly, mon: 09:00"]),
        ({"words": ["a", "b"]}, ["words: a, b"]),
        ({"match": ["he said so", "b"]}, ["match: he said so", "match: b"]),
        ({"ways": [{"kind": "phone", "label": "Call 999"}]}, ["ways: Call 999 (phone)"]),
        ({"who": [{"name": "Childline", "what": "Help"}]}, ["who, Childline, what: Help"]),
        ({"patterns": [[{"NORM": "it"}]]}, ['patterns: [{"NORM": "it"}]']),
        ({"ages": {}}, ["ages: all"]),
        ({"on": date(2026, 11, 25), "doubt": None}, ["on: 2026-11-25", "doubt: none"]),
        ({"other": [{"a": 1, "b": [2]}]}, ["other: a: 1; b: [2]"]),
        ("two\nlines", ["two", "lines"]),
    ],
)
def test_each_value_is_a_line_that_a_person_can_read(value: Any, said: list[str]) -> None:
    assert list(lines(value)) == said


def test_each_record_of_a_list_is_a_part_of_its_own() -> None:
    data = {"services": [{"id": "a", "what": "x"}, {"name": "b"}, {"what": "y"}], "empty": "x"}

    assert [block.heading for block in blocks_of(data)] == ["a", "b", "Services 3", "empty"]


def test_a_service_is_read_by_those_it_is_for() -> None:
    record = {"id": "a", "name": "A", "for_whom": {"parent": {}, "professional": {"from": 18}}}

    (block,) = record_blocks(record, "")

    assert block.heading == "A (a)"
    assert block.audiences == ("parent", "professional")
    assert block.lines == ("for whom, parent: all", "for whom, professional, from: 18")


def test_a_message_is_read_first_and_then_what_comes_with_it() -> None:
    message = {"kind": "prompt", "text": "One.\n\nTwo.\n", "choices": [{"id": "a", "label": "A"}]}

    said, more = message_blocks("Hello", message)

    assert said.lines == ("One.", "Two.")
    assert more.heading == "Hello: with it"
    assert more.lines == ("kind: prompt", "choices: A (a)")


def item_of(tmp_path: Path, text: str) -> Item:
    path = tmp_path / "file.yml"
    path.write_text(text, "utf-8")
    return yaml_item("risk:grooming", "Grooming", path)


def test_a_file_of_the_screen_holds_its_entries_and_its_dates(tmp_path: Path) -> None:
    found = item_of(tmp_path, RISK)

    assert (found.reviewed_on, found.review_due) == (date(2026, 11, 25), date(2027, 5, 25))
    assert [block.heading for block in found.blocks] == ["grooming-secret", "Review"]
    assert "match: it is our secret" in found.blocks[0].lines


@pytest.mark.parametrize(
    "before", ["it is our secret", "a secret santa", "urgent", "Lead", "2027-05"]
)
def test_every_word_of_it_is_signed(tmp_path: Path, before: str) -> None:
    after = "2028-05" if before == "2027-05" else "other"

    assert item_of(tmp_path, RISK.replace(before, after)).digest != item_of(tmp_path, RISK).digest


def test_the_name_of_who_signed_on_paper_is_not(tmp_path: Path) -> None:
    signed = item_of(tmp_path, RISK.replace("approved_by: null", "approved_by: A. Person"))

    assert signed.signed_on_paper == "A. Person"
    assert signed.digest == item_of(tmp_path, RISK).digest


def test_contacts_are_due_when_the_first_of_them_is(tmp_path: Path) -> None:
    text = (
        "services:\n"
        "  - {id: a, checked_on: 2026-11-01, check_due: 2027-02-01}\n"
        "  - {id: b, checked_on: 2026-10-01, check_due: 2027-05-01}\n"
    )

    found = item_of(tmp_path, text)

    assert (found.reviewed_on, found.review_due) == (date(2026, 10, 1), date(2027, 2, 1))


CARDS = help_card_item("help_card", "Help card", CONTENT / "help_card.yml")


def test_the_help_cards_are_read_each_by_its_reader() -> None:
    for need in taxonomy().needs:
        for part in ("Cards", "Still with you"):
            name = f"{part} {need.replace('_', ' ')}"
            own = {
                block.heading: block.audiences
                for block in CARDS.blocks
                if block.heading.startswith(f"{name}, ")
            }
            assert own == {
                f"{name}, young person": ("young_person",),
                f"{name}, adult": ("parent", "professional"),
            }


def test_every_card_that_is_signed_says_999() -> None:
    read = [block for block in CARDS.blocks if block.audiences]
    cards = [block for block in read if not block.heading.startswith("Misread")]

    assert len(cards) >= 2 * 2 * len(taxonomy().needs)
    assert all("999" in " ".join(block.lines) for block in cards)


@pytest.mark.parametrize("words", ["The numbers are still at the top.", "You're welcome. Telling"])
def test_what_one_reader_is_told_after_a_card_is_signed_once_and_read_by_them_alone(
    words: str,
) -> None:
    told = [block for block in CARDS.blocks if any(words in line for line in block.lines)]

    assert [block.audiences for block in told if block.audiences != ("parent", "professional")] == [
        ("young_person",)
    ]


def test_what_is_said_between_answers_comes_from_the_domain_file() -> None:
    found = responses_item("responses", "Between", ROOT / "domain.yml")

    headings = [block.heading for block in found.blocks]
    assert "utter_cannot_call (audience parent)" in headings
    assert "utter_cannot_call" in headings


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="a mapping is expected"):
        item_of(tmp_path, "- a\n")
