"""The page of the audit trail: search, list and export. Each visit is recorded on the trail too."""

from __future__ import annotations

import csv
import io
import json
import re
from asyncio import to_thread
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import BadRequest

from safeguarding.clock import LONDON
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.audit.trail import EventFilter, Link
from staff.cases.cases import Cases, UnknownCaseError
from staff.console import wording
from staff.console.pages import AUDIT, Services, address_of, services
from staff.console.recording import record

audit = Blueprint("audit", url_prefix=AUDIT)
LONGEST_FIELD = 200
PER_PAGE = 50
PARTS = ("visitor", "gateway", "dispatcher", "command line")
"""Values of `who` that are not accounts."""
COLUMNS = (
    "number",
    "time",
    "who",
    "name",
    "what",
    "case",
    "reference",
    "message",
    "detail",
    "link",
)
REFERENCE = re.compile(r"(?:LN)?[ -]*[A-Z0-9]{4}[ -]*[A-Z0-9]{4}", re.IGNORECASE)
"""The reference of a case as people write it."""
_BATCH = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class FilterForm:
    """The fields of the search form as they were sent."""

    who: str = ""
    what: str = ""
    case: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def sent_in(cls, request: Request) -> FilterForm:
        """Read the fields from the address of a request."""
        fields = {name: str(request.args.get(name) or "") for name in vars(cls())}
        return cls(**{name: text.strip()[:LONGEST_FIELD] for name, text in fields.items()})

    @property
    def errors(self) -> dict[str, str]:
        """Error messages by field; empty when the form is valid."""
        days = {"since": self.since, "until": self.until}
        errors = {
            name: wording.ENTER_DATE for name, typed in days.items() if typed and not _day(typed)
        }
        first, last = _day(self.since), _day(self.until)
        return {"until": wording.DATES_TURNED} if first and last and last < first else errors

    def criteria(self, about: Sequence[str], visible: sa.ColumnElement[bool] | None) -> EventFilter:
        """Return the search criteria of a valid form; days are London's.

        `visible` is the condition of the events that the reader may see; None for all.
        """
        first, last = _day(self.since), _day(self.until)
        return EventFilter(
            who=self.who,
            what=self.what,
            about=tuple(about),
            since=_midnight(first) if first else None,
            until=_midnight(last + timedelta(days=1)) if last else None,
            visible=visible,
        )

    def address(self, path: str = AUDIT, **changes: str) -> str:
        """Return the address of the page for this form with `changes`."""
        changed = replace(self, **{k: v for k, v in changes.items() if k != "before"})
        fields = {**vars(changed), "before": changes.get("before", "")}
        query = urlencode({name: value for name, value in fields.items() if value})
        return f"{path}?{query}" if query else path


@audit.get("/")
@requires(Permission.READ_AUDIT)
async def listed(request: Request) -> HTTPResponse:
    """Show one page of the trail, newest first."""
    console, form = services(request), FilterForm.sent_in(request)
    kinds = await to_thread(console.audit.kinds)
    before = _number(request)
    links = []
    if not form.errors:
        await _record(request, "audit trail viewed", form, kinds)
        criteria = await to_thread(_criteria, request, form)
        links = await to_thread(console.audit.newest, criteria, before=before, limit=PER_PAGE + 1)
    shown = links[:PER_PAGE]
    names = await to_thread(console.accounts.shown_names, _accounts_in(shown) | {form.who})
    references = await to_thread(_references, request, shown)
    return console.pages.render(
        "audit.html",
        status=400 if form.errors else 200,
        session=session_of(request),
        errors=form.errors,
        filter=form,
        own_areas=session_of(request).staff.areas is not None,
        rows=[_row(link, names, references) for link in shown],
        people=await _people(console, form.who, names),
        kinds=kinds,
        older=form.address(before=str(shown[-1].id)) if len(links) > PER_PAGE else None,
        newest=None if before is None else form.address(),
        file=form.address(f"{AUDIT}/file"),
    )


