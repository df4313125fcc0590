"""The words of an alert, from content/phrases/alerts.yml: labels and a link, no message text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import quote

import msgspec

from safeguarding.clock import LONDON
from safeguarding.taxonomy import Severity, taxonomy
from staff.alerts.flood import Burst
from staff.alerts.outbox import Alert

LONGEST_TEXT = 160
"""Characters in one text message."""


class AlertPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/alerts.yml."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "subject": ("severity", "reference"),
        "text": ("severity", "reference", "age", "link"),
        "subject_live_chat": ("severity", "reference"),
        "text_live_chat": ("severity", "reference", "link"),
        "text_outside": ("severity", "reference", "age"),
        "severity_line": ("severity",),
        "need_line": ("need",),
        "category_line": ("category",),
        "age_line": ("age",),
        "open_line": ("link",),
        "anchor_line": ("anchor",),
        "minutes": ("number",),
        "hours": ("number",),
        "days": ("number",),
        "catcher_to": ("address",),
        "digest_subject": ("number",),
        "digest_part": ("number", "severity"),
        "digest_line": ("number", "severities", "age"),
        "digest_outside": ("number",),
        "digest_open_line": ("link",),
        "digest_text": ("number", "severities", "age", "link"),
        "digest_text_outside": ("number", "severities", "age"),
        "burst_subject": ("number", "severity"),
        "burst_line": ("number", "severity", "time"),
        "burst_new_line": ("number",),
        "burst_newest_line": ("reference",),
        "burst_text": ("number", "severity", "time", "reference", "link"),
    }

    concern: str
    urgent: str
    immediate: str
    why_new: str
    why_raised: str
    why_reopened: str
    why_letter: str
    why_live_chat: str
    subject: str
    text: str
    subject_live_chat: str
    text_live_chat: str
    text_outside: str
    severity_line: str
    need_line: str
    category_line: str
    age_line: str
    open_line: str
    outside_line: str
    until_opened: str
    no_words: str
    anchor_line: str
    open_button: str
    minute: str
    minutes: str
    hours: str
    days: str
    digest_subject: str
    digest_why: str
    digest_part: str
    digest_line: str
    digest_outside: str
    digest_open_line: str
    digest_open_button: str
    digest_text: str
    digest_text_outside: str
    burst_subject: str
    burst_why: str
    burst_line: str
    burst_new_line: str
    burst_newest_line: str
    burst_text: str
    catcher_title: str
    catcher_about: str
    catcher_none: str
    catcher_to: str


@dataclass(frozen=True)
class Notice:
    """An alert in words, for every channel."""

    subject: str
    lines: tuple[str, ...]
    """The lines of an email or a card, without the link."""
    link: str
    open_line: str
    open_button: str
    text: str
    """The text of a text message."""
    last_lines: tuple[str, ...]

    @property
    def body(self) -> str:
        """The text of an email."""
        return "\n".join([*self.lines, "", self.open_line, "", *self.last_lines, ""])


class AlertFormatter:
    """Puts alerts into words."""

    def __init__(self, phrases: AlertPhrases, console_url: str) -> None:
        """`console_url` is the address of the console for staff."""
        self._phrases = phrases
        self._console_url = console_url.rstrip("/")

    def notice(
        self, alert: Alert, now: datetime, *, outside: bool = False, anchor: str | None = None
    ) -> Notice:
        """Return the words of one alert; `outside` for a recipient who may not open the case.

        `anchor` is the newest link of the audit trail in short form, for the end of an email.
        """
        say = self._phrases
        severity = str(getattr(say, max(alert.severity, Severity.CONCERN).label))
        age = self._age(now - alert.raised_at)
        # The address has the reference only: it has to fit into a text message.
        link = f"{self._console_url}/escalations/find/{quote(alert.reference, safe='')}"
        lines = [str(getattr(say, f"why_{_why(alert)}")), ""]
        lines.append(say.severity_line.format(severity=severity))
        if alert.need:
            need = taxonomy().needs.get(alert.need) or _label(alert.need)
            lines.append(say.need_line.format(need=need))
        if alert.category:
            lines.append(say.category_line.format(category=_label(alert.category)))
        lines.append(say.age_line.format(age=age))
        if outside:
            lines.append(say.outside_line)
        subject = say.subject_live_chat if alert.live_chat else say.subject
        text = say.text_live_chat if alert.live_chat else say.text
        if outside:
            text = say.text_outside
        facts = {"severity": severity, "reference": alert.reference, "age": age, "link": link}
        return Notice(
            subject=subject.format(**facts),
            lines=tuple(lines),
            link=link,
            open_line=say.open_line.format(link=link),
            open_button=say.open_button,
            text=text.format(**facts),
            last_lines=self._last_lines(anchor),
        )

    def digest(
        self,
        alerts: Sequence[Alert],
        now: datetime,
        *,
        outside: int = 0,
        anchor: str | None = None,
    ) -> Notice:
        """Return the words of several alerts; the recipient may not open `outside` of them."""
        say, link = self._phrases, f"{self._console_url}/escalations"
        cases = {alert.case_id: max(alert.severity, Severity.CONCERN) for alert in alerts}
        counted = Counter(sorted(cases.values(), reverse=True))
        facts = {
            "number": len(cases),
            "severities": ", ".join(
                say.digest_part.format(number=number, severity=getattr(say, severity.label))
                for severity, number in counted.items()
            ),
            "age": self._age(now - min(alert.raised_at for alert in alerts)),
        }
        lines = [say.digest_why, "", say.digest_line.format(**facts)]
        if outside:
            lines.append(say.digest_outside.format(number=outside))
        text = say.digest_text_outside if outside else say.digest_text
        return Notice(
            subject=say.digest_subject.format(number=len(cases)),
            lines=tuple(lines),
            link=link,
            open_line=say.digest_open_line.format(link=link),
            open_button=say.digest_open_button,
            text=text.format(**facts, link=link),
            last_lines=self._last_lines(anchor),
        )

    def _last_lines(self, anchor: str | None) -> tuple[str, ...]:
        say = self._phrases
        proof = (say.anchor_line.format(anchor=anchor),) if anchor else ()
        return (say.until_opened, say.no_words, *proof)

    def burst(
        self,
        alerts: Sequence[Alert],
        burst: Burst,
        now: datetime,
        *,
        outside: int = 0,
        anchor: str | None = None,
    ) -> Notice:
        """Return the words of alerts of one burst; `outside` and `anchor` as in a digest."""
        say, together = self._phrases, self.digest(alerts, now, outside=outside, anchor=anchor)
        newest = max(alerts, key=lambda alert: alert.raised_at)
        facts = {
            "number": burst.more,
            "severity": getattr(say, max(newest.severity, Severity.CONCERN).label),
            "time": f"{burst.began_at.astimezone(LONDON):%H:%M}",
            "reference": newest.reference,
        }
        lines = [
            say.burst_why,
            "",
            say.burst_line.format(**facts),
            say.burst_new_line.format(number=len(alerts)),
            say.burst_newest_line.format(**facts),
            # What the reader may not open.
            *together.lines[3:],
        ]
        return replace(
            together,
            subject=say.burst_subject.format(**facts),
            lines=tuple(lines),
            text=together.text if outside else say.burst_text.format(**facts, link=together.link),
        )

    def _age(self, age: timedelta) -> str:
        """Return an age in words, a minute at least."""
        say = self._phrases
        days, hours = age.days, age // timedelta(hours=1)
        if days > 1:
            return say.days.format(number=days)
        if hours > 1:
            return say.hours.format(number=hours)
        minutes = age // timedelta(minutes=1)
        return say.minutes.format(number=minutes) if minutes > 1 else say.minute


def _why(alert: Alert) -> str:
    if alert.live_chat:
        return "live_chat"
    return "letter" if alert.letter else alert.reason


def _label(name: str) -> str:
    """Return a name of the taxonomy as words: "hurt_by_someone" is "hurt by someone"."""
    return name.replace("_", " ")
