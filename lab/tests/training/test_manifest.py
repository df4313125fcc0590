"""A file that training wrote is entered into the manifest, which accepts it from then on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lab.training.manifest import digest, enter
from safeguarding.artifacts import checked, manifest

DAY = date(2026, 11, 25)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "numbers.yml"
    file.write_text("a: 1\n", "utf-8")
    enter(file, made_by="make calibrate", data="d1", on=DAY)
    return file


def test_an_entered_file_is_accepted(file: Path) -> None:
    listed = manifest(file.parent)[file.name]

    assert checked(file.name, file.parent) == file
    assert (listed.made_by, listed.data, listed.date) == ("make calibrate", "d1", DAY)


def test_the_entry_of_a_file_is_replaced_when_it_is_made_again(file: Path) -> None:
    file.write_text("a: 2\n", "utf-8")
    enter(file, made_by="make calibrate", data="d2", on=DAY)

    assert checked(file.name, file.parent) == file
    assert [each.data for each in manifest(file.parent).values()] == ["d2"]


def test_the_digest_of_data_does_not_depend_on_its_order() -> None:
    assert digest([["one", 1], ["two", 2]]) == digest([["two", 2], ["one", 1]])
    assert digest([["one", 1], ["two", 2]]) != digest([["one", 2], ["two", 1]])
