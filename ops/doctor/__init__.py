"""`python -m lantern doctor`: finds what is missing before young people may write here.

This module defines a check and its finding; the others hold the checks, one group each.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TypeAlias

from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from ops.database_roles import Roles
from safeguarding.clock import utc_now
from safeguarding.settings import Settings, SettingsError
from safeguarding.taxonomy import CONTENT, ROOT

ADVISORIES = ROOT / "security" / "advisories.toml"
EXCEPTIONS = ROOT / "deploy" / "exceptions.yml"


class CheckState(Enum):
    """The result of a check. Only OK is ready."""

    OK = "ok"
    NOT_READY = "not ready"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Finding:
    """The result of one check, and what to do about it."""

    state: CheckState
    says: str
    todo: str = ""


def ok(says: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(CheckState.OK, says)


def not_ready(says: str, todo: str) -> Finding:
    """Return a finding that something must be done."""
    return Finding(CheckState.NOT_READY, says, todo)


def cannot_tell(says: str, todo: str) -> Finding:
    """Return a finding that it cannot be seen from here, which counts as not ready."""
    return Finding(CheckState.CANNOT_TELL, says, todo)


@dataclass(frozen=True)
class Installation:
    """The installation that is examined."""

    settings: Settings
    env: Mapping[str, str]
    engine: Engine
    gateways: tuple[str, ...]
    """Base address of each gateway, as this machine reaches it."""
    now: Callable[[], datetime] = utc_now
    roles: Roles = field(default_factory=Roles)
    content: Path = CONTENT
    advisories: Path = ADVISORIES
    exceptions: Path = EXCEPTIONS
    trusted: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    """Trusted authorities for the certificates of chat and console."""


Check: TypeAlias = Callable[[Installation], Finding]


def find(check: Check, here: Installation) -> Finding:
    """Run a check; an error that stops it becomes a finding, too."""
    try:
        return check(here)
    except SettingsError as error:
        return not_ready(str(error), "set it: docs/settings.md")
    except SQLAlchemyError as error:
        return cannot_tell(
            f"the database cannot be asked ({type(error).__name__})",
            "see LANTERN_DATABASE_URL, and run this as the owner of the tables",
        )
    except OSError as error:
        what = error.filename or type(error).__name__
        return cannot_tell(f"{what}: {error.strerror or error}", "run this as the account lantern")
