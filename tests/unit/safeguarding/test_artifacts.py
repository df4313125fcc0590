"""An artifact is used only if its bytes are those that the manifest names."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from safeguarding.artifacts import (
    ADAPTER,
    CALIBRATION,
    CHAT_THRESHOLDS,
    MANIFEST,
    WITNESS,
    checked,
    manifest,
)
from safeguarding.records import ContentError

DAY = date(2026, 11, 25)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "numbers.yml"
    file.write_text("a: 1\n", "utf-8")
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    entry = f"sha256: '{sha256}', made_by: make calibrate, data: d1, date: {DAY.isoformat()}"
    (tmp_path / MANIFEST).write_text(f"{file.name}: {{{entry}}}\n", "utf-8")
    return file


@pytest.mark.parametrize("name", [ADAPTER, WITNESS, CALIBRATION, CHAT_THRESHOLDS])
def test_each_file_in_use_is_the_one_of_the_manifest(name: str) -> None:
    assert checked(name).name == name


def test_a_file_that_agrees_with_the_manifest_is_accepted(file: Path) -> None:
    assert checked(file.name, file.parent) == file


def test_a_changed_file_is_refused(file: Path) -> None:
    file.write_text("a: 2\n", "utf-8")

    with pytest.raises(ContentError, match=r"numbers.yml:1: has SHA-256 .*; manifest.yml says "):
        checked(file.name, file.parent)


def test_a_missing_file_is_refused(file: Path) -> None:
    file.unlink()

    with pytest.raises(ContentError, match="No such file"):
        checked(file.name, file.parent)


def test_a_file_that_is_not_in_the_manifest_is_refused(file: Path) -> None:
    (file.parent / "other.yml").write_text("a: 1\n", "utf-8")

    with pytest.raises(ContentError, match=r"other.yml:1: is not in manifest.yml"):
        checked("other.yml", file.parent)


def test_the_manifest_tells_how_and_when_a_file_was_made(file: Path) -> None:
    listed = manifest(file.parent)[file.name]
    whole = hashlib.sha256(file.read_bytes()).hexdigest()

    assert (listed.sha256, listed.version) == (whole, whole[:12])
    assert (listed.made_by, listed.data, listed.date) == ("make calibrate", "d1", DAY)