@audit.get("/file")
@requires(Permission.READ_AUDIT)  # type: ignore[arg-type]  # a streamed response is not returned
async def file(request: Request) -> HTTPResponse | None:
    """Send all matching events as CSV, after recording the export."""
    console, form = services(request), FilterForm.sent_in(request)
    if form.errors:
        raise BadRequest
    await _record(request, "audit trail exported", form, await to_thread(console.audit.kinds))
    criteria = await to_thread(_criteria, request, form)
    name = f"audit-{console.now().astimezone(LONDON).date().isoformat()}.csv"
    response = await request.respond(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    await response.send(_csv_line(COLUMNS))
    before = None
    while links := await to_thread(console.audit.newest, criteria, before=before, limit=_BATCH):
        names = await to_thread(console.accounts.shown_names, _accounts_in(links))
        references = await to_thread(_references, request, links)
        lines = (_csv_line(_cells(link, names, references)) for link in links)
        await response.send("".join(lines))
        before = links[-1].id
    await response.eof()
    return None


def _criteria(request: Request, form: FilterForm) -> EventFilter:
    """Return the search criteria: of a reader of some areas, not about cases of others.

    Queries the database: call it in a thread.
    """
    cases, areas = services(request).cases, session_of(request).staff.areas
    about = _about(cases, areas, form.case)
    return form.criteria(about, None if areas is None else cases.events(areas))


def _about(cases: Cases, areas: Collection[str] | None, typed: str) -> tuple[str, ...]:
    """Return the ids to search for: of the case with this reference, or what was typed."""
    if not typed:
        return ()
    if REFERENCE.fullmatch(typed):
        with suppress(UnknownCaseError):
            return (cases.of_reference(typed, areas).id,)
    return (typed,)


def _number(request: Request) -> int | None:
    typed = str(request.args.get("before") or "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else None  # noqa: PLR2004


async def _record(request: Request, what: str, form: FilterForm, kinds: list[str]) -> None:
    """Record which criteria were used, without any text that the reader typed."""
    detail: dict[str, Any] = {}
    if form.since:
        detail["since"] = form.since
    if form.until:
        detail["until"] = form.until
    if form.who:
        known = await to_thread(services(request).accounts.shown_names, [form.who])
        detail["account"] = form.who if form.who in {*known, *PARTS} else "not known"
    if form.what:
        detail["kind"] = form.what if form.what in kinds else "not known"
    if form.case:
        detail["one_case"] = True
    await record(request, what, **detail)


async def _people(console: Services, chosen: str, names: Mapping[str, str]) -> dict[str, str]:
    """Return the choices of the `who` field: accounts in use, parts of Lantern, and `chosen`."""
    staff = await to_thread(console.accounts.in_use)
    people = {member.id: member.shown_name for member in staff}
    people |= {part: part.capitalize() for part in PARTS}
    if chosen and chosen not in people:
        people[chosen] = names.get(chosen, chosen)
    return people


def _accounts_in(links: Iterable[Link]) -> set[str]:
    """Return every string in these events that may be the id of an account."""
    ids: set[str] = set()
    for link in links:
        ids |= {link.event.who, str(link.event.detail.get("account", ""))}
    return ids


def _references(request: Request, links: Iterable[Link]) -> Mapping[str, str]:
    """Return the references of the cases in these events, by id, that the reader may see.

    Queries the database: call it in a thread.
    """
    reader = session_of(request).staff
    if not reader.may(Permission.READ_CASES):
        return {}
    ids = {link.event.case_id for link in links if link.event.case_id}
    return services(request).cases.references(ids, reader.areas)


def _row(link: Link, names: Mapping[str, str], references: Mapping[str, str]) -> dict[str, Any]:
    event, case_id = link.event, link.event.case_id or ""
    return {
        "link": link,
        "reference": references.get(case_id),
        "case_href": address_of(case_id) if case_id in references else None,
        "who": wording.who(event.who, names),
        "detail": [(wording.label(k), _plain(k, v, names)) for k, v in event.detail.items()],
        "clock": f"{event.at.astimezone(LONDON):%H:%M:%S}",
    }


def _plain(name: str, value: Any, names: Mapping[str, str]) -> str:
    if isinstance(value, str):
        return names.get(value, value) if name == "account" else value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value, ensure_ascii=False)


def _cells(
    link: Link, names: Mapping[str, str], references: Mapping[str, str]
) -> tuple[object, ...]:
    """Return the cells of COLUMNS; times are in UTC."""
    event = link.event
    return (
        link.id,
        event.at.isoformat(),
        event.who,
        names.get(event.who, ""),
        event.what,
        event.case_id or "",
        references.get(event.case_id or "", ""),
        event.message_id or "",
        json.dumps(event.detail, sort_keys=True),
        link.link,
    )


def _csv_line(cells: Iterable[object]) -> str:
    texts = [str(cell) for cell in cells]
    line = io.StringIO()
    # Ids come from outside, and a spreadsheet would run a formula in them.
    csv.writer(line).writerow([f"'{text}" if text.startswith(_FORMULA) else text for text in texts])
    return line.getvalue()


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed)
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON)
