"""The console's words: one for every value there can be, times as people in the UK read them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from safeguarding.escalations.recorded import HistoryEvent, Outcome, What
from safeguarding.taxonomy import Severity, taxonomy
from web.console import wording

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


@pytest.mark.parametrize("what", set(What) - {What.RAISED, What.OUTCOME_RECORDED})
def test_every_line_of_the_history_has_words(what: What) -> None:
    assert wording.what(HistoryEvent(WINTER, "gateway", what))


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


def test_the_history_says_how_the_severity_changed() -> None:
    raised = HistoryEvent(WINTER, "gateway", What.RAISED, {"from": "concern", "to": "urgent"})
    closed = HistoryEvent(
        WINTER, "x", What.OUTCOME_RECORDED, {"outcome": "false_alarm", "severity": "none"}
    )

    assert wording.what(raised) == "Raised it from concern to urgent"
    assert wording.what(closed) == "Recorded the outcome: False alarm; found it no risk"


def test_names_the_doer() -> None:
    assert wording.who("assistant", {}) == "The assistant"
    assert wording.who("id-1", {"id-1": "Ann"}) == "Ann"


def test_a_deadline_today_is_a_time() -> None:
    assert wording.deadline(WINTER, WINTER) == "9:05am today"
    assert wording.deadline(SUMMER, WINTER) == "6 July 2026 at 12:30am"
