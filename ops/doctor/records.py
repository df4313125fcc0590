"""Checks of the records: database, roles, audit trail, anchors, backup."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url

from ops.backup import BACKED_UP
from ops.database_roles import ACTIONS, ALL, CONSOLE, of_gateway
from ops.doctor import Check, Finding, Installation, not_ready, ok
from staff.audit.anchors import ANCHORS, AnchorError, read_anchors
from staff.audit.trail import newest_of
from staff.audit.verify import CHECKED, findings_of, verify
from staff.records.outbox import figures as record_figures
from staff.records.settings import RecordSettings
from storage.engine import READING, newest_revision, revision_of
from storage.handoffs import figures

A_DAY_LATE = timedelta(days=2)
HOURS_LATE = timedelta(hours=3)
A_MINUTE_LATE = timedelta(minutes=1)
AN_HOUR_LATE = timedelta(hours=1)
_THIS_MACHINE = {None, "", "localhost", "127.0.0.1", "::1"}
_WRITES = ("UPDATE", "DELETE", "TRUNCATE")


def database(here: Installation) -> Finding:
    """Check that the records are on PostgreSQL, over a connection that proves the server."""
    url = make_url(here.settings.database_url)
    if url.get_backend_name() != "postgresql":
        return not_ready("the records are in SQLite", "LANTERN_DATABASE_URL=postgresql+psycopg://…")
    host = url.host or url.query.get("host")
    private = host in _THIS_MACHINE or str(host).startswith("/")
    if not private and url.query.get("sslmode") not in {"verify-ca", "verify-full"}:
        return not_ready(
            f"nothing proves that {host} is the database", "add ?sslmode=verify-full to the address"
        )
    with here.engine.connect().execution_options(**READING) as connection:
        version = connection.dialect.server_version_info or ()
    return ok(f"PostgreSQL {'.'.join(map(str, version[:2]))}")


def tables(here: Installation) -> Finding:
    """Check that the tables are those of this version."""
    with here.engine.connect().execution_options(**READING) as connection:
        revision = revision_of(connection)
    wanted = newest_revision()
    if revision != wanted:
        return not_ready(f"tables are at {revision}, this version needs {wanted}", "lantern setup")
    return ok(f"at {revision}")


def roles(here: Installation) -> Finding:
    """Check that gateway, console and action server sign in as roles with their own rights only."""
    if here.engine.dialect.name != "postgresql":
        return not_ready("SQLite has no roles", "use PostgreSQL")
    names = here.roles
    with here.engine.connect().execution_options(**READING) as connection:
        inspector = sa.inspect(connection)
        there = [*inspector.get_table_names(), *inspector.get_view_names()]
        parts = (
            (names.gateway, of_gateway(without_rasa=here.settings.without_rasa), ""),
            (names.console, CONSOLE, ALL),
            (names.actions, ACTIONS, ""),
        )
        for role, named, usual in parts:
            known = sa.text("SELECT 1 FROM pg_roles WHERE rolname = :role AND NOT rolsuper")
            if connection.execute(known, {"role": role}).first() is None:
                return not_ready(f"there is no role {role}", "lantern database-roles --apply")
            for table in there:
                privileges = named.get(table, usual)
                if may := _more_than(connection, role, table, privileges):
                    return not_ready(f"{role} may {may} {table}", "lantern database-roles --apply")
    return ok("each part may do its own work alone, and none can change the audit trail")


def handoffs_taken(here: Installation) -> Finding:
    """Check that every hand-off is in its case: the case worker runs and is not behind."""
    with here.engine.connect().execution_options(**READING) as connection:
        found = figures(connection)
    if found.oldest_at is not None and here.now() - found.oldest_at > A_MINUTE_LATE:
        return not_ready(
            f"{found.waiting} rows wait in the hand-off mailbox, the oldest since "
            f"{found.oldest_at.isoformat(timespec='minutes')}",
            "is the dispatcher running? docs/runbook.md, Hand-offs wait",
        )
    if found.unassessed_at is not None and here.now() - found.unassessed_at > A_MINUTE_LATE:
        return not_ready(
            f"{found.unassessed} messages wait for their assessment, the oldest since "
            f"{found.unassessed_at.isoformat(timespec='minutes')}",
            "docs/runbook.md, Messages wait for their assessment",
        )
    return ok("nothing waits in the hand-off mailbox")


def audit_trail(here: Installation) -> Finding:
    """Check that the audit trail is unchanged, and that its anchors agree and are recent."""
    try:
        anchors = read_anchors([here.settings.state_dir / ANCHORS]).anchors
    except AnchorError as error:
        return not_ready(str(error), "docs/audit-trail.md")
    with here.engine.connect().execution_options(**READING) as connection:
        found = verify(connection, anchors)
    if found.broken is not None:
        return not_ready(
            f"broken at event {found.broken.number}: {found.broken.wrong}",
            "change nothing: docs/runbook.md, The audit trail",
        )
    newest = max((anchor.at for anchor in anchors if anchor.at), default=None)
    if newest is None or here.now() - newest > HOURS_LATE:
        return not_ready(
            "no anchor was written in the last three hours",
            "is the dispatcher running? docs/runbook.md",
        )
    return ok(f"{found.count} events in order, {len(anchors)} anchors agree")


def reconciled(here: Installation) -> Finding:
    """Check that trail and records were compared yesterday or today, and agreed."""
    with here.engine.connect().execution_options(**READING) as connection:
        checked = newest_of(connection, CHECKED)
    if checked is None or here.now() - checked.event.at > A_DAY_LATE:
        return not_ready(
            "trail and records were not compared in the last two days",
            "systemctl enable --now lantern-verify-audit.timer; in containers docs/deployment.md",
        )
    if findings := findings_of(checked):
        return not_ready(
            f"{findings} findings on {checked.event.at.date().isoformat()}",
            "lantern verify-audit names them: docs/runbook.md, The audit trail",
        )
    return ok(f"trail and records agree, on {checked.event.at.isoformat(timespec='minutes')}")


def record_system(here: Installation) -> Finding:
    """Check that the school's own system of records, if there is one, takes what it is sent."""
    settings = RecordSettings.from_env(here.env, here.settings.alerts.console_url)
    with here.engine.connect().execution_options(**READING) as connection:
        found = record_figures(connection)
    if settings is None and found.system is None:
        return ok("none is connected")
    if settings is None or found.system != settings.system:
        wanted = "none" if settings is None else settings.system
        return not_ready(
            f"the settings say {wanted}, the dispatcher {found.system or 'none'}",
            "restart the dispatcher with the same settings: docs/connections.md",
        )
    last = "never" if found.sent_at is None else found.sent_at.isoformat(timespec="minutes")
    said = f"{settings.system}, last taken {last}, {found.queued} wait, {found.failed} given up"
    if found.failed:
        return not_ready(said, "lantern records: docs/connections.md")
    if found.oldest_at is not None and here.now() - found.oldest_at > AN_HOUR_LATE:
        return not_ready(said, "is the system there, and does it know the key? docs/connections.md")
    return ok(said)


