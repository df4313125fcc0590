"""What a check is and what it finds."""

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
from safeguarding.secret_files import SettingsError
from safeguarding.settings import Settings
from safeguarding.taxonomy import CONTENT, ROOT


class CheckState(Enum):
    """How one thing is. Only OK is ready."""

    OK = "ok"
    NOT_READY = "not ready"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Finding:
    """What one check found, and what to do about it."""

    state: CheckState
    says: str
    todo: str = ""


def ok(says: str) -> Finding:
    """It is as it must be."""
    return Finding(CheckState.OK, says)


def not_ready(says: str, todo: str) -> Finding:
    """It is not as it must be."""
    return Finding(CheckState.NOT_READY, says, todo)


def cannot_tell(says: str, todo: str) -> Finding:
    """It cannot be seen from here, which counts as not ready."""
    return Finding(CheckState.CANNOT_TELL, says, todo)


@dataclass(frozen=True)
class Installation:
    """What is looked at."""

    settings: Settings
    env: Mapping[str, str]
    engine: Engine
    gateways: tuple[str, ...]
    """Base address of each gateway, as this machine reaches it."""
    now: Callable[[], datetime] = utc_now
    roles: Roles = field(default_factory=Roles)
    content: Path = CONTENT
    advisories: Path = ROOT / "security" / "advisories.toml"
    trusted: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    """What the certificates of chat and console are checked against."""


Check: TypeAlias = Callable[[Installation], Finding]


def find(check: Check, here: Installation) -> Finding:
    """What the check finds; what stops it from looking is a finding, too."""
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
