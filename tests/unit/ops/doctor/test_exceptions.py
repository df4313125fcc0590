"""Departures from a standard: accepted by a person, decided again, and readable."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from ops.doctor import EXCEPTIONS, CheckState, Finding, Installation, find
from ops.doctor.exceptions import CHECKS, read_exceptions
from safeguarding.clock import utc_now
from safeguarding.records import ContentError

TOMORROW = (utc_now() + timedelta(days=1)).date()


def entry(name: str, signed_by: str = "A. Lead", review: date = TOMORROW, why: str = "so") -> str:
    return (
        f"  - {{id: {name}, standard: s, what: w, why: '{why}', owner: o, "
        f"signed_by: {signed_by}, review: {review.isoformat()}}}\n"
    )


def finding(here: Installation, folder: Path, *entries: str) -> Finding:
    path = folder / "exceptions.yml"
    listed = "".join(entries) or "  []\n"
    path.write_text(f"exceptions:\n{listed}", "utf-8")
    return find(CHECKS["exceptions"], replace(here, exceptions=path))


def test_those_without_a_signature_are_counted_and_named(
    here: Installation, tmp_path: Path
) -> None:
    one = finding(here, tmp_path, entry("EX-A"), entry("EX-B", "null"))
    assert one.says == "1 exception waits for a signature: EX-B"

    two = finding(here, tmp_path, entry("EX-A", "null"), entry("EX-B", "null"))
    assert (two.state, two.says) == (
        CheckState.NOT_READY,
        "2 exceptions wait for a signature: EX-A, EX-B",
    )

    names = (entry(f"EX-{letter}", "null") for letter in "ABCD")
    assert finding(here, tmp_path, *names).says.endswith("EX-A, EX-B, EX-C …")


def test_a_signed_one_is_decided_again_on_its_day(here: Installation, tmp_path: Path) -> None:
    signed = finding(here, tmp_path, entry("EX-A"))
    assert (signed.state, signed.says) == (
        CheckState.OK,
        f"1 signed, the next review is on {TOMORROW.isoformat()}",
    )

    later = replace(here, now=lambda: utc_now() + timedelta(days=3))
    overdue = finding(later, tmp_path, entry("EX-A"))
    assert (overdue.state, overdue.says) == (CheckState.NOT_READY, "past review: EX-A")


def test_no_exception_is_well(here: Installation, tmp_path: Path) -> None:
    assert finding(here, tmp_path).state is CheckState.OK


@pytest.mark.parametrize(
    ("entries", "wrong"),
    [
        ([entry("EX-A"), entry("EX-A")], "twice"),
        ([entry("EX-A", why=" ")], "`why` is empty"),
        ([entry("EX-A", signed_by="''")], "`signed_by` is empty"),
        (["  - {id: EX-A}\n"], "missing required field"),
    ],
)
def test_a_file_that_says_too_little_is_not_ready(
    here: Installation, tmp_path: Path, entries: list[str], wrong: str
) -> None:
    found = finding(here, tmp_path, *entries)

    assert (found.state, wrong in found.says) == (CheckState.NOT_READY, True)


def test_a_missing_file_is_not_ready(here: Installation, tmp_path: Path) -> None:
    gone = replace(here, exceptions=tmp_path / "gone.yml")

    assert find(CHECKS["exceptions"], gone).state is CheckState.NOT_READY
    with pytest.raises(ContentError):
        read_exceptions(gone.exceptions)


def test_ours_can_be_read() -> None:
    listed = read_exceptions(EXCEPTIONS)

    assert listed
    assert all(each.id.startswith("EX-") for each in listed)
