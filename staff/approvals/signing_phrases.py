"""The phrases about signing, from content/phrases/signing.yml."""

from __future__ import annotations

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
    """Return a duration in words, in seconds below two minutes: "45 seconds", "6 minutes"."""
    seconds = max(1, round(of.total_seconds()))
    if seconds < 120:  # noqa: PLR2004
        return wording.counted(seconds, "second")
    return wording.lasting(timedelta(seconds=seconds + 59))
