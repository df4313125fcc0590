"""Cases to report on."""

from tests.unit.staff.cases.conftest import accounts, ann, cases, casework, clock, log

__all__ = ["accounts", "ann", "cases", "casework", "clock", "log"]
