"""The name of a spooled file says severity and area, and whether the message was assessed."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from safeguarding.escalation import NOT_ASSESSED
from safeguarding.taxonomy import Severity
from storage.spooled_file import SpooledState, read_name, told_of, with_assessment
from tests.records import NOON, assessment, escalation

ASSESSED, UNASSESSED, FAILED = SpooledState
LATE = {"screening": "late"}


@pytest.mark.parametrize("severity", Severity)
@pytest.mark.parametrize("area", [None, "wiltshire", "bath_and_north_east_somerset"])
def test_severity_and_area_are_read_back(severity: Severity, area: str | None) -> None:
    told = told_of(escalation(assessment=assessment(severity), area=area))

    for name in (f"m1.{told}.v1", f"m1.{told}.0123456789abcdef.v1"):
        file = read_name(name, NOON.timestamp())
        assert (file.severity, file.area, file.state) == (severity, area, ASSESSED)
        assert (file.name, file.kept_at) == (name, NOON)


def test_an_area_that_no_name_can_hold_is_left_out() -> None:
    assert told_of(escalation(area="../x")) == "concern"


def test_a_message_that_waits_for_its_assessment_counts_as_urgent() -> None:
    told = told_of(escalation(assessment=NOT_ASSESSED, extra=LATE))

    assert told == "not_assessed-wiltshire"
    file = read_name(f"m1.{told}.v1", 0.0)
    assert (file.severity, file.area, file.state) == (Severity.URGENT, "wiltshire", UNASSESSED)


@pytest.mark.parametrize("rest", ["", "-wiltshire", "-wiltshire.0123456789abcdef", ".0123abcd"])
@pytest.mark.parametrize("severity", [*Severity, None])
def test_what_was_found_later_is_read_back(rest: str, severity: Severity | None) -> None:
    name = with_assessment(f"not_assessed.not_assessed{rest}.v1", severity)
    file = read_name(name, 0.0)

    found = (Severity.URGENT, FAILED) if severity is None else (severity, ASSESSED)
    assert (file.severity, file.state) == found
    assert file.area == ("wiltshire" if "wiltshire" in rest else None)
    assert name.startswith("not_assessed.not_assessed_")
    assert name.endswith(".v1")


@pytest.mark.parametrize("name", ["m1.v1", "m1.0123456789abcdef.v1", ".v1", "m1.not_assessed_x.v1"])
def test_a_name_that_says_nothing_counts_as_immediate(name: str) -> None:
    file = read_name(name, 0.0)

    assert (file.severity, file.area) == (Severity.IMMEDIATE, None)
    assert file.kept_at == datetime(1970, 1, 1, tzinfo=timezone.utc)
