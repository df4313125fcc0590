"""Which connections a process holds, and which of them makes room."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from web.budget import (
    DESCRIPTORS_KEPT_BACK,
    MOST_CONNECTIONS,
    Budget,
    ConnectionState,
    allowed_by,
    network_of,
)


@dataclass(eq=False)
class Made:
    """A connection that says what it is told to say."""

    doing: ConnectionState = ConnectionState.SILENT
    held_bytes: int = 0
    dropped: bool = False

    def use(self) -> ConnectionState:
        return self.doing

    def drop(self) -> None:
        self.dropped = True


def test_the_oldest_silent_one_makes_room_for_the_next() -> None:
    budget = Budget(3, None)
    busy, first, second, new = Made(ConnectionState.ANSWERED), Made(), Made(), Made()

    assert all(budget.admit(each, "192.0.2.1") for each in (busy, first, second, new))

    assert [each.dropped for each in (busy, first, second, new)] == [False, True, False, False]
    assert (len(budget), budget.dropped, budget.refused) == (3, 1, 0)


@pytest.mark.parametrize(
    "worth",
    [
        ConnectionState.WAITING,
        ConnectionState.HEADERS,
        ConnectionState.BODY,
        ConnectionState.READING,
    ],
)
def test_what_is_worth_least_makes_room(worth: ConnectionState) -> None:
    budget = Budget(2, None)
    more, less = Made(ConnectionState(worth + 1)), Made(worth)
    budget.admit(more, "192.0.2.1")
    budget.admit(less, "192.0.2.1")

    assert budget.admit(Made(), "192.0.2.2")
    assert (more.dropped, less.dropped) == (False, True)


def test_a_request_that_is_being_answered_is_never_closed() -> None:
    budget = Budget(2, None)
    held = [Made(ConnectionState.ANSWERED), Made(ConnectionState.ANSWERED)]
    for each in held:
        budget.admit(each, "192.0.2.1")

    assert not budget.admit(Made(), "192.0.2.2")
    assert not any(each.dropped for each in held)
    assert budget.refused == 1


def test_one_address_cannot_take_what_is_there_for_all() -> None:
    budget = Budget(10, 2)
    held = [Made(), Made(), Made()]
    other = Made()
    budget.admit(other, "198.51.100.1")
    for each in held:
        budget.admit(each, "192.0.2.1")

    assert [each.dropped for each in (other, *held)] == [False, True, False, False]
    held[1].doing = held[2].doing = ConnectionState.ANSWERED
    assert not budget.admit(Made(), "192.0.2.1")
    assert budget.admit(Made(), "198.51.100.2")


def test_who_has_one_connection_keeps_it_while_another_has_many() -> None:
    budget = Budget(4, 3)
    alone, crowd = Made(ConnectionState.SILENT), [Made(ConnectionState.HEADERS) for _ in range(3)]
    budget.admit(alone, "198.51.100.1")
    for each in crowd:
        budget.admit(each, "192.0.2.1")

    assert budget.admit(Made(), "198.51.100.2")
    assert [each.dropped for each in (alone, *crowd)] == [False, True, False, False]


def test_what_is_closed_no_longer_counts() -> None:
    budget = Budget(10, 1)
    first = Made(ConnectionState.ANSWERED)
    budget.admit(first, "192.0.2.1")
    budget.forget(first)
    budget.forget(first)

    assert len(budget) == 0
    assert budget.admit(Made(), "192.0.2.1")


def test_the_heaviest_that_still_arrives_makes_room_for_bytes() -> None:
    budget = Budget(10, None, most_bytes=100)
    light, heavy, answered = (
        Made(ConnectionState.BODY),
        Made(ConnectionState.BODY),
        Made(ConnectionState.ANSWERED),
    )
    for each in (light, heavy, answered):
        budget.admit(each, "192.0.2.1")
    budget.holds(answered, 40)
    budget.holds(heavy, 50)
    assert not heavy.dropped

    budget.holds(light, 20)

    assert (heavy.dropped, light.dropped, answered.dropped) == (True, False, False)
    budget.holds(light, 60)
    assert not light.dropped


@pytest.mark.parametrize(
    ("descriptors", "most"),
    [
        (256, 64),
        (1_024, 1_024 - DESCRIPTORS_KEPT_BACK),
        (524_288, MOST_CONNECTIONS),
        (1, 1),
    ],
)
def test_descriptors_are_kept_back_for_the_record(descriptors: int, most: int) -> None:
    assert allowed_by(descriptors) == most


def test_behind_a_proxy_all_come_from_one_address() -> None:
    direct, behind = Budget.of_this_process(0), Budget.of_this_process(1)

    for budget, admitted in ((direct, direct.most // 2), (behind, behind.most)):
        held = [Made(ConnectionState.ANSWERED) for _ in range(budget.most)]
        assert sum(budget.admit(each, "127.0.0.1") for each in held) == admitted


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_subscriber_is_one_network(address: str, network: str) -> None:
    assert network_of(address) == network
