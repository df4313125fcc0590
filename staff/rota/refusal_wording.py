"""The words about refused ways, from content/phrases/refused_ways.yml, for mail and console."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec

from safeguarding.clock import LONDON
from staff.rota.refusals import MAILBOX_FULL, RefusedWay


class RefusedWayPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/refused_ways.yml."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "line": ("who", "channel", "problem", "time", "day"),
        "open_line": ("link",),
    }

    subject: str
    heading: str
    why: str
    line: str
    team: str
    email: str
    sms: str
    webhook: str
    refused: str
    full: str
    what_happens: str
    what_to_do: str
    told_once: str
    open_line: str
    open_button: str

    def lines(self, ways: Iterable[RefusedWay]) -> list[str]:
        """Return one sentence for each way."""
        return [self._line(way) for way in ways]

    def _line(self, way: RefusedWay) -> str:
        since = way.since.astimezone(LONDON)
        return self.line.format(
            who=way.shown_name or self.team,
            channel=getattr(self, way.channel),
            problem=self.full if way.error == MAILBOX_FULL else self.refused,
            time=f"{since:%H:%M}",
            day=f"{since:%-d %B}",
        )
