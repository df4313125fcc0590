"""What the page about the audit trail shows: its filter, its rows, and the same as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from safeguarding.clock import LONDON
from staff.audit.audit_log import Wanted
from staff.audit.trail import Link
from staff.console import wording
from staff.console.pages import AUDIT

PER_PAGE = 50
PARTS = ("visitor", "gateway", "dispatcher", "command line")
"""Who may have done something besides staff."""
COLUMNS = ("number", "time", "who", "name", "what", "case", "message", "detail", "link")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Filter:
    """The fields of the filter as they were sent."""

    who: str = ""
    what: str = ""
    case: str = ""
    since: str = ""
    until: str = ""

    @property
    def errors(self) -> dict[str, str]:
        """What to say beside which field; empty when the filter is right."""
        days = {"since": self.since, "until": self.until}
        wrong = {
            name: wording.ENTER_DATE for name, typed in days.items() if typed and not _day(typed)
        }
        first, last = _day(self.since), _day(self.until)
        return {"until": wording.DATES_TURNED} if first and last and last < first else wrong

    def wanted(self, about: Sequence[str]) -> Wanted:
        """The events that are looked for, where the filter is right; days are London's."""
        first, last = _day(self.since), _day(self.until)
        return Wanted(
            who=self.who,
            what=self.what,
            about=tuple(about),
            since=_midnight(first) if first else None,
            until=_midnight(last + timedelta(days=1)) if last else None,
        )

    def address(self, path: str = AUDIT, **changes: str) -> str:
        """The page of this filter with `changes`."""
        changed = replace(self, **{k: v for k, v in changes.items() if k != "before"})
        fields = {**vars(changed), "before": changes.get("before", "")}
        query = urlencode({name: value for name, value in fields.items() if value})
        return f"{path}?{query}" if query else path


@dataclass(frozen=True)
class Row:
    """One event, ready for the template."""

    link: Link
    who: str
    detail: tuple[tuple[str, str], ...]
    clock: str
    """The time of day in London, to the second."""


def accounts_in(links: Iterable[Link]) -> set[str]:
    """Whatever may be the id of an account in these events."""
    found: set[str] = set()
    for link in links:
        found |= {link.event.who, str(link.event.detail.get("account", ""))}
    return found


def rows(links: Iterable[Link], names: Mapping[str, str]) -> list[Row]:
    """The events for the template; `names` are those of accounts, by id."""
    return [
        Row(
            link,
            wording.who(link.event.who, names),
            tuple((wording.label(k), _plain(k, v, names)) for k, v in link.event.detail.items()),
            f"{link.event.at.astimezone(LONDON):%H:%M:%S}",
        )
        for link in links
    ]


def csv_header() -> str:
    """The first line of the file."""
    return _line(COLUMNS)


def csv_lines(links: Iterable[Link], names: Mapping[str, str]) -> str:
    """The events as lines of the file; times in UTC."""
    return "".join(
        _line(
            (
                link.id,
                link.event.at.isoformat(),
                link.event.who,
                names.get(link.event.who, ""),
                link.event.what,
                link.event.case_id or "",
                link.event.message_id or "",
                json.dumps(link.event.detail, sort_keys=True),
                link.link,
            )
        )
        for link in links
    )


def _line(cells: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([_harmless(str(cell)) for cell in cells])
    return text.getvalue()


def _harmless(cell: str) -> str:
    """No formula for the spreadsheet that opens the file: ids come from outside."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _plain(name: str, value: Any, names: Mapping[str, str]) -> str:
    if isinstance(value, str):
        return names.get(value, value) if name == "account" else value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value, ensure_ascii=False)


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed)
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON)
