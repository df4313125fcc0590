"""The page of one case: what is known at once, and what was written when the reader uncovers it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect

from staff.accounts.auth import needs_confirmation, requires, session_of
from staff.accounts.permissions import Permission
from staff.cases.cases import UnknownCaseError
from staff.cases.forms import CaseForm
from staff.cases.view import case_view, changed_since, mark_of
from staff.cases.wording import DONE
from staff.console.composition import services
from staff.console.pages import HOME, SEE_OTHER, address_of
from storage.vault import VaultError

case_page = Blueprint("case_page")
log = structlog.get_logger("console.case")


@case_page.get(f"{HOME}/<case_id:str>", unquote=True)
@requires(Permission.READ_CASES)
async def read(request: Request, case_id: str) -> HTTPResponse:
    """The case, its words covered until they are asked for. A message's id leads to its case."""
    cases = services(request).cases
    try:
        case = await asyncio.to_thread(cases.find, case_id)
    except UnknownCaseError:
        return await _case_of_message(request, case_id)
    if case.merged_into is not None:
        return redirect(address_of(case.merged_into))
    return await show(request, case_id, done=str(request.args.get("done") or ""))


@case_page.post(f"{HOME}/<case_id:str>/reveal", unquote=True)
@requires(Permission.READ_CASES)
async def reveal(request: Request, case_id: str) -> HTTPResponse:
    """Uncover the words for the rest of this session. That is on the audit trail first."""
    console, session = services(request), session_of(request)
    if asked := needs_confirmation(request, address_of(case_id)):
        return asked
    try:
        await asyncio.to_thread(
            console.casework.revealed, case_id, by=session.staff.id, session=mark_of(session)
        )
    except UnknownCaseError:
        raise NotFound from None
    return redirect(f"{address_of(case_id)}#opening", status=SEE_OTHER)


async def show(
    request: Request,
    case_id: str,
    sent: CaseForm | None = None,
    *,
    errors: Mapping[str, str] | None = None,
    stale: bool = False,
    status: int = 200,
    done: str = "",
) -> HTTPResponse:
    """The page. Whatever it is shown for, that it was is on the audit trail first.

    `sent` is what was typed into one of its forms, `stale` whether a colleague was quicker.
    """
    console, session, sent = services(request), session_of(request), sent or CaseForm()
    try:
        await asyncio.to_thread(console.casework.viewed, case_id, by=session.staff.id)
        whole = await asyncio.to_thread(console.cases.whole, case_id)
    except UnknownCaseError:
        raise NotFound from None
    except VaultError:
        log.error("case.unreadable", case_id=case_id)  # noqa: TRY400 - a traceback quotes
        return console.pages.render("unreadable.html", status=500, session=session)
    if not whole.severity_follows:
        log.error("case.severity_changed", case_id=case_id)
    context = await asyncio.to_thread(case_view, console, whole, session)
    return console.pages.render(
        "case.html",
        status=status,
        session=session,
        sent=sent,
        errors=errors or {},
        stale=stale,
        changed=changed_since(whole, context["history"], sent.seen) if stale else [],
        done=DONE.get(done, ""),
        **context,
    )


async def _case_of_message(request: Request, message_id: str) -> HTTPResponse:
    try:
        found = await asyncio.to_thread(services(request).cases.of_message, message_id)
    except UnknownCaseError:
        raise NotFound from None
    return redirect(address_of(found))
