"""Buttons that say as much as a message: whoever presses "I'm not safe" needs no detector."""

from __future__ import annotations

from safeguarding.risk.assessment import Assessment, Signal
from safeguarding.taxonomy import Severity

_MEANINGS = {"not_safe_now": ("immediate_danger", Severity.IMMEDIATE)}


def assessment_of_choice(choice_id: str) -> Assessment | None:
    """What pressing this button tells us, or None for a button that tells nothing of risk."""
    if choice_id not in _MEANINGS:
        return None
    category, severity = _MEANINGS[choice_id]
    signal = Signal(
        source=f"button-{choice_id}",
        kind="button",
        version="1",
        category=category,
        severity=severity,
        start=0,
        end=0,
    )
    return Assessment(severity, (category,), "unknown", (signal,))
