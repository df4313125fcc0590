"""No locked package has a known weakness without a written, unexpired exception."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from ops.doctor import ADVISORIES
from ops.doctor.confirmations import AdvisoryError, AdvisoryList, read_locks

TODAY = date(2026, 11, 27)
ENTRY = """
looked_on = 2026-11-27
[[advisory]]
package = "sanic"
ecosystem = "pypi"
affected = "<25.12.1"
ids = ["CVE-1"]
title = "headers"
source = "https://example.org"
verified = true
exposure = "the door"
"""
EXCEPTION = """
[advisory.exception]
reason = "held down"
given_on = 2026-11-27
until = 2027-05-27
"""


def problems(tmp_path: Path, text: str, version: str, today: date = TODAY) -> list[str]:
    path = tmp_path / "advisories.toml"
    path.write_text(text, encoding="utf-8")
    locked = {("pypi", "sanic"): {version}}
    return list(AdvisoryList.read(path).problems(locked, today))


def test_the_locks_hold_nothing_that_is_known_to_be_weak_and_not_excepted() -> None:
    today = date.today()  # noqa: DTZ011 - a day is enough
    assert list(AdvisoryList.read(ADVISORIES).problems(read_locks(), today)) == []


def test_every_lock_is_read() -> None:
    locked = read_locks()

    assert len(locked["pypi", "sanic"]) == 2
    assert locked["pypi", "torch"]
    assert locked["npm", "koa"]


def test_an_affected_version_without_an_exception_is_named(tmp_path: Path) -> None:
    assert problems(tmp_path, ENTRY, "25.12.1") == []
    [problem] = problems(tmp_path, ENTRY, "25.12.0")
    assert problem == "sanic CVE-1: 25.12.0 is locked and affected, without an exception"
    [problem] = problems(tmp_path, ENTRY, "25.12.0rc1")
    assert "25.12.0rc1" in problem


def test_an_exception_ends_and_is_not_kept_for_nothing(tmp_path: Path) -> None:
    excepted = ENTRY + EXCEPTION

    assert problems(tmp_path, excepted, "25.12.0") == []
    [ended] = problems(tmp_path, excepted, "25.12.0", date(2027, 5, 28))
    assert "ended on 2027-05-27" in ended
    [needless] = problems(tmp_path, excepted, "26.3")
    assert "not needed any more" in needless


@pytest.mark.parametrize(
    ("old", "new"),
    [('"<25.12.1"', '"before 25"'), ("verified = true", ""), ('"pypi"', '"cargo"')],
)
def test_a_list_that_makes_no_sense_is_refused(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(AdvisoryError):
        problems(tmp_path, ENTRY.replace(old, new), "1")


def test_no_exception_is_given_for_longer_than_half_a_year() -> None:
    listed = AdvisoryList.read(ADVISORIES)
    given = [each.exception for each in listed.advisory if each.exception]

    assert given
    assert max(each.until - each.given_on for each in given) <= timedelta(days=183)
