"""Sessions end by themselves, and the database holds no token."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from staff.accounts.accounts import Staff
from staff.accounts.sessions import Session, StaffSessions
from staff.accounts.tables import staff_sessions
from tests.records import PASSWORD, Clock, accounts_on


@pytest.fixture
def sessions(engine: Engine, clock: Clock) -> StaffSessions:
    return StaffSessions(engine, clock)


@pytest.fixture
def ann(engine: Engine) -> Staff:
    return accounts_on(engine).add("ann", PASSWORD)


def test_a_token_finds_its_member_of_staff(sessions: StaffSessions, ann: Staff) -> None:
    session = sessions.find(sessions.start(ann.id))

    assert session is not None
    assert session.staff == ann


def test_half_an_hour_unused_ends_it(sessions: StaffSessions, ann: Staff, clock: Clock) -> None:
    token = sessions.start(ann.id)
    clock.move(minutes=30)
    assert sessions.find(token) is not None
    clock.move(minutes=30, seconds=1)

    assert sessions.find(token) is None


def test_use_keeps_it_for_twelve_hours_and_no_longer(
    sessions: StaffSessions, ann: Staff, clock: Clock
) -> None:
    token = sessions.start(ann.id)
    for _ in range(36):
        clock.move(minutes=20)
        assert sessions.find(token) is not None
    clock.move(seconds=1)

    assert sessions.find(token) is None


def test_signing_out_ends_it(sessions: StaffSessions, ann: Staff) -> None:
    token = sessions.start(ann.id)
    sessions.end(token)
    sessions.end(token)

    assert sessions.find(token) is None


@pytest.mark.parametrize("token", ["", "guess", "\ud83d"])
def test_a_guessed_token_finds_no_session(sessions: StaffSessions, ann: Staff, token: str) -> None:
    sessions.start(ann.id)

    assert sessions.find(token) is None


def test_a_session_begun_as_the_account_is_shut_opens_nothing(
    sessions: StaffSessions, ann: Staff, engine: Engine
) -> None:
    accounts_on(engine).disable("ann")

    assert sessions.find(sessions.start(ann.id)) is None


def test_the_database_keeps_no_token(sessions: StaffSessions, ann: Staff, engine: Engine) -> None:
    token = sessions.start(ann.id)
    session = sessions.find(token)
    assert session is not None

    with engine.connect() as connection:
        kept = str(connection.execute(sa.select(staff_sessions)).all())
    assert token not in kept
    assert session.form_token not in kept


def test_each_session_has_a_form_token_of_its_own(sessions: StaffSessions, ann: Staff) -> None:
    first, second = (sessions.find(sessions.start(ann.id)) for _ in range(2))

    assert first is not None
    assert second is not None
    assert first.form_token != second.form_token


def test_ended_sessions_are_swept_out(
    sessions: StaffSessions, ann: Staff, clock: Clock, engine: Engine
) -> None:
    sessions.start(ann.id)
    clock.move(minutes=31)
    sessions.start(ann.id)

    with engine.connect() as connection:
        assert len(connection.execute(sa.select(staff_sessions)).all()) == 1


def test_fifteen_minutes_unused_make_it_stale_until_confirmed_and_reading_does_not(
    sessions: StaffSessions, ann: Staff, clock: Clock
) -> None:
    token = sessions.start(ann.id)
    clock.move(minutes=15)
    assert _found(sessions, token).fresh
    clock.move(minutes=15, seconds=1)

    for _ in range(3):
        assert not _found(sessions, token).fresh
        clock.move(minutes=1)
    sessions.confirm(_found(sessions, token).id)

    assert _found(sessions, token).fresh


def test_a_pending_session_opens_nothing_and_lasts_five_minutes(
    sessions: StaffSessions, ann: Staff, clock: Clock
) -> None:
    token = sessions.start(ann.id, pending=True)

    assert sessions.find(token) is None
    assert sessions.find_pending(token) == ann
    assert sessions.of(ann.id) == []
    clock.move(minutes=5, seconds=1)
    assert sessions.find_pending(token) is None


def test_a_complete_session_is_not_pending(sessions: StaffSessions, ann: Staff) -> None:
    assert sessions.find_pending(sessions.start(ann.id)) is None


def test_lists_and_ends_the_sessions_of_one_account_only(
    sessions: StaffSessions, ann: Staff, engine: Engine, clock: Clock
) -> None:
    bob = accounts_on(engine).add("bob", PASSWORD)
    first = sessions.start(ann.id, browser="Firefox, Windows")
    clock.move(minutes=1)
    sessions.start(ann.id, browser="Edge, Android")
    other = sessions.start(bob.id)

    assert [each.browser for each in sessions.of(ann.id)] == ["Edge, Android", "Firefox, Windows"]
    assert sessions.revoke(ann.id, _found(sessions, other).id) is False
    assert sessions.revoke(ann.id, _found(sessions, first).id) is True
    assert sessions.find(first) is None
    assert sessions.find(other) is not None


def _found(sessions: StaffSessions, token: str) -> Session:
    session = sessions.find(token)
    assert session is not None
    return session
