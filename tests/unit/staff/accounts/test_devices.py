"""A browser is known after a sign-in, for that account, for half a year, by a changing token."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from staff.accounts.accounts import Staff
from staff.accounts.devices import KnownDevices
from staff.accounts.tables import staff_devices
from tests.records import PASSWORD, Clock, accounts_on


@pytest.fixture
def devices(engine: Engine, clock: Clock) -> KnownDevices:
    return KnownDevices(engine, clock)


@pytest.fixture
def ann(engine: Engine) -> Staff:
    return accounts_on(engine).add("ann", PASSWORD)


@pytest.fixture
def bob(engine: Engine) -> Staff:
    return accounts_on(engine).add("bob", PASSWORD)


def test_a_browser_is_known_for_the_account_that_signed_in(
    devices: KnownDevices, ann: Staff, bob: Staff
) -> None:
    token = devices.remember("", ann.id)

    assert devices.knows(token, " ANN ")
    assert not devices.knows(token, "bob")
    assert not devices.knows("", "ann")


def test_two_colleagues_share_a_browser(devices: KnownDevices, ann: Staff, bob: Staff) -> None:
    first = devices.remember("", ann.id)
    second = devices.remember(first, bob.id)

    assert devices.knows(second, "ann")
    assert devices.knows(second, "bob")


def test_a_copied_token_is_worth_nothing_after_the_next_sign_in(
    devices: KnownDevices, ann: Staff
) -> None:
    copied = devices.remember("planted", ann.id)
    devices.remember(copied, ann.id)

    assert not devices.knows(copied, "ann")
    assert not devices.knows("planted", "ann")


def test_a_browser_is_forgotten_after_half_a_year(
    devices: KnownDevices, ann: Staff, clock: Clock
) -> None:
    token = devices.remember("", ann.id)
    clock.move(days=181)

    assert not devices.knows(token, "ann")


def test_a_disabled_account_is_known_in_no_browser(
    devices: KnownDevices, ann: Staff, engine: Engine
) -> None:
    token = devices.remember("", ann.id)
    accounts_on(engine).disable("ann")

    assert not devices.knows(token, "ann")


def test_the_database_keeps_no_token(devices: KnownDevices, ann: Staff, engine: Engine) -> None:
    token = devices.remember("", ann.id)

    with engine.connect() as connection:
        assert token not in str(connection.execute(sa.select(staff_devices)).all())
