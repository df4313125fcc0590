"""The throttle slows guessing down, by name and by address."""

from __future__ import annotations

from web.console.throttle import SignInLimits, SignInThrottle


def test_a_name_may_be_tried_so_often_and_no_more() -> None:
    throttle = SignInThrottle(SignInLimits(per_name=2, per_address=99))

    waits = [throttle.wait_s(name, "192.0.2.1") for name in ("ann", " ANN ", "ann")]

    assert waits[:2] == [0, 0]
    assert 0 < waits[2] <= 900


def test_an_address_may_try_so_many_names_and_no_more() -> None:
    throttle = SignInThrottle(SignInLimits(per_name=9, per_address=2))

    waits = [throttle.wait_s(f"name{number}", "192.0.2.1") for number in range(3)]

    assert waits[:2] == [0, 0]
    assert waits[2] > 0
    assert throttle.wait_s("name", "192.0.2.2") == 0


def test_forgets_a_name_whose_owner_came_in() -> None:
    throttle = SignInThrottle(SignInLimits(per_name=1, per_address=99))
    throttle.wait_s("ann", "192.0.2.1")
    throttle.forget("Ann")

    assert throttle.wait_s("ann", "192.0.2.1") == 0
