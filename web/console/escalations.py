"""One escalation: what was said, why it was raised, and what staff did about it."""

from __future__ import annotations

import asyncio

import structlog
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect

from safeguarding.escalations.recorded import Outcome, RecordedEscalation
from safeguarding.escalations.reviewing import AlreadyReviewedError, UnknownEscalationError
from safeguarding.escalations.vault import VaultError
from web.console.addresses import address_of
from web.console.auth import HOME, SEE_OTHER, staff_only
from web.console.escalation_view import view_of
from web.console.outcome_form import OutcomeForm
from web.console.services import services, session_of

escalations = Blueprint("escalations", url_prefix=HOME)
log = structlog.get_logger("console.escalations")


@escalations.get("/<message_id:str>", unquote=True)
@staff_only
async def read(request: Request, message_id: str) -> HTTPResponse:
    """The whole escalation. Opening it is noted in its history."""
    console, session = services(request), session_of(request)
    try:
        await asyncio.to_thread(console.log.viewed, message_id, by=session.staff.id)
    except UnknownEscalationError:
        raise NotFound from None
    return await _page(request, message_id, OutcomeForm())


@escalations.post("/<message_id:str>/outcome", unquote=True)
@staff_only
async def record_outcome(request: Request, message_id: str) -> HTTPResponse:
    """Close it with what was done. The first to do so wins; the second keeps what they wrote."""
    console, session = services(request), session_of(request)
    form = OutcomeForm.sent_in(request)
    if form.errors():
        return await _page(request, message_id, form, status=400)
    try:
        await asyncio.to_thread(
            console.log.review,
            message_id,
            by=session.staff.id,
            outcome=Outcome(form.outcome),
            note=form.note,
            severity=form.judged(),
            missed=form.missed,
        )
    except AlreadyReviewedError:
        return await _already_reviewed(request, message_id, form)
    except UnknownEscalationError:
        raise NotFound from None
    return redirect(f"{HOME}?saved=outcome", status=SEE_OTHER)


@escalations.post("/<message_id:str>/reopen", unquote=True)
@staff_only
async def reopen(request: Request, message_id: str) -> HTTPResponse:
    """Open a closed one again."""
    console, session = services(request), session_of(request)
    try:
        await asyncio.to_thread(console.log.reopen, message_id, by=session.staff.id)
    except UnknownEscalationError:
        raise NotFound from None
    return redirect(address_of(message_id), status=SEE_OTHER)


async def _page(
    request: Request, message_id: str, form: OutcomeForm, status: int = 200
) -> HTTPResponse:
    console = services(request)
    try:
        recorded = await asyncio.to_thread(console.log.get, message_id)
    except UnknownEscalationError:
        raise NotFound from None
    except VaultError:
        log.error("escalation.unreadable", message_id=message_id)  # noqa: TRY400
        return console.pages.render("unreadable.html", status=500, session=session_of(request))
    context = await asyncio.to_thread(view_of, console, recorded)
    errors = form.errors() if status != 200 else {}  # noqa: PLR2004
    return console.pages.render(
        "escalation.html",
        status=status,
        session=session_of(request),
        form=form,
        errors=errors,
        **context,
    )


async def _already_reviewed(request: Request, message_id: str, form: OutcomeForm) -> HTTPResponse:
    console = services(request)
    recorded: RecordedEscalation = await asyncio.to_thread(console.log.get, message_id)
    review = recorded.reviews[-1]
    names = await asyncio.to_thread(console.accounts.shown_names, [review.by])
    return console.pages.render(
        "already_reviewed.html",
        status=409,
        session=session_of(request),
        review=review,
        reviewer=names[review.by],
        href=address_of(message_id),
        written=form.note,
    )
