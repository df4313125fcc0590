"""A sender's fingerprint tells senders apart for a day, and leads back to no address."""

from __future__ import annotations

import pytest

from chat.gateway.fingerprint import SenderFingerprint
from tests.records import Clock

KEY = "a key of the tests that is long enough"


def fingerprint(clock: Clock, key: str = KEY) -> SenderFingerprint:
    return SenderFingerprint(key, clock)


def test_it_is_the_same_for_one_address_at_every_gateway() -> None:
    clock = Clock()

    assert fingerprint(clock).of("203.0.113.7") == fingerprint(clock).of("203.0.113.7")
    assert fingerprint(clock).of("203.0.113.7") != fingerprint(clock).of("203.0.113.8")


def test_it_is_another_one_the_next_day_and_under_another_key() -> None:
    clock = Clock()
    today = fingerprint(clock).of("203.0.113.7")
    other_key = fingerprint(clock, "another key that is long enough").of("203.0.113.7")
    clock.move(days=1)

    assert len({today, other_key, fingerprint(clock).of("203.0.113.7")}) == 3


def test_many_addresses_share_each_one() -> None:
    clock = Clock()
    addresses = [f"10.{a}.{b}.{c}" for a in range(2) for b in range(256) for c in range(256)]

    found = {fingerprint(clock).of(each) for each in addresses}

    assert len(found) < len(addresses)
    assert {len(each) for each in found} == {4}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("not an address", "not an address", True),
        ("\udcff", "x", False),
    ],
)
def test_a_network_of_ipv6_is_one_sender(one: str, other: str, same: bool) -> None:
    of = fingerprint(Clock()).of

    assert (of(one) == of(other)) is same
