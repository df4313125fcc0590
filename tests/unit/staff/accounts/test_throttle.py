"""The throttle slows strangers down, and never a colleague because of them."""

from __future__ import annotations

import pytest

from staff.accounts.throttle import CodeAttempt, SignInAttempt, SignInLimits, SignInThrottle
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


VALID_CODES = 3
"""Of a million: the app's code of now, of the half minute before and of the one after."""
DAY_S = 24 * 3600


def guesses_in_a_day(limited: SignInThrottle, timer: Timer, *attempts: CodeAttempt) -> int:
    """Guess for a day, from the first of these places that need not wait; return how often."""
    until, count = timer.at + DAY_S, 0
    while timer.at < until:
        waits = []
        for attempt in attempts:
            waits.append(limited.code_wait_s(attempt))
            if waits[-1] == 0:
                count += 1
                break
        else:
            timer.at += min(waits)
    return count


def test_strangers_guess_a_code_with_a_chance_below_one_in_a_thousand_a_day(timer: Timer) -> None:
    limited = SignInThrottle(SignInLimits(), timer)
    everywhere = [CodeAttempt("ann", f"203.0.113.{n}") for n in range(250)]

    guesses = [guesses_in_a_day(limited, timer, *everywhere) for _ in range(2)]

    assert guesses == [199, 96]
    assert max(guesses) * VALID_CODES / 1_000_000 < 0.001


@pytest.mark.parametrize("pause_s", [600, 3_600, 12 * 3_600, DAY_S - 1, DAY_S])
def test_a_stranger_who_pauses_guesses_no_more_often(timer: Timer, pause_s: int) -> None:
    limited = SignInThrottle(SignInLimits(), timer)
    guesses, days = 0, 10
    until = timer.at + days * DAY_S
    while timer.at < until:
        while any(
            limited.code_wait_s(CodeAttempt("ann", f"203.0.113.{n}")) == 0 for n in range(250)
        ):
            guesses += 1
        timer.at += pause_s

    assert guesses / days * VALID_CODES / 1_000_000 < 0.001


def test_a_known_browser_that_was_stolen_guesses_no_more_either(timer: Timer) -> None:
    limited = SignInThrottle(SignInLimits(), timer)

    guesses = guesses_in_a_day(limited, timer, CodeAttempt("ann", HERE, device="d1"))

    assert guesses * VALID_CODES / 1_000_000 < 0.001


def test_wrong_codes_of_strangers_never_make_a_known_browser_wait(timer: Timer) -> None:
    """Not even where the stranger sits behind the same address, or has a browser of their own."""
    limited = throttle(timer, per_pair=1, codes_per_account=1, own=3)
    for number in range(500):
        limited.code_wait_s(CodeAttempt("ann", HERE))
        limited.code_wait_s(CodeAttempt("ann", f"203.0.113.{number % 250}"))
        limited.code_wait_s(CodeAttempt("ann", HERE, device="another"))

    assert limited.code_wait_s(CodeAttempt("ann", HERE, device="d1")) == 0
    assert limited.code_wait_s(CodeAttempt("bob", HERE)) == 0


def test_one_stranger_leaves_a_new_browser_elsewhere_alone(timer: Timer) -> None:
    limited = SignInThrottle(SignInLimits(), timer)
    for _ in range(3):
        guesses_in_the_hour = 0
        while (wait := limited.code_wait_s(CodeAttempt("ann", THERE))) < 900:
            guesses_in_the_hour += 1
            timer.at += wait

    assert limited.code_wait_s(CodeAttempt("ann", HERE)) == 0


def test_a_right_code_forgets_its_own_wrong_ones_and_not_those_of_strangers(timer: Timer) -> None:
    limited = throttle(timer, per_pair=2, codes_per_account=4, own=2)
    for _ in range(9):
        own = CodeAttempt("ann", HERE, device="d1")
        assert limited.code_wait_s(own) == 0
        limited.code_was_right(own)
    for number in range(3):
        limited.code_wait_s(CodeAttempt("ann", f"203.0.113.{number}"))

    new_browser = CodeAttempt("ann", HERE)
    assert limited.code_wait_s(new_browser) == 0
    limited.code_was_right(new_browser)

    waits = [limited.code_wait_s(CodeAttempt("ann", f"203.0.114.{n}")) for n in range(2)]
    assert waits == [0, 30]
