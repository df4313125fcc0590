"""Fixtures of the cases' tests, for the verdicts that examples are made from."""

from __future__ import annotations

from tests.unit.staff.cases.conftest import (
    accounts,
    ann,
    bob,
    cases,
    casework,
    clock,
    log,
    merging,
)

__all__ = ["accounts", "ann", "bob", "cases", "casework", "clock", "log", "merging"]
