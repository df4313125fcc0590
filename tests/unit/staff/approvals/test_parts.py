"""An item is parted into pages that keep every line, and reading takes a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from safeguarding.content.items import Block, Item
from safeguarding.content.reader import read_catalogue
from staff.approvals.parts import PART_WORDS, ReadingPace, parts_of
from tests.content import item


def lines_in(what: Item) -> list[tuple[str, str]]:
    return [(block.heading, line) for block in what.blocks for line in block.lines]


def lines_of_parts(what: Item) -> list[tuple[str, str]]:
    parts = parts_of(what)
    return [(e.block.heading, line.text) for p in parts for e in p.blocks for line in e.lines]


def test_a_short_item_is_one_part() -> None:
    (part,) = parts_of(item())

    assert part.number == 1
    assert part.words == 17


def test_a_long_item_is_parted_and_no_line_is_lost_or_divided() -> None:
    lines = tuple(f"line {number} of the words" for number in range(400))
    long = replace(item(), blocks=(Block("One", lines[:250]), Block("Two", lines[250:])))

    parts = parts_of(long)

    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert len(parts) == 5
    assert all(part.words <= PART_WORDS + 5 for part in parts)
    assert lines_of_parts(long) == lines_in(long)


def test_a_line_longer_than_a_part_is_a_part_by_itself() -> None:
    long = replace(item(), blocks=(Block("One", ("short", "word " * 700, "short")),))

    assert [round(part.words, -2) for part in parts_of(long)] == [0, 700, 0]


def test_an_item_without_lines_is_still_read() -> None:
    assert len(parts_of(replace(item(), blocks=()))) == 1


def test_the_places_are_those_of_all_lines() -> None:
    places = [
        place
        for part in parts_of(item())
        for block in part.blocks
        for place in (block.place, *(line.place for line in block.lines))
    ]

    assert places == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("kind", ["answer", "risk", "reply", "responses"])
def test_the_real_content_is_parted_without_loss(kind: str) -> None:
    items = [each for each in read_catalogue().items.values() if each.kind == kind]

    assert items
    for each in items:
        assert lines_of_parts(each) == lines_in(each)


def test_reading_takes_a_time_in_proportion_to_the_words() -> None:
    assert ReadingPace().time_for(300) == timedelta(minutes=1)
    assert ReadingPace().time_for(13_967) > timedelta(minutes=46)
