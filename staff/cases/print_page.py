"""A case to print: with its reference, who printed it and when, on each page of paper."""

from __future__ import annotations

import asyncio

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect

from staff.accounts.auth import needs_confirmation, requires, session_of
from staff.accounts.permissions import Permission
from staff.cases.case import CaseEvent
from staff.cases.cases import UnknownCaseError
from staff.cases.page import CaseForm, context_of, is_revealed, unreadable
from staff.console.pages import HOME, SEE_OTHER, address_of, services
from staff.console.recording import record
from storage.vault import VaultError

case_print = Blueprint("case_print")


@case_print.get(f"{HOME}/<case_id:str>/print", unquote=True)
@requires(Permission.READ_CASES)
async def printed(request: Request, case_id: str) -> HTTPResponse:
    """Show all of a case as it goes to paper, to a reader who has uncovered its words.

    That it was made is on the audit trail before it is shown.
    """
    console, session = services(request), session_of(request)
    if asked := needs_confirmation(request, address_of(case_id)):
        return asked
    try:
        whole = await asyncio.to_thread(console.cases.whole, case_id)
    except UnknownCaseError:
        raise NotFound from None
    except VaultError:
        return unreadable(request, case_id)
    if not is_revealed(whole, session):
        return redirect(f"{address_of(case_id)}#opening", status=SEE_OTHER)
    await record(request, CaseEvent.PRINTED.value, case_id=case_id)
    context = await asyncio.to_thread(context_of, console, whole, session)
    return console.pages.render("case_print.html", session=session, sent=CaseForm(), **context)