def backup(here: Installation) -> Finding:
    """Check that a backup was made yesterday or today."""
    with here.engine.connect().execution_options(**READING) as connection:
        at = newest_event(connection, BACKED_UP)
    if at is None or here.now() - at > A_DAY_LATE:
        when = "never" if at is None else f"last on {at.date().isoformat()}"
        return not_ready(f"backed up {when}", "systemctl enable --now lantern-backup.timer")
    return ok(f"last {at.isoformat(timespec='minutes')}; fetch it to another machine")


def newest_event(connection: Connection, what: str) -> datetime | None:
    """Return when an audit event of this kind was last recorded."""
    link = newest_of(connection, what)
    return None if link is None else link.event.at


def _more_than(connection: Connection, role: str, table: str, privileges: str) -> str | None:
    """Return a privilege that this role has on a table and should not have."""
    for privilege in ("SELECT", "INSERT", *_WRITES):
        asked = sa.text("SELECT has_table_privilege(:role, :table, :privilege)")
        values = {"role": role, "table": table, "privilege": privilege}
        allowed = [each.split()[0] for each in privileges.split(",") if each and "(" not in each]
        if privilege not in allowed and connection.execute(asked, values).scalar_one():
            return privilege
    return None


CHECKS: Mapping[str, Check] = {
    "database": database,
    "tables": tables,
    "database roles": roles,
    "hand-offs": handoffs_taken,
    "audit trail": audit_trail,
    "records agree": reconciled,
    "backup": backup,
    "system of records": record_system,
}
