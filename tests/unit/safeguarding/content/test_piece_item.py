"""A piece is signed with all that its readers read, and with what it rests on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from safeguarding.content.answer import read_answer
from safeguarding.content.items import Item
from safeguarding.content.piece_item import piece_item
from tests.content import ANSWER


def signed_words(tmp_path: Path, text: str = ANSWER) -> Item:
    path = tmp_path / "consent.md"
    path.write_text(text, "utf-8")
    answer = read_answer(path, None)
    return piece_item("answer", answer.head, answer.sections)


def test_holds_each_reading_the_contacts_the_sources_and_the_dates(tmp_path: Path) -> None:
    found = signed_words(tmp_path)

    assert (found.id, found.title) == ("answer:consent", "What is consent?")
    assert (found.reviewed_on, found.review_due) == (date(2026, 11, 25), date(2027, 5, 25))
    assert [(part.heading, part.audiences) for part in found.parts] == [
        ("What is said", ("young_person",)),
        ("What you can do", ("young_person",)),
        ("Contacts shown", ("young_person",)),
        ("What is said", ("parent",)),
        ("What you can do", ("parent",)),
        ("Offered next", ()),
        ("Sources", ()),
        ("Dates", ()),
    ]
    assert found.parts[6].lines == (
        "Sex and consent (Childline), 2024, read on 2026-11-25: https://www.childline.org.uk/",
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("you both really want to", "you both want to"),
        ("- Stop if", "- Do stop if"),
        ("What is consent?", "Consent"),
        ("Sex and consent", "Consent and sex"),
        ('"2024"', '"2025"'),
        ("read_on: 2026-11-25", "read_on: 2026-11-24"),
        ("review_due: 2027-05-25", "review_due: 2027-06-25"),
        ("[childline]", "[childline, ceop]"),
        ("[pledge]", "[teen_brain]"),
    ],
)
def test_whatever_a_reader_could_notice_asks_for_a_new_signature(
    tmp_path: Path, before: str, after: str
) -> None:
    assert before in ANSWER

    changed = signed_words(tmp_path, ANSWER.replace(before, after, 1))

    assert changed.digest != signed_words(tmp_path).digest


def test_a_signature_in_the_file_and_the_way_lines_are_broken_do_not(tmp_path: Path) -> None:
    text = ANSWER.replace("approved_by: null", "approved_by: A. Person")
    broken = text.replace("you both really want", "you both\nreally want")

    changed = signed_words(tmp_path, broken)

    assert changed.digest == signed_words(tmp_path).digest
    assert changed.signed_on_paper == "A. Person"


def test_what_only_this_sort_of_file_says_is_signed_as_well(tmp_path: Path) -> None:
    text = ANSWER.replace("contacts:", 'as_of: "2015"\ncontacts:').replace(
        "each time", "since 2015"
    )

    assert signed_words(tmp_path, text).parts[-1].lines == ("as of: 2015",)
