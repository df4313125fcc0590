"""Decides how grave a message is and what its conversation has come to. Nothing else does.

Three things count: what the message was assessed as, what the person was shown in answer, and what
was known of the conversation before. The severity of a conversation only ever rises.
"""

from __future__ import annotations

from dataclasses import dataclass

from safeguarding.risk.assessment import NO_RISK, Assessment, Signal, upgraded
from safeguarding.taxonomy import Severity

FOR_STAFF = Severity.CONCERN
"""From here on a message is handed over; after that, every message of its conversation is."""


def _assessment(source: str, severity: Severity) -> Assessment:
    signal = Signal(source, "gateway", "1", "distress", severity, start=0, end=0)
    return Assessment(severity, (signal.category,), NO_RISK.subject, (signal,))


NOT_ASSESSED = _assessment("not-assessed", FOR_STAFF)
"""A message that could not be assessed: a person must read it to know what is in it."""


@dataclass(frozen=True)
class SeverityDecision:
    """What one message comes to."""

    on_record: Assessment
    """What staff are told of the message."""
    reached: Severity
    """What the conversation has come to with it."""
    is_for_staff: bool
    """Whether it is handed over, or belongs to what was."""


def decide(
    assessment: Assessment | None,
    *,
    shown: Severity,
    known: Severity,
    again: bool,
    waits: bool = False,
    later: bool = False,
) -> SeverityDecision:
    """Decide what a message comes to.

    `assessment` is None when there is none; with `waits` it is still to come, and says nothing of
    the conversation yet. With `later` it came after the message was handed over as not assessed,
    which only staff take back. `shown` is the severity of the help card in the answer, `known` that
    of the conversation before the message. `again`: a button, or the gateway alone, shows the help
    for what is known once more, so that the card says nothing new of this message.
    """
    own = assessment or NOT_ASSESSED
    on_record = own
    if shown > max(own.severity, known if again else Severity.NONE):
        on_record = upgraded(own, _assessment("answered-with-help", shown))
    if later:
        on_record = upgraded(NOT_ASSESSED, on_record)
    return SeverityDecision(
        on_record=on_record,
        reached=max(known, shown, Severity.NONE if waits else own.severity),
        is_for_staff=max(on_record.severity, known) >= FOR_STAFF,
    )
