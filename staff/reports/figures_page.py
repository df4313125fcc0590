"""The page of figures for a period of whole months, and its downloads as CSV and PDF."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from urllib.parse import urlencode

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import BadRequest
from sanic.response import raw

from safeguarding.clock import LONDON
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.console import wording
from staff.console.pages import STATISTICS, services
from staff.console.recording import record
from staff.reports import figures_wording
from staff.reports.figure_tables import FigureTable
from staff.reports.figures import Period, Report
from staff.reports.pdf import PdfDocument

DOWNLOADED = "statistics exported"
"""The event on the audit trail."""
MONTHS_BACK = 36
"""How many months before this one a report may begin."""
_LONGEST = 80
"""Per cent of the width that the longest bar takes; its number stands beside it."""
_ROW = 46
"""Pixels from one bar to the next."""
_WAIT_WIDTHS = (34, 33, 33)

figures = Blueprint("figures", url_prefix=STATISTICS)


@figures.get("")
@requires(Permission.READ_FIGURES)
async def show(request: Request) -> HTTPResponse:
    """Show every figure of a period."""
    today = _today(request)
    period = _period(request, today)
    errors = {"to": figures_wording.END_BEFORE_START} if period is None else {}
    shown_period = period or _quarter(today)
    exact = session_of(request).staff.may(Permission.READ_CASES)
    report = await _report(request, shown_period, exact=exact)
    return services(request).pages.render(
        "figures.html",
        status=400 if errors else 200,
        session=session_of(request),
        errors=errors,
        figures=figures_wording,
        report=report,
        charts=[_chart(report, table) for table in report.tables],
        waits=_waits(report),
        chosen=_months_of(shown_period),
        months=list(_months(today)),
        presets=_presets(today),
        query=urlencode(_months_of(shown_period)),
        own_areas=areas_of(request) is not None,
        about_small=figures_wording.EXACT if exact else figures_wording.SUPPRESSED,
    )


@figures.get("/figures.csv")
@requires(Permission.READ_FIGURES)
async def download_csv(request: Request) -> HTTPResponse:
    """Send the figures as CSV, recorded on the audit trail first."""
    report = await _recorded(request, "csv")
    # The byte order mark tells spreadsheets that the file is UTF-8.
    body = ("\ufeff" + _as_csv(report)).encode()
    return _file(report, body, "csv", "text/csv; charset=utf-8")


@figures.get("/report.pdf")
@requires(Permission.READ_FIGURES)
async def download_pdf(request: Request) -> HTTPResponse:
    """Send the figures as PDF, recorded on the audit trail first."""
    report = await _recorded(request, "pdf")
    own_areas = areas_of(request) is not None
    body = await asyncio.to_thread(_as_pdf, report, own_areas=own_areas)
    return _file(report, body, "pdf", "application/pdf")


def areas_of(request: Request) -> Collection[str] | None:
    """Return the areas whose cases the reader may see; None: all areas."""
    return session_of(request).staff.areas


async def _recorded(request: Request, form: str) -> Report:
    period = _period(request, _today(request))
    if period is None:
        raise BadRequest
    await record(request, DOWNLOADED, format=form, **_months_of(period))
    return await _report(request, period)


async def _report(request: Request, period: Period, *, exact: bool = False) -> Report:
    """Return the figures; `exact` ones are for the page alone and never leave the console."""
    count = services(request).figures.report
    return await asyncio.to_thread(count, period, areas_of(request), exact=exact)


def _today(request: Request) -> date:
    return services(request).now().astimezone(LONDON).date()


def _period(request: Request, today: date) -> Period | None:
    """Return the period in the query, by default this quarter; None when its end comes first."""
    usual = _quarter(today)
    first = _month_of(str(request.args.get("from") or ""), today) or usual.first
    last = _month_of(str(request.args.get("to") or ""), today)
    period = Period(first, _last_day(last) if last else usual.last)
    return period if period.first <= period.last else None


def _months_of(period: Period) -> dict[str, str]:
    """Return the first and last month by the fields of the form."""
    return {"from": f"{period.first:%Y-%m}", "to": f"{period.last:%Y-%m}"}


def _presets(today: date) -> list[tuple[str, str]]:
    """Return the names and addresses of common periods."""
    this = _quarter(today)
    last = _quarter(_month_before(this.first))
    this_month = today.replace(day=1)
    year = Period(this_month.replace(year=today.year - 1), this_month - timedelta(days=1))
    named = zip(figures_wording.PRESETS, (this, last, year), strict=True)
    return [(name, f"{STATISTICS}?{urlencode(_months_of(period))}") for name, period in named]


def _file(report: Report, body: bytes, form: str, kind: str) -> HTTPResponse:
    months = _months_of(report.period)
    name = f"lantern-figures-{months['from']}-to-{months['to']}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return raw(body, content_type=kind, headers=headers)


def _month_of(text: str, today: date) -> date | None:
    """Return the first day of a month such as "2026-11"; None when it may not be chosen."""
    return next((month for month in _months(today) if f"{month:%Y-%m}" == text), None)


def _months(today: date) -> Iterator[date]:
    """Yield the months that may be chosen, from the end of this quarter back."""
    month = _quarter(today).last.replace(day=1)
    for _ in range(MONTHS_BACK):
        yield month
        month = _month_before(month)


def _month_before(month: date) -> date:
    """Return the first day of the month before the one that begins on this day."""
    return (month - timedelta(days=1)).replace(day=1)


def _last_day(month: date) -> date:
    """Return the last day of the month that begins on this day."""
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _quarter(day: date) -> Period:
    """Return the quarter that a day is in."""
    first = date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    return Period(first, _last_day(first.replace(month=first.month + 2)))


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


def _chart(report: Report, table: FigureTable) -> Chart:
    largest = max((row.count or 0 for row in table.rows), default=0) or 1
    bars = tuple(
        Bar(
            label=figures_wording.row(report, table.name, row.key),
            number=figures_wording.number(row.count),
            hidden=row.count is None,
            top=place * _ROW,
            part=(row.count or 0) / largest,
        )
        for place, row in enumerate(table.rows)
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


def _waits(report: Report) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Return the tables of waits: a title, and rows of severity, median and ninth decile."""
    groups = (
        (figures_wording.FIRST_VIEW, report.first_view),
        (figures_wording.CLOSING, report.closing),
    )
    shown = partial(figures_wording.waiting, exact=report.exact)
    return [
        (title, [(figures_wording.waited(w), shown(w.median), shown(w.ninety)) for w in group])
        for title, group in groups
    ]


