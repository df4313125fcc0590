"""The page of the signing plan: who signs what by when, how far it is, and the form to plan."""

from __future__ import annotations

from asyncio import to_thread
from datetime import date
from typing import Any

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import redirect

from safeguarding.content.signing import Standing
from staff.accounts.accounts import Staff
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.approvals.parts import AVERAGE
from staff.approvals.plan import (
    LONGEST_WEEKS,
    USUAL_WEEKS,
    SigningPlan,
    TooFewLeadsError,
)
from staff.approvals.signing_phrases import duration
from staff.console.pages import (
    CONTENT,
    SEE_OTHER,
    Services,
    content_address,
    field,
    number_in,
    services,
)

PLAN = f"{CONTENT}/plan"
NEXT = 10
"""How many of the reader's own signatures are listed first."""
content_plan = Blueprint("content_plan")


@content_plan.get(PLAN)
@requires(Permission.READ_CONTENT)
async def show(request: Request) -> HTTPResponse:
    """Show the plan."""
    return await _page(request, {}, saved=request.args.get("saved") == "plan")


@content_plan.post(PLAN)
@requires(Permission.APPROVE_CONTENT)
async def make(request: Request) -> HTTPResponse:
    """Spread what is not signed over the chosen leads and weeks; it replaces the plan before."""
    console, session = services(request), session_of(request)
    phrases = console.signing_phrases
    errors: dict[str, str] = {}
    known = {lead.id for lead in await to_thread(_leads, console)}
    chosen = request.form.getlist("leads", []) if request.form else []
    leads = [str(each) for each in dict.fromkeys(chosen) if each in known]
    weeks = number_in(field(request, "weeks"))
    if not leads:
        errors["leads"] = phrases.choose_leads
    if weeks is None or not 1 <= weeks <= LONGEST_WEEKS:
        errors["weeks"] = phrases.choose_weeks.format(most=LONGEST_WEEKS)
    if weeks is not None and not errors:
        standings = await to_thread(_standings, console)
        try:
            await to_thread(
                console.signing_plans.make, standings, leads, weeks, by=session.staff.id
            )
        except TooFewLeadsError:
            errors["leads"] = phrases.too_few_leads
        else:
            return redirect(f"{PLAN}?saved=plan", status=SEE_OTHER)
    return await _page(request, errors, leads, field(request, "weeks"), status=400)


async def _page(
    request: Request,
    errors: dict[str, str],
    chosen: list[str] | None = None,
    weeks: str = "",
    *,
    saved: bool = False,
    status: int = 200,
) -> HTTPResponse:
    console, session = services(request), session_of(request)
    context = await to_thread(_view, console, session.staff)
    leads = context["leads"]
    return console.pages.render(
        "content_plan.html",
        status=status,
        session=session,
        errors=errors,
        saved=saved,
        chosen=[lead.id for lead in leads] if chosen is None else chosen,
        weeks=weeks or str(USUAL_WEEKS),
        **context,
    )


def _standings(console: Services) -> list[Standing]:
    return console.approvals.standings(console.catalogue().items.values())


def _leads(console: Services) -> list[Staff]:
    """Return the staff who may sign, by name."""
    found = [each for each in console.accounts.in_use() if each.may(Permission.APPROVE_CONTENT)]
    return sorted(found, key=lambda each: each.shown_name.lower())


def _view(console: Services, reader: Staff) -> dict[str, Any]:
    """Return the template's context. Reads the database: call it in a thread."""
    plan = console.signing_plans.current(_standings(console))
    leads = _leads(console)
    own = plan.of(reader.id)
    days: list[tuple[date, list[SigningPlan]]] = [
        (day, [of_day.of(lead.id) for lead in leads]) for day, of_day in plan.by_day().items()
    ]
    return {
        "plan": plan,
        "leads": leads,
        "days": days,
        "shares": [(lead, plan.of(lead.id)) for lead in leads],
        "own": own,
        "next": [
            (each, content_address(each.task.content_id))
            for each in own.left[:NEXT]
            if each.standing is not None
        ],
        "unplanned": [(each, content_address(each.item.id)) for each in plan.unplanned],
        "takes": lambda words: duration(AVERAGE.time_for(words)),
        "may_plan": reader.may(Permission.APPROVE_CONTENT),
        "longest_weeks": LONGEST_WEEKS,
    }
