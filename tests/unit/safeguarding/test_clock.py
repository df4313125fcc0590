"""Opening hours by the clock on the wall in the UK, and the words for them."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeguarding.clock import LONDON, HoursError, HoursRecord, OpeningHours, hours_line
from safeguarding.content.contacts import ContactPhrases
from tests.content import real_content

SAY = real_content().phrases.of("contacts", ContactPhrases)
ALL_HOURS = "Open day and night, every day."
OFFICE = HoursRecord(weekly={"mon-thu": "08:45-17:00", "fri": "08:45-16:00"})
EVENINGS = HoursRecord(
    weekly={"mon-thu": "17:00-24:00", "fri": "16:00-24:00", "sat-sun": "09:00-24:00"},
    bank_holidays="09:00-24:00",
    standby="00:00-09:00",
)
ROUND_THE_CLOCK = HoursRecord(weekly={"mon-sun": "00:00-24:00"}, bank_holidays="as usual")
TILL_MIDNIGHT = HoursRecord(weekly={"mon-sun": "08:00-24:00"})
MORNINGS = HoursRecord(weekly={"mon-sun": "09:00-12:00"})


def london(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-25T08:44", False),  # a Wednesday
        ("2026-11-25T08:45", True),
        ("2026-11-25T16:59", True),
        ("2026-11-25T17:00", False),
        ("2026-11-27T15:59", True),  # a Friday
        ("2026-11-27T16:00", False),
        ("2026-11-28T12:00", False),  # a Saturday
        ("2026-12-25T12:00", False),  # Christmas Day, a Friday
        ("2026-12-28T12:00", False),  # Boxing Day, observed on the Monday
        ("2026-04-06T12:00", False),  # Easter Monday
        ("2026-07-01T08:45", True),  # summer time: 07:45 UTC
        ("2026-07-01T17:00", False),
    ],
)
def test_keeps_office_hours_by_the_clock_on_the_wall(at: str, is_open: bool) -> None:
    assert OpeningHours(OFFICE).open_at(london(at)) is is_open


def test_a_moment_in_another_time_zone_is_the_same_moment() -> None:
    hours = OpeningHours(OFFICE)

    assert hours.open_at(datetime(2026, 7, 1, 7, 45, tzinfo=timezone.utc)) is True
    assert hours.open_at(datetime(2026, 7, 1, 16, 0, tzinfo=timezone.utc)) is False


def test_hours_past_midnight_belong_to_the_evening_before() -> None:
    hours = OpeningHours(HoursRecord(weekly={"fri": "18:00-02:00"}))

    assert hours.open_at(london("2026-11-28T01:59")) is True
    assert hours.open_at(london("2026-11-28T02:00")) is False
    assert hours.open_at(london("2026-11-27T01:00")) is False
    assert hours_line(hours, london("2026-11-27T23:00"), SAY) == "Open now until 2am tomorrow."


def test_the_hours_of_one_date_go_before_all_others() -> None:
    hours = OpeningHours(
        HoursRecord(
            weekly={"mon-sun": "09:00-17:00"},
            bank_holidays="as usual",
            special={date(2026, 12, 24): "09:00-12:00", date(2026, 12, 25): "closed"},
        )
    )

    assert hours.open_at(london("2026-12-24T12:30")) is False
    assert hours.open_at(london("2026-12-25T10:00")) is False
    assert hours.open_at(london("2026-12-26T10:00")) is True  # Boxing Day, as usual


@pytest.mark.parametrize(
    ("record", "at", "words"),
    [
        (OFFICE, "2026-11-25T10:00", "Open now until 5pm."),
        (OFFICE, "2026-11-25T16:30", "Closes soon: 5pm."),
        (OFFICE, "2026-11-25T16:29", "Open now until 5pm."),
        (OFFICE, "2026-11-25T08:00", "Closed now. Opens today 8.45am."),
        (OFFICE, "2026-11-25T18:00", "Closed now. Opens tomorrow 8.45am."),
        (OFFICE, "2026-11-27T18:00", "Closed now. Opens Monday 8.45am."),
        (OFFICE, "2026-12-24T18:00", "Closed now. Opens Tuesday 8.45am."),
        (EVENINGS, "2026-11-25T18:00", "Open now until 9am tomorrow."),
        (EVENINGS, "2026-11-27T18:00", "Open now until 9am on Monday."),
        (EVENINGS, "2026-11-25T12:00", "Closed now. Opens today 5pm."),
        (TILL_MIDNIGHT, "2026-11-25T12:00", "Open now until midnight."),
        (MORNINGS, "2026-11-25T10:00", "Open now until midday."),
        (ROUND_THE_CLOCK, "2026-11-25T10:00", ALL_HOURS),
        (HoursRecord(always=True), "2026-11-25T10:00", ALL_HOURS),
        (HoursRecord(words="Weekdays."), "2026-11-25T10:00", "Weekdays."),
        (
            HoursRecord(weekly={"mon": "09:00-10:00"}, special={date(2026, 11, 30): "closed"}),
            "2026-11-25T10:00",
            "Closed now. Opens Monday 7 December 9am.",
        ),
        (HoursRecord(weekly={"mon": "closed"}), "2026-11-25T10:00", "Closed now."),
    ],
)
def test_says_when_it_is_open_as_a_person_would(record: HoursRecord, at: str, words: str) -> None:
    assert hours_line(OpeningHours(record), london(at), SAY) == words


def test_hours_that_nobody_knows_are_neither_open_nor_closed() -> None:
    assert OpeningHours(HoursRecord(words="See their site.")).open_at(london("2026-11-25")) is None


@given(
    minutes=st.integers(min_value=0, max_value=2 * 366 * 1440),
)
def test_somebody_is_always_there_office_or_evenings(minutes: int) -> None:
    at = datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(minutes=minutes)

    assert OpeningHours(OFFICE).open_at(at) or OpeningHours(EVENINGS).open_at(at)


@given(minutes=st.integers(min_value=0, max_value=366 * 1440))
def test_the_words_agree_with_the_state(minutes: int) -> None:
    at = datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(minutes=minutes)
    hours = OpeningHours(EVENINGS)

    openings = ("Open now", "Closes soon")
    assert hours_line(hours, at, SAY).startswith(openings if hours.open_at(at) else "Closed now")


@pytest.mark.parametrize(
    "record",
    [
        HoursRecord(),
        HoursRecord(weekly={"someday": "09:00-17:00"}),
        HoursRecord(weekly={"fri-mon": "09:00-17:00"}),
        HoursRecord(weekly={"mon-fri": "09:00-17:00", "wed": "closed"}),
        HoursRecord(weekly={"mon": "9-5"}),
        HoursRecord(weekly={"mon": "09:00-09:00"}),
        HoursRecord(weekly={"mon": "09:00-24:30"}),
        HoursRecord(weekly={"mon": "24:00-09:00"}),
        HoursRecord(weekly={"mon": "09:00-17:00"}, bank_holidays="perhaps"),
    ],
)
def test_refuses_hours_that_make_no_sense(record: HoursRecord) -> None:
    with pytest.raises(HoursError):
        OpeningHours(record)
