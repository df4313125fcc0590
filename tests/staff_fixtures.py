"""Staff, cases and the log on the database of a test."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from staff.accounts.accounts import StaffAccounts
from staff.cases.cases import Cases
from staff.cases.casework import Casework
from staff.cases.merging import CaseMerge
from tests.records import (
    PASSWORD,
    Callbacks,
    Clock,
    EscalationLog,
    WorkedMailbox,
    accounts_on,
    log_on,
    vault,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(engine: Engine, clock: Clock) -> EscalationLog:
    return log_on(engine, clock)


@pytest.fixture
def cases(engine: Engine) -> Cases:
    return Cases(engine, vault())


@pytest.fixture
def casework(engine: Engine, clock: Clock) -> Casework:
    return Casework(engine, vault(), clock)


@pytest.fixture
def merging(engine: Engine, clock: Clock) -> CaseMerge:
    return CaseMerge(engine, vault(), clock)


@pytest.fixture
def mailbox(engine: Engine, clock: Clock) -> WorkedMailbox:
    return WorkedMailbox(engine, clock)


@pytest.fixture
def wishes(engine: Engine, clock: Clock) -> Callbacks:
    return Callbacks(engine, clock)


@pytest.fixture
def accounts(engine: Engine, clock: Clock) -> StaffAccounts:
    return accounts_on(engine, clock)


@pytest.fixture
def ann(accounts: StaffAccounts) -> str:
    """Id of a member of staff."""
    return accounts.add("ann", PASSWORD, "Ann").id


@pytest.fixture
def bob(accounts: StaffAccounts) -> str:
    """Id of a colleague."""
    return accounts.add("bob", PASSWORD, "Bob").id
