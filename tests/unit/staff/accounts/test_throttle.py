"""The throttle slows strangers down, and never a colleague because of them."""

from __future__ import annotations

import pytest

from staff.accounts.throttle import SignInAttempt, SignInLimits, SignInThrottle
from tests.unit.staff.console.conftest import Timer

HERE, THERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def timer() -> Timer:
    return Timer()


def throttle(timer: Timer, **free: int) -> SignInThrottle:
    usual = {"own": 99, "per_pair": 99, "per_name": 99, "per_address": 99}
    return SignInThrottle(SignInLimits(**usual | free), timer)


def test_a_name_may_be_tried_so_often_from_one_address_however_it_is_typed(timer: Timer) -> None:
    limited = throttle(timer, per_pair=2)

    waits = [limited.wait_s(SignInAttempt(name, HERE)) for name in ("ann", " ANN ", "ann")]

    assert waits == [0, 0, 30]
    assert limited.wait_s(SignInAttempt("ann", THERE)) == 0


def test_each_wait_is_twice_the_one_before_and_ends_at_fifteen_minutes(timer: Timer) -> None:
    limited = throttle(timer, per_pair=1)
    waits = []
    limited.wait_s(SignInAttempt("ann", HERE))
    for _ in range(8):
        waits.append(limited.wait_s(SignInAttempt("ann", HERE)))
        timer.at += waits[-1]
        assert limited.wait_s(SignInAttempt("ann", HERE)) == 0

    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_trying_while_one_waits_makes_it_no_longer(timer: Timer) -> None:
    limited = throttle(timer, per_pair=1)
    limited.wait_s(SignInAttempt("ann", HERE))

    waits = [limited.wait_s(SignInAttempt("ann", HERE)) for _ in range(50)]

    assert set(waits) == {30}


def test_strangers_at_a_thousand_addresses_wait_for_one_another(timer: Timer) -> None:
    limited = throttle(timer, per_name=5)

    through = sum(
        limited.wait_s(SignInAttempt("ann", f"10.0.{n // 99}.{n % 99}")) == 0 for n in range(999)
    )

    assert through == 5


def test_one_stranger_may_try_only_so_many_names(timer: Timer) -> None:
    limited = throttle(timer, per_address=2)

    waits = [limited.wait_s(SignInAttempt(f"name{number}", HERE)) for number in range(3)]

    assert waits[:2] == [0, 0]
    assert waits[2] > 0


@pytest.mark.parametrize(
    "own", [SignInAttempt("ann", THERE, device="d1"), SignInAttempt("ann", HERE)]
)
def test_strangers_never_make_a_known_browser_or_address_wait(
    timer: Timer, own: SignInAttempt
) -> None:
    limited = throttle(timer, per_pair=1, per_name=1, per_address=1, own=3)
    limited.wait_s(own)
    limited.succeeded(own)
    for number in range(500):
        limited.wait_s(SignInAttempt("ann", f"203.0.113.{number % 250}"))
        limited.wait_s(SignInAttempt(f"name{number}", HERE))
        limited.wait_s(SignInAttempt(f"name{number}", THERE))

    assert limited.wait_s(own) == 0


def test_the_owner_waits_a_minute_at_most(timer: Timer) -> None:
    limited = throttle(timer, own=3)
    own = SignInAttempt("ann", HERE, device="d1")
    waits = []
    for _ in range(30):
        waits.append(limited.wait_s(own))
        timer.at += waits[-1]

    assert waits[:3] == [0, 0, 0]
    assert max(waits) == 60


def test_a_right_password_clears_earlier_wrong_attempts(timer: Timer) -> None:
    limited = throttle(timer, per_pair=2, per_name=2, per_address=2, own=2)
    for _ in range(9):
        own = SignInAttempt("ann", HERE)
        assert limited.wait_s(own) == 0
        limited.succeeded(own)


def test_a_right_password_does_not_clear_attempts_at_other_names(timer: Timer) -> None:
    limited = throttle(timer, per_address=3)
    for number in range(2):
        limited.wait_s(SignInAttempt(f"name{number}", HERE))
    own = SignInAttempt("eve", HERE)
    limited.wait_s(own)
    limited.succeeded(own)

    assert limited.wait_s(SignInAttempt("name2", HERE)) == 0
    assert limited.wait_s(SignInAttempt("name3", HERE)) > 0
