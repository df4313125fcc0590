"""Addresses stay addresses, whatever the id."""

from __future__ import annotations

from web.console.addresses import address_of


def test_an_id_cannot_leave_its_place_in_the_address() -> None:
    assert address_of("../sign-out?x#y") == "/escalations/..%2Fsign-out%3Fx%23y"
