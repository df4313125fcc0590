"""The name of a file of the spool: what it says of its message, so that nothing has to be opened.

A name is the message's id, then severity and area, then "v1": `<id>.urgent-wiltshire.v1`. In place
of a severity, a message that was not assessed has `not_assessed`; once the staff side has assessed
it there, `not_assessed_immediate` or `not_assessed_failed`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path

from safeguarding.escalation import Escalation
from safeguarding.taxonomy import Severity

SUFFIX = ".v1"
_SAFE_AREA = re.compile(r"[a-z0-9_]{1,40}")
_SEVERITIES = {severity.label: severity for severity in Severity}
_UNASSESSED, _FAILED = "not_assessed", "failed"


class SpooledState(Enum):
    """Whether the severity of the message in a file is known."""

    ASSESSED = "assessed"
    UNASSESSED = "not_assessed"
    FAILED = "failed"
    """It could not be assessed: a person has to read it."""


@dataclass(frozen=True)
class SpooledFile:
    """What the name of a file says of its message."""

    name: str
    severity: Severity
    """A file of an earlier release does not say it, and counts as immediate. What is not assessed
    may be anything, and counts as urgent."""
    area: str | None
    kept_at: datetime
    """In UTC."""
    state: SpooledState = SpooledState.ASSESSED


def told_of(escalation: Escalation) -> str:
    """Return the part of a file's name that says severity and area: "urgent-wiltshire"."""
    waits = escalation.waits_for_assessment
    label = _UNASSESSED if waits else escalation.assessment.severity.label
    area = escalation.area
    return f"{label}-{area}" if area and _SAFE_AREA.fullmatch(area) else label


def read_name(name: str, kept_at: float) -> SpooledFile:
    """Return what a name says of a file that was kept at this moment (seconds since 1970)."""
    told = name.removesuffix(SUFFIX).partition(".")[2].partition(".")[0]
    label, _, area = told.partition("-")
    found = label.removeprefix(_UNASSESSED).removeprefix("_")
    state = SpooledState.ASSESSED
    if found == _FAILED or label == _UNASSESSED:
        state = SpooledState.FAILED if found else SpooledState.UNASSESSED
        severity = Severity.URGENT
    else:
        severity = _SEVERITIES.get(found, Severity.IMMEDIATE)
    moment = datetime.fromtimestamp(kept_at, timezone.utc)
    return SpooledFile(name, severity, area or None, moment, state)


def with_assessment(name: str, severity: Severity | None) -> str:
    """Return the name of an unassessed file with the severity that was found; None: it failed."""
    stem, _, rest = name.partition(".")
    found = _FAILED if severity is None else severity.label
    return f"{stem}.{rest.replace(_UNASSESSED, f'{_UNASSESSED}_{found}', 1)}"


def files_in(folder: Path) -> list[Path]:
    """Return the files that wait in the folder of a spool, in the order of their names."""
    return sorted(folder.glob(f"*{SUFFIX}"))
