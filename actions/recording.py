"""Writing a message to the escalation log, such that a failure never reaches the person."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from rasa_sdk import Tracker

from actions import turn, wiring
from safeguarding.escalations.log import EscalationLog
from safeguarding.escalations.spool import Spool, record_or_spool
from safeguarding.taxonomy import Severity

logger = structlog.get_logger()


@dataclass(frozen=True)
class Records:
    """Where escalations go: the log, and the spool while the log cannot be written."""

    log: EscalationLog
    spool: Spool

    @classmethod
    def of_this_process(cls) -> Records:
        """The ones the settings name."""
        return cls(wiring.log(), wiring.spool())


def record(tracker: Tracker, records: Records | None, clock: wiring.Clock) -> None:
    """Record the latest message when it shows risk. Writing it twice is harmless.

    While the database is away it waits, encrypted, in the spool. Help has been shown before this
    is called, so a failure must not reach the person. It must reach us: the log line names the
    message id, never its words, and the gateway records the message as well.
    """
    if turn.assessment_of(tracker).severity == Severity.NONE:
        return
    escalation = turn.escalation_of(tracker, clock())
    try:
        kept = records or Records.of_this_process()
        record_or_spool(escalation, kept.log, kept.spool)
    except OSError as error:
        logger.error(  # noqa: TRY400 - a traceback could hold the words
            "escalation.not_recorded",
            message_id=escalation.message_id,
            reason=type(error).__name__,
        )
