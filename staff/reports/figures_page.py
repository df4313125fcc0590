"""The page of figures for a period of whole months, and its downloads as CSV and PDF."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from datetime import date
from urllib.parse import urlencode

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import BadRequest
from sanic.response import raw

from safeguarding.clock import LONDON
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.console.composition import services
from staff.console.pages import STATISTICS
from staff.console.recording import record
from staff.reports import figures_output, figures_wording
from staff.reports.figures import Period, Report

DOWNLOADED = "statistics exported"
"""The event on the audit trail."""
MONTHS_BACK = 36
"""How many months before this one a report may begin."""

figures = Blueprint("figures", url_prefix=STATISTICS)


@figures.get("")
@requires(Permission.READ_FIGURES)
async def show(request: Request) -> HTTPResponse:
    """Show every figure of a period."""
    today = _today(request)
    period = _period(request, today)
    errors = {"to": figures_wording.END_BEFORE_START} if period is None else {}
    shown_period = period or _quarter(today)
    report = await _report(request, shown_period)
    return services(request).pages.render(
        "figures.html",
        status=400 if errors else 200,
        session=session_of(request),
        errors=errors,
        figures=figures_wording,
        report=report,
        charts=figures_output.charts(report),
        waits=figures_output.waits(report),
        chosen=_months_of(shown_period),
        months=list(_months(today)),
        presets=_presets(today),
        query=urlencode(_months_of(shown_period)),
        own_areas=areas_of(request) is not None,
    )


@figures.get("/figures.csv")
@requires(Permission.READ_FIGURES)
async def download_csv(request: Request) -> HTTPResponse:
    """Send the figures as CSV, recorded on the audit trail first."""
    report = await _recorded(request, "csv")
    # The byte order mark tells spreadsheets that the file is UTF-8.
    body = ("\ufeff" + figures_output.as_csv(report)).encode()
    return _file(body, "text/csv; charset=utf-8", _name(report, "csv"))


@figures.get("/report.pdf")
@requires(Permission.READ_FIGURES)
async def download_pdf(request: Request) -> HTTPResponse:
    """Send the figures as PDF, recorded on the audit trail first."""
    report = await _recorded(request, "pdf")
    own_areas = areas_of(request) is not None
    body = await asyncio.to_thread(figures_output.as_pdf, report, own_areas=own_areas)
    return _file(body, "application/pdf", _name(report, "pdf"))


def areas_of(request: Request) -> Collection[str] | None:
    """Return the areas whose cases the reader may see; None: all areas."""
    return session_of(request).staff.areas


async def _recorded(request: Request, form: str) -> Report:
    period = _period(request, _today(request))
    if period is None:
        raise BadRequest
    await record(request, DOWNLOADED, format=form, **_months_of(period))
    return await _report(request, period)


async def _report(request: Request, period: Period) -> Report:
    return await asyncio.to_thread(services(request).figures.report, period, areas_of(request))


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
    year = Period(
        date(today.year - 1, today.month, 1), _last_day(_month_before(today.replace(day=1)))
    )
    named = zip(figures_wording.PRESETS, (this, last, year), strict=True)
    return [(name, f"{STATISTICS}?{urlencode(_months_of(period))}") for name, period in named]


def _name(report: Report, ending: str) -> str:
    months = _months_of(report.period)
    return f"lantern-figures-{months['from']}-to-{months['to']}.{ending}"


def _file(body: bytes, kind: str, name: str) -> HTTPResponse:
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
    """Return the first day of the month before."""
    year, number = divmod(month.year * 12 + month.month - 2, 12)
    return date(year, number + 1, 1)


def _last_day(month: date) -> date:
    """Return the last day of a month."""
    year, number = divmod(month.year * 12 + month.month, 12)
    return date.fromordinal(date(year, number + 1, 1).toordinal() - 1)


def _quarter(day: date) -> Period:
    """Return the quarter that a day is in."""
    first = date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    return Period(first, _last_day(date(day.year, first.month + 2, 1)))
