"""Codes work once and for one account, and the database holds no plain secret."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from staff.accounts.accounts import Staff
from staff.accounts.second_step import SecondSteps, WrongCodeError
from staff.accounts.tables import staff_recovery_codes, staff_totp
from tests.records import PASSWORD, Clock, accounts_on, vault


@pytest.fixture
def steps(engine: Engine, clock: Clock) -> SecondSteps:
    return SecondSteps(engine, vault(), clock)


@pytest.fixture
def ann(engine: Engine) -> Staff:
    return accounts_on(engine).add("ann", PASSWORD)


def code_of(secret: str, clock: Clock, **later: float) -> str:
    """Return the code of an independent implementation of RFC 6238."""
    moment = Clock(clock.at)
    moment.move(**later)
    return pyotp.TOTP(secret).at(moment.at)


@pytest.fixture
def secret(steps: SecondSteps, ann: Staff, clock: Clock) -> str:
    """Set up a second step for Ann and return its secret."""
    offered = steps.offered(ann.id)
    steps.set_up(ann.id, code_of(offered, clock))
    clock.move(minutes=2)
    return offered


def test_codes_are_required_only_after_the_app_gave_a_right_one(
    steps: SecondSteps, ann: Staff, clock: Clock
) -> None:
    offered = steps.offered(ann.id)
    assert steps.offered(ann.id) == offered
    for wrong in ("", "000000", code_of(offered, clock, minutes=5), "１２３４５６"):
        with pytest.raises(WrongCodeError):
            steps.set_up(ann.id, wrong)
    assert not steps.is_set_up(ann.id)

    codes = steps.set_up(ann.id, code_of(offered, clock))

    assert steps.is_set_up(ann.id)
    assert len(set(codes)) == 10


@pytest.mark.parametrize("drift", [-30, 0, 30])
def test_a_phone_may_be_half_a_minute_off(
    steps: SecondSteps, ann: Staff, secret: str, clock: Clock, drift: int
) -> None:
    code = code_of(secret, clock, seconds=drift)
    steps.check(ann.id, f"{code[:3]} {code[3:]}")


@pytest.mark.parametrize("drift", [-90, 90])
def test_an_old_code_and_one_to_come_are_wrong(
    steps: SecondSteps, ann: Staff, secret: str, clock: Clock, drift: int
) -> None:
    with pytest.raises(WrongCodeError):
        steps.check(ann.id, code_of(secret, clock, seconds=drift))


def test_a_code_works_once_and_no_earlier_code_works_after_it(
    steps: SecondSteps, ann: Staff, secret: str, clock: Clock
) -> None:
    before, now = code_of(secret, clock, seconds=-30), code_of(secret, clock)
    steps.check(ann.id, now)

    for used in (now, before):
        with pytest.raises(WrongCodeError):
            steps.check(ann.id, used)


def test_of_eight_who_send_one_code_at_once_one_is_accepted(
    steps: SecondSteps, ann: Staff, secret: str, clock: Clock
) -> None:
    code = code_of(secret, clock)

    def use(_: int) -> bool:
        try:
            steps.check(ann.id, code)
        except WrongCodeError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(use, range(8))) == 1


def test_each_recovery_code_works_once_however_it_is_typed(
    steps: SecondSteps, ann: Staff, clock: Clock
) -> None:
    codes = steps.set_up(ann.id, code_of(steps.offered(ann.id), clock))
    steps.check(ann.id, codes[0].replace("-", " ").upper())

    with pytest.raises(WrongCodeError):
        steps.check(ann.id, codes[0])
    assert steps.codes_left(ann.id) == 9
    steps.check(ann.id, codes[1])


def test_the_code_of_another_is_wrong(
    steps: SecondSteps, ann: Staff, secret: str, clock: Clock, engine: Engine
) -> None:
    bob = accounts_on(engine).add("bob", PASSWORD)
    codes = steps.set_up(bob.id, code_of(steps.offered(bob.id), clock))

    with pytest.raises(WrongCodeError):
        steps.check(ann.id, codes[0])
    with pytest.raises(WrongCodeError):
        steps.check(bob.id, code_of(secret, clock, seconds=30))


def test_the_database_keeps_neither_secret_nor_recovery_codes(
    steps: SecondSteps, ann: Staff, clock: Clock, engine: Engine
) -> None:
    secret = steps.offered(ann.id)
    codes = steps.set_up(ann.id, code_of(secret, clock))

    with engine.connect() as connection:
        kept = str(connection.execute(sa.select(staff_totp)).all())
        kept += str(connection.execute(sa.select(staff_recovery_codes)).all())
    assert secret not in kept
    for code in codes:
        assert code not in kept
        assert code.replace("-", "") not in kept


def test_a_reset_takes_it_away_and_a_new_password_of_ones_own_does_not(
    steps: SecondSteps, ann: Staff, secret: str, engine: Engine
) -> None:
    accounts = accounts_on(engine)
    accounts.change_password(ann, "another long password")
    assert steps.is_set_up(ann.id)

    accounts.reset(ann, PASSWORD)

    assert not steps.is_set_up(ann.id)
    assert steps.codes_left(ann.id) == 0
    assert steps.offered(ann.id) != secret