def _as_csv(report: Report) -> str:
    """Return all figures as one CSV table (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(figures_wording.COLUMNS)
    for table in report.tables:
        title = figures_wording.TITLES[table.name]
        for row in table.rows:
            label = figures_wording.row(report, table.name, row.key)
            writer.writerow((title, label, figures_wording.number(row.count)))
    for title, rows in _waits(report):
        for severity, median, ninety in rows:
            columns = zip(figures_wording.WAIT_COLUMNS[1:], (median, ninety), strict=True)
            for column, value in columns:
                writer.writerow((f"{title}: {column.lower()}", severity, value))
    writer.writerow((figures_wording.NOTE, figures_wording.SUPPRESSED, ""))
    return text.getvalue()


def _as_pdf(report: Report, *, own_areas: bool) -> bytes:
    """Return a report as PDF; `own_areas` says in it that the reader does not see every area."""
    document = PdfDocument(figures_wording.REPORT_TITLE, report.made_at)
    document.paragraph(figures_wording.period(report.period), bold=True)
    document.paragraph(figures_wording.MADE.format(when=wording.moment(report.made_at)))
    document.paragraph(figures_wording.ABOUT)
    document.paragraph(figures_wording.SUPPRESSED)
    if own_areas:
        document.paragraph(figures_wording.OWN_AREAS)
    for chart in (_chart(report, table) for table in report.tables):
        document.heading(chart.title)
        document.paragraph(f"{chart.total} {chart.late}".strip())
        if chart.note:
            document.paragraph(chart.note, grey=True)
        document.bars([(bar.label, bar.number, bar.part, bar.hidden) for bar in chart.bars])
    document.heading(figures_wording.WAITS)
    for title, rows in _waits(report):
        document.paragraph(title, bold=True)
        document.grid([figures_wording.WAIT_COLUMNS, *rows], widths=_WAIT_WIDTHS)
    return bytes(document.output())
