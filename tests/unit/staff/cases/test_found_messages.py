"""What was assessed is settled together; a disclosure waits for others half a second at most."""

from __future__ import annotations

import pytest

from safeguarding.risk.assessment import NO_RISK
from safeguarding.taxonomy import Severity
from staff.cases.found_messages import GRAVE_TOGETHER, HELD_S, TOGETHER, FoundMessages
from staff.cases.unassessed import AssessedRow
from tests.records import assessment, escalation


class Ticks:
    """A clock that a test moves."""

    at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def found(ticks: Ticks) -> FoundMessages:
    return FoundMessages(ticks)


def row(number: int, severity: Severity = Severity.NONE) -> AssessedRow:
    verdict = assessment(severity) if severity else NO_RISK
    return AssessedRow(number, escalation(), escalation(assessment=verdict))


def test_nothing_is_no_work(found: FoundMessages) -> None:
    assert (found.grave(is_last=True), found.harmless(is_last=True)) == ([], [])


@pytest.mark.parametrize("severity", [each for each in Severity if each])
def test_disclosures_wait_until_there_are_some(found: FoundMessages, severity: Severity) -> None:
    few = [row(number, severity) for number in range(GRAVE_TOGETHER - 1)]
    found.add(few)
    assert found.grave(is_last=False) == []

    last = row(99, severity)
    found.add([last])

    assert found.harmless(is_last=True) == []
    assert found.grave(is_last=False) == [*few, last]
    assert found.grave(is_last=True) == []


def test_a_disclosure_is_not_held_for_long(found: FoundMessages, ticks: Ticks) -> None:
    one, another = row(1, Severity.URGENT), row(2, Severity.CONCERN)
    found.add([one])
    ticks.at += HELD_S / 2
    found.add([another])
    assert found.grave(is_last=False) == []

    ticks.at += HELD_S / 2

    assert found.grave(is_last=False) == [one, another]


def test_the_next_disclosure_is_held_from_its_own_moment(
    found: FoundMessages, ticks: Ticks
) -> None:
    found.add([row(1, Severity.URGENT)])
    found.grave(is_last=True)
    ticks.at += 60
    found.add([row(2, Severity.URGENT)])

    assert found.grave(is_last=False) == []
    assert len(found.grave(is_last=True)) == 1


def test_harmless_ones_wait_for_each_other_however_long(found: FoundMessages, ticks: Ticks) -> None:
    found.add(row(number) for number in range(TOGETHER - 1))
    ticks.at += 60
    assert found.harmless(is_last=False) == []

    found.add([row(99)])

    assert found.grave(is_last=True) == []
    assert len(found.harmless(is_last=False)) == TOGETHER
