"""The page of figures, and the same as CSV and as a report to print."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import date
from urllib.parse import urlencode

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import BadRequest
from sanic.response import raw

from safeguarding.clock import LONDON
from staff.reports.statistics import Period, Report
from staff.accounts.permissions import Permission
from staff.reports import figures_view
from staff.reports import figures_wording
from staff.accounts.auth import requires, session_of
from staff.console.composition import services
from staff.reports.figures_view import before, last_day, month_of, quarter
from staff.console.pages import STATISTICS
from staff.console.recording import record
from staff.reports.report_pdf import report_pdf

EXPORTED = "statistics exported"
statistics = Blueprint("statistics", url_prefix=STATISTICS)


@statistics.get("")
@requires(Permission.READ_FIGURES)
async def shown(request: Request) -> HTTPResponse:
    """Every figure of a period of whole months."""
    today = _today(request)
    period = _period(request, today)
    errors = {"to": figures_wording.END_BEFORE_START} if period is None else {}
    shown_period = period or quarter(today)
    report = await _report(request, shown_period)
    return services(request).pages.render(
        "statistics.html",
        status=400 if errors else 200,
        session=session_of(request),
        errors=errors,
        figures=figures_wording,
        report=report,
        charts=figures_view.charts(report),
        waits=figures_view.waits(report),
        chosen=_months_of(shown_period),
        months=list(figures_view.months(today)),
        presets=_presets(today),
        query=urlencode(_months_of(shown_period)),
        own_areas=areas_of(request) is not None,
    )


@statistics.get("/figures.csv")
@requires(Permission.READ_FIGURES)
async def download(request: Request) -> HTTPResponse:
    """The same figures as CSV; on the audit trail before they leave."""
    report = await _exported(request, "csv")
    # The mark tells spreadsheets that it is UTF-8.
    body = ("\ufeff" + figures_view.as_csv(report)).encode()
    return _file(body, "text/csv; charset=utf-8", _name(report, "csv"))


@statistics.get("/report.pdf")
@requires(Permission.READ_FIGURES)
async def printed(request: Request) -> HTTPResponse:
    """The same figures to print; on the audit trail before they leave."""
    report = await _exported(request, "pdf")
    own_areas = areas_of(request) is not None
    body = await asyncio.to_thread(report_pdf, report, own_areas=own_areas)
    return _file(body, "application/pdf", _name(report, "pdf"))


def areas_of(request: Request) -> Collection[str] | None:
    """The areas whose cases the reader may see; None: all of them."""
    return session_of(request).staff.areas


async def _exported(request: Request, form: str) -> Report:
    period = _period(request, _today(request))
    if period is None:
        raise BadRequest
    await record(request, EXPORTED, format=form, **_months_of(period))
    return await _report(request, period)


async def _report(request: Request, period: Period) -> Report:
    return await asyncio.to_thread(services(request).statistics.report, period, areas_of(request))


def _today(request: Request) -> date:
    return services(request).now().astimezone(LONDON).date()


def _period(request: Request, today: date) -> Period | None:
    """The months of the address; this quarter where none are named. None: they make no period."""
    usual = quarter(today)
    first = month_of(str(request.args.get("from") or ""), today) or usual.first
    last = month_of(str(request.args.get("to") or ""), today)
    period = Period(first, last_day(last) if last else usual.last)
    return period if period.first <= period.last else None


def _months_of(period: Period) -> dict[str, str]:
    """The months of a period, by the fields of the form."""
    return {"from": f"{period.first:%Y-%m}", "to": f"{period.last:%Y-%m}"}


def _presets(today: date) -> list[tuple[str, str]]:
    """Addresses of the periods that are asked for most, with their names."""
    this = quarter(today)
    last = quarter(before(this.first))
    year = Period(date(today.year - 1, today.month, 1), last_day(before(today.replace(day=1))))
    named = zip(figures_wording.PRESETS, (this, last, year), strict=True)
    return [(name, f"{STATISTICS}?{urlencode(_months_of(period))}") for name, period in named]


def _name(report: Report, ending: str) -> str:
    months = _months_of(report.period)
    return f"lantern-figures-{months['from']}-to-{months['to']}.{ending}"


def _file(body: bytes, kind: str, name: str) -> HTTPResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return raw(body, content_type=kind, headers=headers)
