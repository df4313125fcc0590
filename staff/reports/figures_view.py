"""What the page of figures shows: bars, the waits, and the same as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from staff.reports.statistics import Period, Report
from staff.reports.suppression import FigureTable
from staff.reports import figures_wording

MONTHS_BACK = 36
"""Months that a report may begin before this one."""
_LONGEST = 80
"""Per cent of the width that the longest bar takes: its number stands behind it."""
_ROW = 46
"""Pixels from one bar to the next."""


@dataclass(frozen=True)
class Bar:
    """One row of a chart, ready for a drawing."""

    label: str
    number: str
    hidden: bool
    top: int
    """Pixels from the top of its SVG."""
    part: float
    """Of the longest bar: 0 to 1."""

    @property
    def width(self) -> str:
        """The length of the bar in its SVG: "43.5%"."""
        return f"{_LONGEST * self.part:.1f}%"


@dataclass(frozen=True)
class Chart:
    """One table, ready for the template."""

    name: str
    title: str
    note: str
    total: str
    late: str
    bars: tuple[Bar, ...]
    height: int


def charts(report: Report) -> list[Chart]:
    """Every table of a report."""
    return [_chart(report, table) for table in report.tables]


def _chart(report: Report, table: FigureTable) -> Chart:
    largest = max((cell.count or 0 for cell in table.cells), default=0) or 1
    bars = tuple(
        Bar(
            label=figures_wording.row(report, table.name, cell.key),
            number=figures_wording.number(cell.count),
            hidden=cell.count is None,
            top=place * _ROW,
            part=(cell.count or 0) / largest,
        )
        for place, cell in enumerate(table.cells)
    )
    return Chart(
        name=table.name,
        title=figures_wording.TITLES[table.name],
        note=figures_wording.NOTES.get(table.name, ""),
        total=figures_wording.total(table),
        late=figures_wording.late(table),
        bars=bars,
        height=len(bars) * _ROW,
    )


def waits(report: Report) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """How long cases waited: a title and rows of severity, median and ninth tenth."""
    groups = (
        (figures_wording.FIRST_VIEW, report.first_view),
        (figures_wording.CLOSING, report.closing),
    )
    shown = figures_wording.waiting
    return [
        (title, [(figures_wording.waited(w), shown(w.median), shown(w.ninety)) for w in found])
        for title, found in groups
    ]


def as_csv(report: Report) -> str:
    """All figures as one table, with the lines of RFC 4180."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(figures_wording.COLUMNS)
    for table in report.tables:
        title = figures_wording.TITLES[table.name]
        for cell in table.cells:
            label = figures_wording.row(report, table.name, cell.key)
            writer.writerow((title, label, figures_wording.number(cell.count)))
    for title, rows in waits(report):
        for severity, median, ninety in rows:
            for column, value in zip(
                figures_wording.WAIT_COLUMNS[1:], (median, ninety), strict=True
            ):
                writer.writerow((f"{title}: {column.lower()}", severity, value))
    return text.getvalue()


def month_of(text: str, today: date) -> date | None:
    """The first day of the month "2026-11"; None for what is no month that may be chosen."""
    return next((month for month in months(today) if f"{month:%Y-%m}" == text), None)


def months(today: date) -> Iterator[date]:
    """The months a report may begin and end with, from the end of this quarter back."""
    month = quarter(today).last.replace(day=1)
    for _ in range(MONTHS_BACK):
        yield month
        month = before(month)


def before(month: date) -> date:
    """The first day of the month before."""
    year, number = divmod(month.year * 12 + month.month - 2, 12)
    return date(year, number + 1, 1)


def last_day(month: date) -> date:
    """The last day of a month."""
    year, number = divmod(month.year * 12 + month.month, 12)
    return date.fromordinal(date(year, number + 1, 1).toordinal() - 1)


def quarter(day: date) -> Period:
    """The quarter of a day."""
    first = date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    return Period(first, last_day(date(day.year, first.month + 2, 1)))
