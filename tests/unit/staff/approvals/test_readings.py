"""Readings: part after part, not faster than a person reads, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.content.items import Block, Item
from safeguarding.content.signing import ApprovalDecision
from staff.accounts.accounts import StaffAccounts
from staff.accounts.permissions import Role
from staff.approvals.approvals import Approvals
from staff.approvals.parts import ReadingPace
from staff.approvals.readings import (
    KEPT_FOR,
    READ_WITHIN,
    NotReadError,
    OutOfOrderError,
    Readings,
    TooSoonError,
)
from staff.approvals.tables import content_readings
from staff.audit.trail import AuditLog, EventFilter
from tests.content import item
from tests.records import PASSWORD, Clock
from tests.signing import read_through

LINE = "one two three four five six seven eight nine ten"
APPROVE = ApprovalDecision.APPROVED


def long(content_id: str = "answer:consent", lines: int = 120) -> Item:
    """Return an item of three parts, or of as many as its lines make."""
    words = tuple(f"{LINE} {number}" for number in range(lines))
    return replace(item(content_id), blocks=(Block("What is said", words),))


@pytest.fixture
def ann(accounts: StaffAccounts) -> str:
    return accounts.add("ann", PASSWORD, "Ann Smith", Role.LEAD).id


@pytest.fixture
def readings(engine: Engine, clock: Clock) -> Readings:
    return Readings(engine, clock)


@pytest.fixture
def approvals(engine: Engine, clock: Clock) -> Approvals:
    return Approvals(engine, clock)


def test_the_parts_open_one_after_the_other(readings: Readings, ann: str, clock: Clock) -> None:
    for number in (2, 3, 0, 99):
        with pytest.raises(OutOfOrderError):
            readings.open(long(), number, by=ann)

    readings.open(long(), 1, by=ann)
    clock.move(minutes=2)
    with pytest.raises(OutOfOrderError):
        readings.open(long(), 3, by=ann)
    readings.open(long(), 2, by=ann)

    assert readings.progress(long(), ann).opened == 2


def test_the_next_part_waits_until_this_one_can_be_read(
    readings: Readings, ann: str, clock: Clock
) -> None:
    readings.open(long(), 1, by=ann)
    words = readings.progress(long(), ann).parts[0].words
    opens_at = clock.at + timedelta(minutes=words / 300)

    clock.move(minutes=words / 300, seconds=-1)
    with pytest.raises(TooSoonError) as refused:
        readings.open(long(), 2, by=ann)
    assert refused.value.until == opens_at
    clock.move(seconds=1)
    readings.open(long(), 2, by=ann)


def test_a_part_that_is_open_opens_again_without_beginning_anew(
    readings: Readings, ann: str, engine: Engine
) -> None:
    readings.open(long(), 1, by=ann)
    readings.open(long(), 1, by=ann)

    with engine.connect() as connection:
        rows = sa.select(sa.func.count()).select_from(content_readings)
        assert connection.execute(rows).scalar_one() == 1


def test_words_are_not_signed_before_their_end_nor_faster_than_they_can_be_read(
    readings: Readings, approvals: Approvals, ann: str, clock: Clock
) -> None:
    for number in (1, 2, 3):
        with pytest.raises(NotReadError):
            approvals.decide(long(), APPROVE, by=ann)
        readings.open(long(), number, by=ann)
        clock.move(seconds=101 if number < 3 else 1)
    with pytest.raises(NotReadError):
        approvals.decide(long(), APPROVE, by=ann)

    clock.move(minutes=2)
    approvals.decide(long(), APPROVE, by=ann)

    assert approvals.standing(long()).signed


def test_ten_items_are_not_signed_by_a_script_in_seconds(
    readings: Readings, approvals: Approvals, ann: str, clock: Clock
) -> None:
    items = [long(f"answer:a{number}") for number in range(10)]
    began, signed = clock.at, 0
    while signed < len(items):
        each = items[signed]
        try:
            readings.open(each, readings.progress(each, ann).opened + 1, by=ann)
        except TooSoonError as error:
            clock.at = error.until
        except OutOfOrderError:
            clock.at = max(clock.at, readings.progress(each, ann).next_at or clock.at)
            approvals.decide(each, APPROVE, by=ann)
            signed += 1

    words = sum(readings.progress(each, ann).words for each in items)
    assert clock.at - began >= timedelta(minutes=words / 300)


def test_two_texts_are_not_read_at_the_same_time(
    readings: Readings, ann: str, clock: Clock
) -> None:
    readings.open(long(), 1, by=ann)

    with pytest.raises(TooSoonError):
        readings.open(long("answer:pledge"), 1, by=ann)
    clock.move(minutes=2)
    readings.open(long("answer:pledge"), 1, by=ann)


def test_nobody_reads_more_than_the_words_of_an_hour(
    engine: Engine, ann: str, clock: Clock
) -> None:
    readings = Readings(engine, clock, ReadingPace(words_per_hour=1_000))
    began = clock.at
    for number in (1, 2):
        readings.open(long(), number, by=ann)
        clock.move(minutes=5)

    with pytest.raises(TooSoonError) as refused:
        readings.open(long(), 3, by=ann)

    assert refused.value.until == began + timedelta(hours=1)
    clock.at = refused.value.until
    readings.open(long(), 3, by=ann)


def test_one_persons_reading_is_not_anothers(
    engine: Engine,
    readings: Readings,
    approvals: Approvals,
    accounts: StaffAccounts,
    ann: str,
    clock: Clock,
) -> None:
    bob = accounts.add("bob", PASSWORD, "Bob Jones", Role.LEAD).id
    read_through(engine, item(), ann, clock.at - timedelta(hours=1))

    with pytest.raises(NotReadError):
        approvals.decide(item(), APPROVE, by=bob)
    assert readings.progress(item(), bob).opened == 0


def test_other_words_are_read_from_their_beginning(
    engine: Engine, readings: Readings, approvals: Approvals, ann: str, clock: Clock
) -> None:
    read_through(engine, item(), ann, clock.at - timedelta(hours=1))

    with pytest.raises(NotReadError):
        approvals.decide(item(text="Both say yes."), APPROVE, by=ann)


def test_the_same_words_are_read_again_for_another_signature(
    engine: Engine, approvals: Approvals, ann: str, clock: Clock
) -> None:
    read_through(engine, item(), ann, clock.at - timedelta(hours=1))
    approvals.decide(item(), APPROVE, by=ann)
    approvals.decide(item(), ApprovalDecision.SENT_BACK, by=ann, note="The source has moved.")
    clock.move(hours=2)

    with pytest.raises(NotReadError):
        approvals.decide(item(), APPROVE, by=ann)


def test_what_was_read_long_ago_is_read_again(
    engine: Engine, readings: Readings, approvals: Approvals, ann: str, clock: Clock
) -> None:
    read_through(engine, long(), ann, clock.at)
    clock.at += READ_WITHIN + timedelta(seconds=1)

    with pytest.raises(NotReadError):
        approvals.decide(long(), APPROVE, by=ann)
    assert readings.progress(long(), ann).opened == 0


def test_sending_back_needs_no_reading(approvals: Approvals, ann: str) -> None:
    approvals.decide(long(), ApprovalDecision.SENT_BACK, by=ann, note="The first line is wrong.")


def test_of_two_windows_at_once_one_opens_the_part(
    readings: Readings, engine: Engine, ann: str
) -> None:
    items = [long(), long("answer:pledge"), long("answer:teen_brain"), long("answer:grooming")]

    def open_first(each: Item) -> bool:
        try:
            readings.open(each, 1, by=ann)
        except TooSoonError:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(open_first, items)) == [False, False, False, True]


def test_the_trail_says_how_long_was_read(
    engine: Engine, readings: Readings, approvals: Approvals, ann: str, clock: Clock
) -> None:
    readings.open(item(), 1, by=ann)
    clock.move(minutes=4)
    approvals.decide(item(), APPROVE, by=ann)

    (event,) = AuditLog(engine, clock).newest(EventFilter(what="content approved"), limit=9)
    assert (event.event.detail["words"], event.event.detail["read_s"]) == (17, 240)


def test_rows_are_deleted_after_a_time(
    engine: Engine, readings: Readings, ann: str, clock: Clock
) -> None:
    readings.open(long(), 1, by=ann)
    clock.at += KEPT_FOR + timedelta(days=1)
    readings.open(item(), 1, by=ann)

    with engine.connect() as connection:
        kept = connection.execute(sa.select(content_readings.c.digest)).scalars().all()
    assert kept == [item().digest]
