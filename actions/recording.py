"""Writing a message to the escalation log, such that a failure never reaches the person."""

from __future__ import annotations

import structlog
from rasa_sdk import Tracker
from sqlalchemy.exc import SQLAlchemyError

from actions import turn, wiring
from safeguarding.escalations.log import EscalationLog
from safeguarding.taxonomy import Severity

logger = structlog.get_logger()


def record(tracker: Tracker, log: EscalationLog | None, clock: wiring.Clock) -> None:
    """Record the latest message when it shows risk. Writing it twice is harmless.

    Help has been shown before this is called, so a failure must not reach the person. It must
    reach us: the log line names the message id, never its words, and the gateway records the
    message as well.
    """
    if turn.assessment_of(tracker).severity == Severity.NONE:
        return
    escalation = turn.escalation_of(tracker, clock())
    try:
        (log or wiring.log()).record(escalation)
    except (SQLAlchemyError, OSError) as error:
        logger.error(  # noqa: TRY400 - a traceback could hold the words
            "escalation.not_recorded",
            message_id=escalation.message_id,
            reason=type(error).__name__,
        )
