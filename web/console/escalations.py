"""The list of escalations, one of them whole, and the outcome that staff record."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect

from safeguarding.escalations.escalation import Outcome, RecordedEscalation, Status
from safeguarding.escalations.reviewing import AlreadyReviewedError, UnknownEscalationError
from safeguarding.escalations.vault import VaultError
from safeguarding.staff.permissions import Permission
from safeguarding.taxonomy import Severity
from web.console import wording
from web.console.auth import requires, session_of
from web.console.composition import services
from web.console.escalation_view import escalation_view, pagination, queue_row
from web.console.pages import HOME, LONGEST_NOTE, SEE_OTHER, address_of, field, note_in

PER_PAGE = 25
AGREE = "agree"
escalations = Blueprint("escalations")
log = structlog.get_logger("console.escalations")


@dataclass(frozen=True)
class OutcomeForm:
    """The fields of an outcome as they were sent; all empty on a fresh page."""

    outcome: str = ""
    note: str = ""
    severity: str = AGREE
    missed: bool = False
    """Whether something should have been raised and was not."""

    @classmethod
    def sent_in(cls, request: Request) -> OutcomeForm:
        """Read the fields of a request."""
        severity, missed = field(request, "severity") or AGREE, field(request, "missed") == "yes"
        return cls(field(request, "outcome"), note_in(request), severity, missed)

    def errors(self) -> dict[str, str]:
        """What to say beside which field; empty when the form is right."""
        errors = {}
        if self.outcome not in {outcome.value for outcome in Outcome}:
            errors["outcome"] = wording.SELECT_OUTCOME
        if not self.note.strip():
            errors["note"] = wording.ENTER_REASON
        elif len(self.note) > LONGEST_NOTE:
            errors["note"] = wording.note_too_long(LONGEST_NOTE)
        if self.severity not in {AGREE, *(severity.label for severity in Severity)}:
            errors["severity"] = wording.SELECT_SEVERITY
        return errors

    def judged(self) -> Severity | None:
        """The severity staff chose; None where they agree with the assessment."""
        return None if self.severity == AGREE else Severity.named(self.severity)


@escalations.get(HOME)
@requires(Permission.READ_CASES)
async def listed(request: Request) -> HTTPResponse:
    """One page of the list: the most severe first, then the oldest."""
    console = services(request)
    status = Status.CLOSED if request.args.get("status") == "closed" else Status.OPEN
    counts = {each: await asyncio.to_thread(console.log.count, each) for each in Status}
    pages = max(1, -(-counts[status] // PER_PAGE))
    page = min(_page_number(str(request.args.get("page") or "1")), pages)
    entries = await asyncio.to_thread(
        console.log.queue, status, offset=(page - 1) * PER_PAGE, limit=PER_PAGE
    )
    return console.pages.render(
        "queue.html",
        session=session_of(request),
        showing=status,
        counts=counts,
        rows=[queue_row(entry, console.now()) for entry in entries],
        pagination=pagination(status, page, pages),
        saved=request.args.get("saved") == "outcome",
    )


@escalations.get(f"{HOME}/<message_id:str>", unquote=True)
@requires(Permission.READ_CASES)
async def read(request: Request, message_id: str) -> HTTPResponse:
    """The whole escalation. Opening it is noted in its history."""
    console, session = services(request), session_of(request)
    try:
        await asyncio.to_thread(console.log.viewed, message_id, by=session.staff.id)
    except UnknownEscalationError:
        raise NotFound from None
    return await _page(request, message_id, OutcomeForm())


@escalations.post(f"{HOME}/<message_id:str>/outcome", unquote=True)
@requires(Permission.WORK_CASES)
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


@escalations.post(f"{HOME}/<message_id:str>/reopen", unquote=True)
@requires(Permission.WORK_CASES)
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
    context = await asyncio.to_thread(escalation_view, console, recorded)
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


def _page_number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 9 else 1  # noqa: PLR2004
