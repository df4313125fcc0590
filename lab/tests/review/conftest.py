"""The escalation log of the tests of what staff record, for what is learned from it."""

from __future__ import annotations

from tests.unit.staff.cases.conftest import (
    accounts,
    ann,
    bob,
    cases,
    casework,
    clock,
    log,
)

__all__ = ["accounts", "ann", "bob", "cases", "casework", "clock", "log"]
