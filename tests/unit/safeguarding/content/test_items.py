"""The digest is of exactly the words that a person reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from safeguarding.content.items import Block, kind_of, opened, word_count
from safeguarding.content.reader import KINDS
from tests.content import item


def test_the_same_words_have_the_same_digest() -> None:
    assert item().digest == item().digest
    assert len(item().digest) == 64


def test_the_digest_is_the_same_in_every_process() -> None:
    known = "7c858bbac8b6e747eb189359eb10066696916b04df487d8280cd168ef6cdd813"

    assert item().digest == known


@pytest.mark.parametrize(
    "changed",
    [
        item(text="Both want to!"),
        item(text="Both  want to."),
        item("answer:pledge"),
        replace(item(), title="Consent"),
        replace(item(), blocks=item().blocks[:1]),
        replace(item(), blocks=item().blocks[::-1]),
        replace(
            item(), blocks=(replace(item().blocks[0], audiences=("parent",)), item().blocks[1])
        ),
    ],
)
def test_any_change_of_what_somebody_reads_changes_it(changed: object) -> None:
    assert changed.digest != item().digest  # type: ignore[attr-defined]


def test_a_name_in_the_file_is_no_part_of_the_words() -> None:
    assert replace(item(), signed_on_paper="A. Person").digest == item().digest


def test_the_words_that_are_kept_can_be_read_again() -> None:
    again = opened(item().words)

    assert (again.id, again.title, again.blocks) == (item().id, item().title, item().blocks)
    assert again.digest == item().digest


def test_a_reader_gets_their_own_words_and_everyones() -> None:
    blocks = (
        Block("a", (), ("parent",)),
        Block("b", (), ("young_person", "parent")),
        Block("c", ()),
    )

    found = replace(item(), blocks=blocks).for_reader("young_person")

    assert [block.heading for block in found] == ["b", "c"]


@pytest.mark.parametrize(
    ("content_id", "people"),
    [
        ("risk:grooming", 2),
        ("help_card", 2),
        ("responses", 2),
        ("guide:sextortion", 2),
        ("language_card:pl", 2),
        ("reply:adults", 1),
        ("answer:consent", 1),
        ("opening", 1),
    ],
)
def test_what_is_about_risk_needs_two_people(content_id: str, people: int) -> None:
    assert KINDS.people_needed(content_id) == people


def test_the_kind_is_what_the_id_begins_with() -> None:
    assert [kind_of("risk:grooming"), kind_of("help_card")] == ["risk", "help_card"]


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("In danger? Call 999.", 4), ("one - two", 2), ("can't\nstop", 2)],
)
def test_counts_what_a_reader_reads(text: str, count: int) -> None:
    assert word_count(text) == count
