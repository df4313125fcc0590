"""The records, on real databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ops.backup import back_up
from ops.database_roles import Roles
from ops.doctor import CheckState, Installation, find
from ops.doctor.records import CHECKS
from safeguarding.clock import utc_now
from staff.audit.anchors import write_anchor
from staff.audit.trail import AuditLog
from staff.audit.verify import CHECKED
from staff.records.outbox import FAILED, record_events
from staff.records.settings import RecordSettings
from staff.records.switch import switch
from storage.engine import connect
from storage.handoffs import HandoffMailbox
from tests.records import Clock, escalation, log_on, vault
from tests.unit.ops.doctor.conftest import changed


def test_postgresql_is_asked_for(here: Installation, on_postgres: Installation) -> None:
    assert find(CHECKS["database"], on_postgres).says.startswith("PostgreSQL ")
    assert find(CHECKS["database"], here).state is CheckState.NOT_READY


def test_another_machine_has_to_prove_who_it_is(on_postgres: Installation) -> None:
    away = "postgresql+psycopg://lantern@db.example.org/lantern"
    found = find(CHECKS["database"], changed(on_postgres, DATABASE_URL=away))
    proved = changed(on_postgres, DATABASE_URL=f"{away}?sslmode=verify-full")

    assert (found.state, "db.example.org" in found.says) == (CheckState.NOT_READY, True)
    assert find(CHECKS["database"], proved).state is CheckState.OK


def test_a_database_that_is_away_cannot_be_told(on_postgres: Installation) -> None:
    away = connect("postgresql+psycopg://lantern@127.0.0.1:9/lantern")

    for name in CHECKS:
        assert find(CHECKS[name], replace(on_postgres, engine=away)).state is CheckState.CANNOT_TELL


def test_hand_offs_that_wait_are_named(here: Installation) -> None:
    assert find(CHECKS["hand-offs"], here).state is CheckState.OK
    mailbox = HandoffMailbox(here.engine, vault())
    mailbox.append(escalation("just now", raised_at=here.now()))
    assert find(CHECKS["hand-offs"], here).state is CheckState.OK
    mailbox.append(escalation("before", raised_at=here.now() - timedelta(minutes=2)))

    found = find(CHECKS["hand-offs"], here)
    assert found.state is CheckState.NOT_READY
    assert found.says.startswith("2 rows wait in the hand-off mailbox")


@pytest.mark.parametrize("where", ["here", "on_postgres"])
def test_tables_of_another_version_are_named(request: pytest.FixtureRequest, where: str) -> None:
    there: Installation = request.getfixturevalue(where)
    assert find(CHECKS["tables"], there).state is CheckState.OK

    with there.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")

    assert find(CHECKS["tables"], there).state is CheckState.NOT_READY


def test_a_role_that_may_more_than_it_should_is_named(on_postgres: Installation) -> None:
    names = on_postgres.roles
    assert find(CHECKS["database roles"], on_postgres).state is CheckState.OK
    for statement, said in (
        (f"GRANT UPDATE ON audit_events TO {names.console}", "UPDATE audit_events"),
        (f"GRANT SELECT ON staff_totp TO {names.gateway}", "SELECT staff_totp"),
    ):
        with on_postgres.engine.begin() as connection:
            connection.exec_driver_sql(statement)
        found = find(CHECKS["database roles"], on_postgres)
        with on_postgres.engine.begin() as connection:
            undone = statement.replace("GRANT", "REVOKE").replace(" TO ", " FROM ")
            connection.exec_driver_sql(undone)
        assert (found.state, said in found.says) == (CheckState.NOT_READY, True)


def test_roles_that_are_not_there_are_named(here: Installation, on_postgres: Installation) -> None:
    none = replace(on_postgres, roles=Roles("no_owner", "no_gateway", "no_console"))

    assert "there is no role no_gateway" in find(CHECKS["database roles"], none).says
    assert find(CHECKS["database roles"], here).state is CheckState.NOT_READY


def anchored(here: Installation) -> None:
    """Record an event and an anchor on it."""
    AuditLog(here.engine).add("gateway", "viewed")
    with here.engine.connect() as connection:
        write_anchor(here.settings.state_dir, connection, utc_now())


def test_a_trail_that_was_changed_is_named(here: Installation) -> None:
    anchored(here)
    assert find(CHECKS["audit trail"], here).state is CheckState.OK

    with here.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_refuses_update")
        connection.execute(sa.text("UPDATE audit_events SET who = 'nobody'"))

    found = find(CHECKS["audit trail"], here)
    assert (found.state, "broken at event 1" in found.says) == (CheckState.NOT_READY, True)


def test_a_trail_that_is_not_anchored_any_more_is_named(here: Installation) -> None:
    assert find(CHECKS["audit trail"], here).state is CheckState.NOT_READY
    anchored(here)
    later = replace(here, now=lambda: utc_now() + timedelta(hours=4))
    assert "no anchor" in find(CHECKS["audit trail"], later).says


def test_records_that_disagreed_or_were_not_compared_are_named(here: Installation) -> None:
    assert "not compared" in find(CHECKS["records agree"], here).says
    for broken_at, disagreements, state in (
        (None, 0, CheckState.OK),
        (None, 2, CheckState.NOT_READY),
        (7, 0, CheckState.NOT_READY),
    ):
        detail = {"broken_at": broken_at, "disagreements": disagreements}
        AuditLog(here.engine).add("command line", CHECKED, detail=detail)
        assert find(CHECKS["records agree"], here).state is state
    later = replace(here, now=lambda: utc_now() + timedelta(days=3))
    assert "not compared" in find(CHECKS["records agree"], later).says


def test_a_backup_that_was_not_made_is_named(here: Installation) -> None:
    assert "never" in find(CHECKS["backup"], here).says

    back_up(here.settings, here.settings.state_dir.parent / "copy", utc_now())

    assert find(CHECKS["backup"], here).state is CheckState.OK
    later = replace(here, now=lambda: utc_now() + timedelta(days=3))
    assert find(CHECKS["backup"], later).state is CheckState.NOT_READY


def test_a_system_of_records_that_takes_nothing_is_named(here: Installation) -> None:
    check = CHECKS["system of records"]
    assert find(check, here).state is CheckState.OK
    at = here.now() - timedelta(hours=2)
    connected = changed(here, RECORDS_URL="file:///records", RECORDS_SYSTEM="file")
    assert "the dispatcher none" in find(check, connected).says

    settings = RecordSettings.from_env(connected.env, "")
    with here.engine.begin() as connection:
        switch(connection, settings, at)
    found = find(check, connected)
    assert (found.state, "never" in found.says) == (CheckState.OK, True)
    assert "the settings say none" in find(check, here).says

    log_on(here.engine, Clock(at)).record(escalation())
    found = find(check, connected)
    assert (found.state, "1 wait" in found.says) == (CheckState.NOT_READY, True)
    with here.engine.begin() as connection:
        connection.execute(sa.update(record_events).values(status=FAILED))
    assert "1 given up" in find(check, connected).says
