"""Builds the log, the spool and the accounts, once a process."""

from __future__ import annotations

from functools import cache

from sqlalchemy.engine import Engine

from safeguarding.escalations.database import connect
from safeguarding.escalations.log import EscalationLog
from safeguarding.escalations.spool import Spool
from safeguarding.escalations.vault import Vault, key_ring
from safeguarding.settings import Settings


@cache
def engine(settings: Settings) -> Engine:
    """The database of these settings; nothing is sent until the first query."""
    return connect(settings.database_url)


@cache
def escalation_log(settings: Settings) -> EscalationLog:
    """The escalation log. Raises SettingsError without keys, VaultError with bad ones."""
    return EscalationLog(engine(settings), _vault(settings))


@cache
def escalation_spool(settings: Settings) -> Spool:
    """Where escalations wait while the log fails. Raises as `escalation_log` does."""
    return Spool(settings.state_dir / "spool", _vault(settings))


@cache
def _vault(settings: Settings) -> Vault:
    return Vault(key_ring(settings.secret("field_keys")))
