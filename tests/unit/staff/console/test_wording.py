"""The console has a label or a sentence for every value."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from safeguarding.content.items import Block
from safeguarding.content.signing import ApprovalDecision, ApprovalStatus
from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity, taxonomy
from staff.accounts.permissions import Role
from staff.console import wording
from staff.console.wording import CONTENT_STATUSES, DECISIONS, ROLES, readers, signer
from tests.content import TODAY, decided, item

WINTER = datetime(2026, 1, 5, 9, 5, tzinfo=timezone.utc)
SUMMER = datetime(2026, 7, 5, 23, 30, tzinfo=timezone.utc)


def test_every_outcome_and_severity_has_words() -> None:
    assert set(wording.OUTCOMES) == set(Outcome)
    assert set(wording.SEVERITIES) == set(wording.SEVERITY_HINTS) == set(Severity)


def test_every_audience_and_subject_has_words() -> None:
    for name in taxonomy().audiences:
        assert wording.audience(name)
    assert wording.audience(None) == "Not said"
    for name in taxonomy().subjects:
        assert "_" not in wording.subject(name)


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (1.0, "Very sure, over 99%"),
        (0.95, "Very sure, 95%"),
        (0.82, "Fairly sure, 82%"),
        (0.5, "More likely than not, 50%"),
        (0.21, "Unsure, 21%"),
        (0.05, "A faint sign, 5%"),
        (0.001, "A faint sign, under 1%"),
    ],
)
def test_says_how_sure_a_model_is(weight: float, words: str) -> None:
    assert wording.sureness(weight) == words


def test_a_sign_of_a_chat_has_words_whether_it_is_known_or_new() -> None:
    assert wording.chat_sign("moving-apps") == "moving to another app"
    assert wording.chat_sign("new_sign") == "new sign"


def test_names_the_doer() -> None:
    assert wording.who("assistant", {}) == "The assistant"
    assert wording.who("id-1", {"id-1": "Ann"}) == "Ann"


def test_nothing_that_can_happen_is_without_words() -> None:
    assert set(CONTENT_STATUSES) == set(ApprovalStatus)
    assert set(ROLES) == set(Role)
    assert set(DECISIONS) == set(ApprovalDecision)


@pytest.mark.parametrize(
    ("audiences", "words"),
    [
        ((), "Everyone"),
        (("young_person",), "Young people"),
        (("parent", "professional"), "Parents and carers and professionals"),
        (("young_person", "parent", "professional"), "Everyone"),
    ],
)
def test_says_who_reads_a_part(audiences: tuple[str, ...], words: str) -> None:
    assert readers(Block("x", (), audiences)) == words


def test_names_the_signer_with_the_role_of_then() -> None:
    assert signer(decided(item())) == "Ann (safeguarding lead)"


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (WINTER, "5 January 2026 at 9:05am"),
        (SUMMER, "6 July 2026 at 12:30am"),
        (WINTER.replace(hour=17, minute=0), "5 January 2026 at 5pm"),
    ],
)
def test_times_are_london_times(at: datetime, words: str) -> None:
    assert wording.moment(at) == words


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(seconds=20), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=119), "1 hour"),
        (timedelta(days=2, hours=5), "2 days"),
        (timedelta(seconds=-5), "less than a minute"),
    ],
)
def test_durations_in_their_largest_unit(duration: timedelta, words: str) -> None:
    assert wording.lasting(duration) == words


def test_a_deadline_today_is_a_time() -> None:
    assert wording.deadline(WINTER, WINTER) == "9:05am today"
    assert wording.deadline(SUMMER, WINTER) == "6 July 2026 at 12:30am"


def test_writes_a_day_in_full() -> None:
    assert wording.day(TODAY) == "25 November 2026"
