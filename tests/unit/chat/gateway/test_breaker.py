"""The circuit breaker: left alone after failures, tried carefully, trusted again."""

from __future__ import annotations

from chat.gateway.rasa import OPENS_AFTER, Breaker, BreakerState


def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(OPENS_AFTER):
        breaker.failed()
    return breaker


def test_it_opens_after_failures_one_after_the_other() -> None:
    breaker = Breaker()
    for _ in range(OPENS_AFTER - 1):
        assert not breaker.failed()
    breaker.succeeded()

    failed = [breaker.failed() for _ in range(OPENS_AFTER + 1)]

    assert failed == [False] * (OPENS_AFTER - 1) + [True, False]
    assert breaker.state is BreakerState.OPEN


def test_a_server_that_half_open_is_tried_and_then_trusted() -> None:
    breaker = opened()

    breaker.half_open()
    tried = breaker.state
    breaker.succeeded()

    assert (tried, breaker.state) == (BreakerState.HALF_OPEN, BreakerState.CLOSED)


def test_one_that_says_so_and_fails_is_asked_less_and_less_often() -> None:
    breaker, pauses = opened(), []
    for _ in range(10):
        breaker.half_open()
        assert breaker.failed()
        pauses.append(breaker.pause_s)

    assert pauses[:3] == [1, 2, 4]
    assert pauses[-1] == 30
    breaker.half_open()
    breaker.succeeded()
    assert breaker.pause_s == Breaker().pause_s
