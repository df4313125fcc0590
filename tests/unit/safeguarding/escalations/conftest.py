"""A log and accounts on a database. The assistant's environment has no use for one."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING or find_spec("psycopg"):
    from sqlalchemy.engine import Engine

    from safeguarding.escalations.log import EscalationLog
    from safeguarding.staff.accounts import StaffAccounts
    from tests.records import PASSWORD, Clock, accounts_on, log_on
else:
    PURE = {"test_deadlines.py", "test_escalation.py"}
    collect_ignore = [p.name for p in Path(__file__).parent.glob("test_*") if p.name not in PURE]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(engine: Engine, clock: Clock) -> EscalationLog:
    return log_on(engine, clock)


@pytest.fixture
def accounts(engine: Engine, clock: Clock) -> StaffAccounts:
    return accounts_on(engine, clock)


@pytest.fixture
def ann(accounts: StaffAccounts) -> str:
    """Id of a member of staff."""
    return accounts.add("ann", PASSWORD, "Ann").id
