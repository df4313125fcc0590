"""On PostgreSQL the console's role adds to the audit trail and can do nothing else to it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import DBAPIError

from ops.database_roles import Roles, main
from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity
from staff.accounts.permissions import Role
from staff.audit.audit_log import AuditLog, EventFilter
from staff.cases.callbacks import CallbackRequests
from staff.cases.cases import Cases
from staff.cases.casework import Casework, ClosingDecision
from staff.cases.merging import CaseMerge
from storage.engine import connect
from tests.commands import run
from tests.databases import database_on
from tests.records import PASSWORD, accounts_on, assessment, escalation, log_on, vault

DENIED = "InsufficientPrivilege"


@pytest.fixture
def database_url(postgres: URL, postgres_template: str) -> Iterator[str]:
    with database_on(postgres, postgres_template) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture
def roles(
    postgres: URL, database_url: str, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> Iterator[Roles]:
    """Roles of the test's own: a server has them for all its databases."""
    mark = secrets.token_hex(4)
    made = Roles(*(f"lantern_test_{part}_{mark}" for part in ("owner", "gateway", "console")))
    monkeypatch.setenv("LANTERN_DATABASE_URL", database_url)
    names = ("--owner", made.owner, "--gateway", made.gateway, "--console", made.console)
    for _ in range(2):  # a second run changes nothing
        done = run(main, "--apply", *names)
        assert done.exit_code == 0, done.output
    yield made
    with engine.begin() as connection:
        for role in (made.owner, made.gateway, made.console):
            connection.exec_driver_sql(f'DROP OWNED BY "{role}" CASCADE')
            connection.exec_driver_sql(f'DROP ROLE "{role}"')


def as_role(database_url: str, role: str) -> Engine:
    """Make connections that act only as this role."""
    url = make_url(database_url)
    made = connect(url.render_as_string(hide_password=False))

    @sa.event.listens_for(made, "connect")
    def _become(connection: object, _record: object) -> None:
        # The tests' server trusts only its owner, so the connection becomes the role for good.
        connection.execute(f'SET SESSION AUTHORIZATION "{role}"')  # type: ignore[attr-defined]
        connection.commit()  # type: ignore[attr-defined]

    return made


@pytest.mark.parametrize("part", ["console", "gateway"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET who = 'nobody'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "DROP TABLE audit_events",
        "ALTER TABLE audit_events DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_refuses ON audit_events",
        "ALTER TABLE audit_events RENAME TO gone",
        "CREATE OR REPLACE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RETURN NEW; END $$",
        "CREATE TABLE audit_events_2 (id int)",
        "UPDATE alembic_version SET version_num = '0'",
    ],
)
def test_a_role_of_the_services_cannot_touch_the_trail(
    database_url: str, roles: Roles, part: str, statement: str
) -> None:
    engine = as_role(database_url, getattr(roles, part))
    AuditLog(engine).add("ann", "signed in")

    with pytest.raises(DBAPIError) as raised, engine.begin() as connection:
        connection.exec_driver_sql(statement)

    assert type(raised.value.orig).__name__ == DENIED
    assert len(AuditLog(engine).newest(EventFilter(), limit=9)) == 1
    engine.dispose()


def test_the_console_does_all_its_work_in_its_role(database_url: str, roles: Roles) -> None:
    engine = as_role(database_url, roles.console)
    accounts = accounts_on(engine)
    member = accounts.add("ann", PASSWORD, "Ann", Role.LEAD)

    assert accounts.verify("ann", PASSWORD) == member
    log_on(engine).record(escalation())
    work, sorting = Casework(engine, vault()), CaseMerge(engine, vault())
    work.viewed("c1", by=member.id)
    work.note("c1", "A note.", by=member.id)
    log_on(engine).record(escalation("m2"))
    new = sorting.split("c1", ["m2"], by=member.id)
    sorting.merge(new, "c1", by=member.id)
    work.close("c1", ClosingDecision(Outcome.OTHER, "Done."), by=member.id)
    whole = Cases(engine, vault()).whole("c1")
    assert (whole.messages[0], whole.reviews[0].note) == (escalation(), "Done.")
    engine.dispose()


def test_the_gateway_records_and_finds_no_way_into_an_account(
    database_url: str, roles: Roles, engine: Engine
) -> None:
    accounts_on(engine).add("ann", PASSWORD, "Ann")
    gateway = as_role(database_url, roles.gateway)

    log_on(gateway).record(escalation())
    log_on(gateway).record(escalation("m2", assessment=assessment(Severity.IMMEDIATE)))
    wishes = CallbackRequests(gateway, vault())
    wishes.leave("c1", "Sam", "text")
    assert wishes.take_back("c1") is True

    with gateway.connect() as connection:
        query = sa.text("SELECT id, shown_name, role, disabled_at, areas FROM staff")
        assert len(connection.execute(query).all()) == 1
    closed = ("staff_sessions", "staff_devices", "reviews", "case_notes", "referrals")
    for columns in ("password_hash FROM staff", *(f"* FROM {table}" for table in closed)):
        with pytest.raises(DBAPIError) as raised, gateway.connect() as connection:
            connection.exec_driver_sql(f"SELECT {columns}")
        assert type(raised.value.orig).__name__ == DENIED
    gateway.dispose()


def test_each_table_has_explicit_privileges_for_the_gateway(
    database_url: str, roles: Roles
) -> None:
    gateway = as_role(database_url, roles.gateway)
    with gateway.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
        may = {
            table
            for table in tables
            if connection.execute(
                sa.select(sa.func.has_any_column_privilege(table, "SELECT, INSERT, UPDATE"))
            ).scalar_one()
        }
    gateway.dispose()

    assert may == {
        "alembic_version", "alerts", "approvals", "audit_events", "cases", "contact_ways",
        "data_keys", "deliveries", "escalations", "pledges", "rota_shifts", "staff", "wishes",
    }  # fmt: skip


def test_without_apply_it_only_prints(
    database_url: str, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    monkeypatch.setenv("LANTERN_DATABASE_URL", database_url)

    printed = run(main, "--console", "lantern_test_nobody").stdout

    assert 'GRANT SELECT, INSERT ON "audit_events" TO "lantern_test_nobody";' in printed
    with engine.connect() as connection:
        query = sa.text("SELECT count(*) FROM pg_roles WHERE rolname = 'lantern_test_nobody'")
        assert connection.execute(query).scalar_one() == 0


def test_sqlite_has_no_roles(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANTERN_DATABASE_URL", sqlite_url)

    done = run(main)

    assert done.exit_code == 1
    assert "only PostgreSQL has roles" in done.stderr
