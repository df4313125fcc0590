"""Presents figures: as charts and tables for the page, as CSV, and as PDF."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from staff.console import wording
from staff.reports import figures_wording
from staff.reports.figures import Report
from staff.reports.pdf import PdfDocument
from staff.reports.suppression import FigureTable

_LONGEST = 80
"""Per cent of the width that the longest bar takes; its number stands beside it."""
_ROW = 46
"""Pixels from one bar to the next."""
_WAIT_WIDTHS = (34, 33, 33)


@dataclass(frozen=True)
class Bar:
    """One row of a chart."""

    label: str
    number: str
    hidden: bool
    top: int
    """Pixels from the top of its SVG."""
    part: float
    """Its length as a part of the longest bar, 0 to 1."""

    @property
    def width(self) -> str:
        """The width in the SVG: "43.5%"."""
        return f"{_LONGEST * self.part:.1f}%"


@dataclass(frozen=True)
class Chart:
    """One table of a report in words."""

    name: str
    title: str
    note: str
    total: str
    late: str
    bars: tuple[Bar, ...]
    height: int


def charts(report: Report) -> list[Chart]:
    """Return a chart for each table of a report."""
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
    """Return the tables of waits: a title, and rows of severity, median and ninth decile."""
    groups = (
        (figures_wording.FIRST_VIEW, report.first_view),
        (figures_wording.CLOSING, report.closing),
    )
    shown = figures_wording.waiting
    return [
        (title, [(figures_wording.waited(w), shown(w.median), shown(w.ninety)) for w in group])
        for title, group in groups
    ]


def as_csv(report: Report) -> str:
    """Return all figures as one CSV table (RFC 4180)."""
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


def as_pdf(report: Report, *, own_areas: bool) -> bytes:
    """Return a report as PDF; `own_areas` says in it that the reader does not see every area."""
    document = PdfDocument(
        figures_wording.REPORT_TITLE,
        marking=figures_wording.MARKING,
        made_at=report.made_at,
        page_label=figures_wording.PAGE,
    )
    document.heading(figures_wording.REPORT_TITLE, 1)
    document.paragraph(figures_wording.period(report.period), bold=True)
    document.paragraph(figures_wording.made(wording.moment(report.made_at)))
    for line in (figures_wording.ABOUT, figures_wording.SUPPRESSED):
        document.paragraph(line)
    if own_areas:
        document.paragraph(figures_wording.OWN_AREAS)
    for chart in charts(report):
        document.heading(chart.title)
        document.paragraph(f"{chart.total} {chart.late}".strip())
        if chart.note:
            document.paragraph(chart.note, grey=True)
        document.bars([(bar.label, bar.number, bar.part, bar.hidden) for bar in chart.bars])
    document.heading(figures_wording.WAITS)
    for title, rows in waits(report):
        document.paragraph(title, bold=True)
        document.grid([figures_wording.WAIT_COLUMNS, *rows], widths=_WAIT_WIDTHS)
    return bytes(document.output())
