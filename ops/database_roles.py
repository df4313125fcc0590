"""`python -m lantern database-roles`: grants gateway and console their privileges on PostgreSQL.

The owner makes and migrates the tables. Gateway and console sign in as roles that may not change
the audit trail, even if their programs are taken over. SQLite has no roles: there only triggers and
the chain protect the trail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import click
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.settings import Settings
from storage.engine import connect

ALL = "SELECT, INSERT, UPDATE, DELETE"
CONSOLE = {"audit_events": "SELECT, INSERT", "alembic_version": "SELECT", "pledges": "SELECT"}
"""Privileges of the console on a table, where they are fewer than ALL."""
GATEWAY = {
    "audit_events": "SELECT, INSERT",
    "alembic_version": "SELECT",
    "approvals": "SELECT",
    "reviews": "",
    "case_notes": "",
    "case_actions": "",
    "referrals": "",
    "staff": "SELECT ({names})",
    "staff_devices": "",
    "staff_invitations": "",
    "staff_passkeys": "",
    "staff_recovery_codes": "",
    "staff_sessions": "",
    "staff_sign_ons": "",
    "staff_totp": "",
}
"""Privileges of the public gateway on a table, where they are fewer than ALL."""
NAMES = ("id", "shown_name", "role", "disabled_at", "areas")
"""The columns of an account that hold no credentials."""


@dataclass(frozen=True)
class Roles:
    """The names of the roles in the database."""

    owner: str = "lantern_owner"
    gateway: str = "lantern_gateway"
    console: str = "lantern_console"


def statements(connection: Connection, roles: Roles) -> Iterator[str]:
    """Yield SQL that makes the roles and gives each exactly its privileges on the existing tables.

    It may run again, and must after each migration, as a superuser or as a role that may make roles
    and owns the tables. Raises ValueError on another database than PostgreSQL.
    """
    if connection.dialect.name != "postgresql":
        raise ValueError("only PostgreSQL has roles")
    quoted = connection.dialect.identifier_preparer.quote_identifier
    database = quoted(str(connection.engine.url.database))
    everyone = [quoted(name) for name in (roles.owner, roles.gateway, roles.console)]
    owner, gateway, console = everyone
    for name, role in zip((roles.owner, roles.gateway, roles.console), everyone, strict=True):
        yield _create(name, role)
    yield f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {gateway}, {console}"
    yield f"GRANT USAGE ON SCHEMA public TO {', '.join(everyone)}"
    yield f"GRANT CREATE ON SCHEMA public TO {owner}"
    yield f"GRANT CONNECT ON DATABASE {database} TO {', '.join(everyone)}"
    tables = sorted(sa.inspect(connection).get_table_names())
    for table in tables:
        yield f"ALTER TABLE {quoted(table)} OWNER TO {owner}"
        yield f"REVOKE ALL ON {quoted(table)} FROM PUBLIC, {gateway}, {console}"
        for role, less in ((gateway, GATEWAY), (console, CONSOLE)):
            if privileges := _on(connection, table, less.get(table, ALL)):
                yield f"GRANT {privileges} ON {quoted(table)} TO {role}"
    yield f"ALTER FUNCTION audit_refuses() OWNER TO {owner}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {gateway}, {console}"


def _create(name: str, role: str) -> str:
    """Return SQL that makes a role without a password; the administrator sets one, in no file."""
    literal = name.replace("'", "''")
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{literal}') "
        f"THEN CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE; END IF; END $$"
    )


def _on(connection: Connection, table: str, privileges: str) -> str:
    if "{names}" not in privileges:
        return privileges
    there: Sequence[str] = [each["name"] for each in sa.inspect(connection).get_columns(table)]
    return privileges.format(names=", ".join(name for name in NAMES if name in there))


@click.command()
@click.option("--apply", "apply_", is_flag=True, help="Carry it out, in one transaction.")
@click.option("--owner", default=Roles.owner, show_default=True)
@click.option("--gateway", default=Roles.gateway, show_default=True)
@click.option("--console", default=Roles.console, show_default=True)
def main(owner: str, gateway: str, console: str, *, apply_: bool) -> None:
    """Print the SQL that gives gateway and console their PostgreSQL roles, or carry it out."""
    try:
        with connect(Settings.from_env().database_url).begin() as connection:
            for statement in statements(connection, Roles(owner, gateway, console)):
                click.echo(f"{statement};")
                if apply_:
                    connection.exec_driver_sql(statement)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    except SQLAlchemyError as error:
        raise click.ClickException(f"not carried out: {type(error).__name__}") from None
