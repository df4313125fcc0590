"""An artifact is used only when its bytes are those that the manifest names."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from safeguarding.artifacts import (
    ADAPTER,
    CALIBRATION,
    CHAT_THRESHOLDS,
    WITNESS,
    add_to_manifest,
    checked,
    digest_of,
    manifest,
)
from safeguarding.records import ContentError

DAY = date(2026, 11, 25)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "numbers.yml"
    file.write_text("a: 1\n", "utf-8")
    add_to_manifest(file, made_by="make calibrate", data="d1", on=DAY)
    return file


@pytest.mark.parametrize("name", [ADAPTER, WITNESS, CALIBRATION, CHAT_THRESHOLDS])
def test_every_file_that_running_needs_is_the_one_of_the_manifest(name: str) -> None:
    assert checked(name).name == name


def test_a_file_that_is_what_the_manifest_says_is_given(file: Path) -> None:
    assert checked(file.name, file.parent) == file


def test_a_changed_file_is_refused(file: Path) -> None:
    file.write_text("a: 2\n", "utf-8")

    with pytest.raises(ContentError, match=r"numbers.yml:1: has SHA-256 .*; manifest.yml says "):
        checked(file.name, file.parent)


def test_a_missing_file_is_refused(file: Path) -> None:
    file.unlink()

    with pytest.raises(ContentError, match="No such file"):
        checked(file.name, file.parent)


def test_a_file_that_no_command_has_written_is_refused(file: Path) -> None:
    (file.parent / "other.yml").write_text("a: 1\n", "utf-8")

    with pytest.raises(ContentError, match=r"other.yml:1: is not in manifest.yml"):
        checked("other.yml", file.parent)


def test_the_manifest_says_what_made_a_file_from_what_and_when(file: Path) -> None:
    listed = manifest(file.parent)["numbers.yml"]
    whole = hashlib.sha256(file.read_bytes()).hexdigest()

    assert (listed.sha256, listed.version) == (whole, whole[:12])
    assert (listed.made_by, listed.data, listed.date) == ("make calibrate", "d1", DAY)


def test_a_file_made_anew_takes_the_place_of_the_old_one(file: Path) -> None:
    file.write_text("a: 2\n", "utf-8")
    add_to_manifest(file, made_by="make calibrate", data="d2", on=DAY)

    assert checked(file.name, file.parent) == file
    assert [each.data for each in manifest(file.parent).values()] == ["d2"]


def test_the_digest_of_data_does_not_depend_on_its_order() -> None:
    assert digest_of([["one", 1], ["two", 2]]) == digest_of([["two", 2], ["one", 1]])
    assert digest_of([["one", 1], ["two", 2]]) != digest_of([["one", 2], ["two", 1]])
