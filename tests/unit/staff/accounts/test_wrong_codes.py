"""Wrong codes of strangers are told once, after the next sign-in; one's own never."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from staff.accounts.wrong_codes import SIGNED_IN, WRONG_CODE, WrongCodes, WrongCodesTyped, mark_of
from staff.audit.trail import AuditLog
from tests.records import Clock


@pytest.fixture
def trail(engine: Engine, clock: Clock) -> AuditLog:
    return AuditLog(engine, clock)


@pytest.fixture
def told(engine: Engine, clock: Clock) -> WrongCodes:
    return WrongCodes(engine, clock)


def signs_in(trail: AuditLog, who: str, pending: str = "") -> None:
    detail = {"sign_in": mark_of(pending)} if pending else {}
    trail.add(who, SIGNED_IN, detail=detail)


def types_wrong(trail: AuditLog, account: str, pending: str, *, known: bool = False) -> None:
    detail = {"account": account, "known_browser": known, "sign_in": mark_of(pending)}
    trail.add("visitor", WRONG_CODE, detail=detail)


def test_codes_between_the_last_two_sign_ins_count(
    trail: AuditLog, told: WrongCodes, clock: Clock
) -> None:
    types_wrong(trail, "ann", "long ago")
    signs_in(trail, "ann", "first")
    types_wrong(trail, "ann", "stranger")
    clock.move(minutes=7)
    types_wrong(trail, "ann", "another stranger")
    last_at = clock()
    clock.move(minutes=7)
    signs_in(trail, "bob", "of bob")
    signs_in(trail, "ann", "second")

    assert told.before_this_sign_in("ann") == WrongCodesTyped(2, last_at)
    assert told.before_this_sign_in("bob") is None

    signs_in(trail, "ann", "third")
    assert told.before_this_sign_in("ann") is None


def test_ones_own_slips_do_not_count(trail: AuditLog, told: WrongCodes) -> None:
    signs_in(trail, "ann", "first")
    types_wrong(trail, "ann", "in a known browser", known=True)
    types_wrong(trail, "ann", "second")
    # A passkey that was refused, and a release that recorded less.
    trail.add("visitor", WRONG_CODE, detail={"account": "ann", "why": "passkey not proved"})
    signs_in(trail, "ann", "second")

    assert told.before_this_sign_in("ann") is None


def test_before_a_first_sign_in_everything_counts(
    trail: AuditLog, told: WrongCodes, clock: Clock
) -> None:
    assert told.before_this_sign_in("ann") is None
    types_wrong(trail, "ann", "stranger")
    signs_in(trail, "ann")

    assert told.before_this_sign_in("ann") == WrongCodesTyped(1, clock())


def test_the_mark_of_a_sign_in_does_not_continue_it() -> None:
    token = "a pending session's token"

    assert token not in mark_of(token)
    assert mark_of(token) == mark_of(token) != mark_of(f"{token} ")
