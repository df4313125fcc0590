"""An article is signed with all that its readers read, and with what it rests on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from safeguarding.content.article_file import read_article
from safeguarding.content.items import Item
from tests.content import ANSWER


def signed_words(tmp_path: Path, text: str = ANSWER) -> Item:
    path = tmp_path / "consent.md"
    path.write_text(text, "utf-8")
    return read_article("answer", path, None).item


def test_holds_each_reading_the_contacts_the_sources_and_the_dates(tmp_path: Path) -> None:
    found = signed_words(tmp_path)

    assert (found.id, found.title) == ("answer:consent", "What is consent?")
    assert (found.reviewed_on, found.review_due) == (date(2026, 11, 25), date(2027, 5, 25))
    assert [(block.heading, block.audiences) for block in found.blocks] == [
        ("What is said", ("young_person",)),
        ("What you can do", ("young_person",)),
        ("Contacts shown", ("young_person",)),
        ("What is said", ("parent",)),
        ("What you can do", ("parent",)),
        ("Offered next", ()),
        ("Sources", ()),
        ("Dates", ()),
    ]
    assert found.blocks[6].lines == (
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

    assert signed_words(tmp_path, text).blocks[-1].lines == ("as of: 2015",)


def test_words_for_younger_children_are_signed_and_printed_for_young_people(tmp_path: Path) -> None:
    before = signed_words(tmp_path)
    younger = "\n## younger\n\nYou both say yes.\n"

    found = signed_words(tmp_path, ANSWER + younger)

    assert found.digest != before.digest
    (block,) = [block for block in found.blocks if "8 to 11 years" in block.heading]
    assert block.lines == ("You both say yes.",)
    assert block.audiences == ("young_person",)
