"""The report of a period to print: each table with its bars."""

from __future__ import annotations

from staff.reports.statistics import Report
from staff.console import dates
from staff.reports import figures_wording
from staff.reports.figures_view import Chart, charts, waits
from staff.reports.pdf import PdfDocument

_WAIT_WIDTHS = (34, 33, 33)


def report_pdf(report: Report, *, own_areas: bool) -> bytes:
    """The whole report as PDF; `own_areas` where its reader does not see every area."""
    document = PdfDocument(
        figures_wording.REPORT_TITLE,
        marking=figures_wording.MARKING,
        made_at=report.made_at,
        page_label=figures_wording.PAGE,
    )
    document.heading(figures_wording.REPORT_TITLE, 1)
    document.paragraph(figures_wording.period(report.period), bold=True)
    document.paragraph(figures_wording.made(dates.moment(report.made_at)))
    for line in (figures_wording.ABOUT, figures_wording.SUPPRESSED):
        document.paragraph(line)
    if own_areas:
        document.paragraph(figures_wording.OWN_AREAS)
    for chart in charts(report):
        _add(document, chart)
    document.heading(figures_wording.WAITS)
    for title, rows in waits(report):
        document.paragraph(title, bold=True)
        document.grid([figures_wording.WAIT_COLUMNS, *rows], widths=_WAIT_WIDTHS)
    return bytes(document.output())


def _add(document: PdfDocument, chart: Chart) -> None:
    document.heading(chart.title)
    document.paragraph(f"{chart.total} {chart.late}".strip())
    if chart.note:
        document.paragraph(chart.note, grey=True)
    document.bars([(bar.label, bar.number, bar.part, bar.hidden) for bar in chart.bars])
