"""The list of cases: what waits for this reader first, then everything by how serious it is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import redirect

from safeguarding.taxonomy import taxonomy
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.cases.case import Case
from staff.cases.cases import CaseFilter, UnknownCaseError
from staff.cases.queue_view import QueueForm, pagination, rows_of, staff_in
from staff.cases.recording import record
from staff.console.composition import Services, services
from staff.console.pages import HOME, address_of

PER_PAGE = 25
COUNTED = 1000
"""Up to here cases are counted: nobody reads on, and counting all of a long list takes long."""
ON_TOP = 20
queue = Blueprint("queue")


@queue.get(HOME)
@requires(Permission.READ_CASES)
async def listed(request: Request) -> HTTPResponse:
    """One page of the list: the most severe first, then by when somebody must look."""
    console = services(request)
    context = await asyncio.to_thread(_context, request)
    await record(request, "list viewed", page=context["form"].page)
    found: Case | None = context.pop("found")
    if found is not None:
        return redirect(address_of(found.id))
    saved = request.args.get("saved") == "outcome"
    return console.pages.render("queue.html", session=session_of(request), saved=saved, **context)


@queue.get("/live/escalations")
@requires(Permission.READ_CASES)
async def fragment(request: Request) -> HTTPResponse:
    """The list alone, for a page that is open while something changes."""
    context = await asyncio.to_thread(_context, request)
    return services(request).pages.render("queue_list.html", session=session_of(request), **context)


def _context(request: Request) -> dict[str, Any]:
    """What the templates show. Asks the database: call it in a thread."""
    console, staff = services(request), session_of(request).staff
    reader, seen = staff.id, staff.areas
    now = console.now()
    areas = [each for each in console.cases.areas() if seen is None or each in seen]
    sent = {name: str(values[0]) for name, values in request.args.items()}
    form = QueueForm.sent_in(sent, areas)
    which = replace(form.which(reader, now), areas=seen)
    counted = console.cases.count(which, at_most=COUNTED)
    pages = max(1, -(-counted // PER_PAGE))
    form = replace(form, page=min(form.page, pages))
    shown = console.cases.queue(which, offset=(form.page - 1) * PER_PAGE, limit=PER_PAGE)
    offered = console.cases.queue(CaseFilter(offered_to=reader, areas=seen), limit=ON_TOP)
    to_agree = console.cases.queue(CaseFilter(second_person=reader, areas=seen), limit=ON_TOP)
    names = console.accounts.shown_names(staff_in([*shown, *offered, *to_agree]))
    return {
        "form": form,
        "areas": areas,
        "risk_categories": list(taxonomy().risk_categories),
        "now": now,
        "waiting": console.cases.count(CaseFilter(areas=seen), at_most=COUNTED),
        "counted": counted,
        "at_most": COUNTED,
        "rows": rows_of(shown, names, now),
        "offered": rows_of(offered, names, now),
        "to_agree": rows_of(to_agree, names, now),
        "pagination": pagination(form, pages),
        "change": console.cases.latest_change(),
        "found": _named(console, form.reference, seen),
    }


def _named(console: Services, reference: str, areas: frozenset[str] | None) -> Case | None:
    """The case whose whole reference was searched for, where the reader may see it."""
    try:
        found = console.cases.of_reference(reference) if reference else None
        return found and console.cases.find(found.id, areas)
    except UnknownCaseError:
        return None
