"""Cases that the mailbox and the spool become."""

from tests.unit.staff.cases.conftest import cases, clock, mailbox

__all__ = ["cases", "clock", "mailbox"]
