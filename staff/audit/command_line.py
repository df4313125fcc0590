"""Puts on the audit trail what was changed by a command."""

from __future__ import annotations

import getpass
import os
from typing import Any

from safeguarding.settings import Settings
from staff.audit.audit_log import AuditLog
from storage.engine import connect

COMMAND_LINE = "command line"
"""Who did it, on the trail; which account of the machine stands in the detail."""


def record_command(what: str, settings: Settings | None = None, **detail: Any) -> None:
    """Append what a command has just done: "account opened", with ids and counts, no secret.

    Raises SQLAlchemyError: then the change is made, and the command must not end well.
    """
    settings = settings or Settings.from_env()
    engine = connect(settings.database_url)
    try:
        AuditLog(engine).add(COMMAND_LINE, what, detail=detail | {"operator": operator()})
    finally:
        engine.dispose()


def operator() -> str:
    """The account of the machine that runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return str(os.getuid())
