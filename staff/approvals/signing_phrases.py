"""The phrases about signing, from content/phrases/signing.yml."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import ClassVar

import msgspec

from safeguarding.clock import LONDON
from staff.console import wording


class SigningPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/signing.yml."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "too_soon": ("wait", "time"),
        "choose_weeks": ("most",),
    }

    too_soon: str
    out_of_order: str
    choose_leads: str
    too_few_leads: str
    choose_weeks: str

    def wait(self, until: datetime, now: datetime) -> str:
        """Return the sentence for a step that was tried too soon."""
        time = f"{until.astimezone(LONDON):%H:%M:%S}"
        return self.too_soon.format(wait=duration(until - now), time=time)


def duration(of: timedelta) -> str:
    """Return a duration in words: "45 seconds", "6 minutes", "27 hours" from two hours on."""
    seconds = max(1, round(of.total_seconds()))
    for unit, size in (("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return wording.counted(math.ceil(seconds / size), unit)
    return wording.counted(seconds, "second")
