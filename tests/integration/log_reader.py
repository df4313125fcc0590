"""The escalation log of a running stack, read from outside."""

from __future__ import annotations

import time

from safeguarding.database.engine import connect
from safeguarding.escalations.escalation import RecordedEscalation
from safeguarding.escalations.log import EscalationLog
from safeguarding.escalations.vault import Vault
from safeguarding.settings import Settings
from scripts.stack import Stack


class LogReader:
    """Finds what was recorded by its text."""

    def __init__(self, stack: Stack) -> None:
        settings = Settings.from_env(stack.env)
        self._log = EscalationLog(connect(settings.database_url), Vault.of(settings))

    def of(self, text: str) -> list[RecordedEscalation]:
        """Every escalation with exactly this text."""
        entries = [self._log.get(entry.message_id) for entry in self._log.open_queue()]
        return [entry for entry in entries if entry.escalation.text == text]

    def eventually(self, text: str, patience_s: float = 20.0) -> list[RecordedEscalation]:
        """The same, once there is one: recording does not hold up the reply."""
        limit = time.monotonic() + patience_s
        while not (found := self.of(text)) and time.monotonic() < limit:
            time.sleep(0.2)
        return found
