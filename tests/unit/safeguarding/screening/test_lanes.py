"""A lane that hangs is seen, also beside lanes that answer; one that is only slow is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from safeguarding.screening.lanes import (
    HANGS_S,
    LEAST_SHARE,
    LONG,
    SHORT,
    LaneWatch,
    waited_for_core_s,
)
from safeguarding.screening.process import LOOK_S


@pytest.fixture
def watch() -> LaneWatch:
    return LaneWatch(hangs_s=10)


def test_a_message_that_is_worked_on_for_too_long_is_seen_while_its_lane_answers_others(
    watch: LaneWatch,
) -> None:
    watch.asked(0, SHORT)
    watch.begun(0)
    for number in range(1, 12):
        assert watch.hanging() is None
        watch.asked(number, SHORT)
        watch.begun(number)
        watch.ended(number)
        watch.move_on(1, waited_s=0)

    assert watch.hanging() == SHORT


def test_a_lane_that_begins_with_nothing_is_seen(watch: LaneWatch) -> None:
    watch.asked(0, LONG)
    watch.move_on(10, waited_s=0)
    assert watch.hanging() is None

    watch.move_on(0.1, waited_s=0)
    assert watch.hanging() == LONG


def test_a_message_may_wait_for_long_behind_others_of_its_lane(watch: LaneWatch) -> None:
    for number in range(20):
        watch.asked(number, LONG)
    for number in range(20):
        watch.begun(number)
        watch.move_on(9, waited_s=0)
        assert watch.hanging() is None
        watch.ended(number)


def test_a_lane_that_owes_nothing_may_be_silent(watch: LaneWatch) -> None:
    watch.asked(0, SHORT)
    watch.begun(0)
    watch.ended(0)
    watch.move_on(1_000, waited_s=0)
    assert watch.hanging() is None

    watch.asked(1, SHORT)
    assert watch.hanging() is None


def test_what_is_not_asked_or_given_up_changes_nothing(watch: LaneWatch) -> None:
    watch.begun(7)
    watch.ended(7)
    watch.asked(0, SHORT)
    watch.begun(0)
    watch.ended(0)
    watch.begun(0)
    watch.move_on(100, waited_s=0)

    assert watch.hanging() is None


def test_time_in_which_the_process_waits_for_a_core_counts_in_part(watch: LaneWatch) -> None:
    watch.asked(0, SHORT)
    watch.begun(0)
    watch.move_on(30, waited_s=25)
    assert watch.hanging() is None

    watch.move_on(10 / LEAST_SHARE, waited_s=100)
    assert watch.hanging() == SHORT


def test_a_hang_is_seen_within_fifteen_seconds() -> None:
    assert HANGS_S + 2 * LOOK_S < 15


@pytest.mark.skipif(sys.platform != "linux", reason="the figures are Linux's")
def test_a_thread_that_sleeps_waits_for_no_core() -> None:
    asleep = subprocess.Popen(["sleep", "600"])
    try:
        before = waited_for_core_s(asleep.pid)
        time.sleep(0.5)
        after = waited_for_core_s(asleep.pid)
    finally:
        asleep.kill()
        asleep.wait()

    assert before.keys() == after.keys() == {str(asleep.pid)}
    assert after[str(asleep.pid)] - before[str(asleep.pid)] < 0.25
    assert waited_for_core_s(os.getpid())
    assert waited_for_core_s(asleep.pid) == {}
