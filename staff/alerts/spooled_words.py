"""The words of an alert about the spool, from content/phrases/spooled_alerts.yml."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar

import msgspec

from safeguarding.clock import in_words
from safeguarding.taxonomy import Severity
from staff.alerts.formatter import AlertFormatter, AlertPhrases, Notice
from staff.alerts.outbox import Alert
from staff.alerts.standby import UnreadMessages


class SpooledPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/spooled_alerts.yml."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "subject": ("severity", "number"),
        "unassessed_subject": ("number",),
        "waiting_line": ("severities", "time"),
        "unassessed_part": ("number",),
        "open_line": ("link",),
        "text": ("severities", "time"),
    }

    subject: str
    unassessed_subject: str
    why: str
    waiting_line: str
    unassessed_part: str
    unassessed_line: str
    do_line: str
    danger_line: str
    again: str
    open_line: str
    open_button: str
    text: str


class SpooledFormatter(AlertFormatter):
    """Puts the one alert of the stand-by outbox into words: all that waits, as of now."""

    def __init__(
        self,
        phrases: AlertPhrases,
        spooled: SpooledPhrases,
        console_url: str,
        waiting: Callable[[], UnreadMessages],
    ) -> None:
        """Take the phrases, and `waiting`, which returns what staff are told of."""
        super().__init__(phrases, console_url)
        self._say = phrases
        self._spooled = spooled
        self._link = console_url
        self._waiting = waiting

    def notice(
        self, _alert: Alert, now: datetime, *, outside: bool = False, anchor: str | None = None
    ) -> Notice:
        """Return the words. No one can open what waits: `outside` makes no difference.

        An `anchor` would be that of the stand-by outbox, which proves nothing.
        """
        say, waiting = self._spooled, self._waiting()
        known = [
            self._say.digest_part.format(number=number, severity=getattr(self._say, each.label))
            for each, number in waiting.assessed.items()
        ]
        unknown = [say.unassessed_part.format(number=waiting.unassessed)] * bool(waiting.unassessed)
        time = in_words(waiting.since, now, ends=True)
        lines = [say.why, ""]
        lines.append(say.waiting_line.format(severities=", ".join(known + unknown), time=time))
        if waiting.unassessed:
            lines += ["", say.unassessed_line]
        lines += ["", say.do_line]
        if Severity.IMMEDIATE in waiting.assessed:
            lines += ["", say.danger_line]
        severity = str(getattr(self._say, waiting.severity.label))
        subject = say.subject if waiting.assessed else say.unassessed_subject
        return Notice(
            subject=subject.format(severity=severity, number=len(waiting.files)),
            lines=tuple(lines),
            link=self._link,
            open_line=say.open_line.format(link=self._link),
            open_button=say.open_button,
            # A text message has no room for all.
            text=say.text.format(severities=", ".join(known or unknown), time=time),
            last_lines=(say.again, self._say.no_words),
        )

    def digest(
        self, alerts: Sequence[Alert], now: datetime, *, outside: int = 0, anchor: str | None = None
    ) -> Notice:
        """Return the same words: each says all that waits."""
        return self.notice(alerts[0], now, outside=bool(outside))
