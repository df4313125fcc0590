"""`python -m lantern database-roles`: grants gateway and console their privileges on PostgreSQL.

The owner makes and migrates the tables. The public gateway may append to the hand-off mailbox,
find a letterbox, deliver replies and see when people are on duty; it cannot read a case, nor a
message once it was handed over. The action server reads what is approved and counts pledges;
without Rasa (LANTERN_WITHOUT_RASA) the gateway does both.
Console and dispatcher may not change the audit trail, whatever their programs are made to do.
SQLite has no roles: there the triggers of the trail and its chain are what guards it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import click
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.settings import Settings
from storage.engine import connect

ALL = "SELECT, INSERT, UPDATE, DELETE"
CONSOLE = {
    "alembic_version": "SELECT",
    "audit_events": "SELECT, INSERT",
    "duty_hours": "SELECT",
    "pledges": "SELECT",
}
"""What console and dispatcher may do with a table, where that is less than ALL."""
GATEWAY = {
    "alembic_version": "SELECT",
    "duty_hours": "SELECT",
    "handoffs": "INSERT (key, kind, conversation_id, state, severity, written_at, sealed)",
    "letterboxes": "SELECT (case_id, locator, secret, question, ends_at, closed_at)",
    "live_chats": "SELECT (id, conversation_id, state, term, shown_name, shown_role, begun_at, "
    "opened_at, present_until, typing_until, spoke_at, ended_at, ended_why, blocked)",
    "live_readiness": "SELECT (ready_until, areas, room)",
    "replies": "SELECT, UPDATE (sealed, claimed_by, claimed_until, delivered_at)",
}
"""All that the public gateway may do."""
ACTIONS = {
    "alembic_version": "SELECT",
    "approvals": "SELECT",
    "pledges": "SELECT, INSERT, UPDATE",
}
"""All that the action server may do."""


@dataclass(frozen=True)
class Roles:
    """The names of the roles in the database."""

    owner: str = "lantern_owner"
    gateway: str = "lantern_gateway"
    console: str = "lantern_console"
    actions: str = "lantern_actions"


def of_gateway(*, without_rasa: bool) -> Mapping[str, str]:
    """Return all that the public gateway may do; without Rasa it does the actions' work too."""
    return {**ACTIONS, **GATEWAY} if without_rasa else GATEWAY


def statements(
    connection: Connection, roles: Roles, *, without_rasa: bool = False
) -> Iterator[str]:
    """Yield SQL that makes the roles and gives each exactly its privileges on the existing tables.

    It may run again, and must after each migration, as a superuser or as a role that may make roles
    and owns the tables. Raises ValueError on another database than PostgreSQL.
    """
    if connection.dialect.name != "postgresql":
        raise ValueError("only PostgreSQL has roles")
    quoted = connection.dialect.identifier_preparer.quote_identifier
    database = quoted(str(connection.engine.url.database))
    names = (roles.owner, roles.gateway, roles.console, roles.actions)
    everyone = [quoted(name) for name in names]
    owner, gateway, console, actions = everyone
    services = f"{gateway}, {console}, {actions}"
    for name, role in zip(names, everyone, strict=True):
        yield _create(name, role)
    yield f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {services}"
    yield f"GRANT USAGE ON SCHEMA public TO {', '.join(everyone)}"
    yield f"GRANT CREATE ON SCHEMA public TO {owner}"
    yield f"GRANT CONNECT ON DATABASE {database} TO {', '.join(everyone)}"
    inspector, gateways = sa.inspect(connection), of_gateway(without_rasa=without_rasa)
    for table in sorted([*inspector.get_table_names(), *inspector.get_view_names()]):
        yield f"ALTER TABLE {quoted(table)} OWNER TO {owner}"
        yield f"REVOKE ALL ON {quoted(table)} FROM PUBLIC, {services}"
        granted = (
            (gateway, gateways.get(table, "")),
            (console, CONSOLE.get(table, ALL)),
            (actions, ACTIONS.get(table, "")),
        )
        for role, privileges in granted:
            if privileges:
                yield f"GRANT {privileges} ON {quoted(table)} TO {role}"
    for function in ("audit_refuses", "handoffs_notify"):
        yield f"ALTER FUNCTION {function}() OWNER TO {owner}"
    yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {gateway}, {actions}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {console}"


def _create(name: str, role: str) -> str:
    """Return SQL that makes a role without a password; the administrator sets one, in no file."""
    literal = name.replace("'", "''")
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{literal}') "
        f"THEN CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE; END IF; END $$"
    )


@click.command()
@click.option("--apply", "apply_", is_flag=True, help="Carry it out, in one transaction.")
@click.option("--owner", default=Roles.owner, show_default=True)
@click.option("--gateway", default=Roles.gateway, show_default=True)
@click.option("--console", default=Roles.console, show_default=True)
@click.option("--actions", default=Roles.actions, show_default=True)
def main(owner: str, gateway: str, console: str, actions: str, *, apply_: bool) -> None:
    """Print the SQL that gives each part its PostgreSQL role, or carry it out."""
    try:
        settings, roles = Settings.from_env(), Roles(owner, gateway, console, actions)
        with connect(settings.database_url).begin() as connection:
            for statement in statements(connection, roles, without_rasa=settings.without_rasa):
                click.echo(f"{statement};")
                if apply_:
                    connection.exec_driver_sql(statement)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    except SQLAlchemyError as error:
        raise click.ClickException(f"not carried out: {type(error).__name__}") from None
