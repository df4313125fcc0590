"""The work that staff do on the page of a case, one form each.

A form that comes after a colleague's change is refused, with what was typed given back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect

from safeguarding.escalation import Outcome
from staff.accounts.accounts import Staff, UnknownStaffError
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.cases import wording as case_wording
from staff.cases.case import CaseStatus, Referral
from staff.cases.cases import UNASSIGNED, UnknownCaseError
from staff.cases.casework import (
    AlreadyClosedError,
    ClosingDecision,
    NotYoursError,
    StaleCaseError,
)
from staff.cases.forms import CaseForm
from staff.cases.merging import CaseMergeError
from staff.cases.page import readers_of, show
from staff.console.composition import Services, services
from staff.console.pages import HOME, SEE_OTHER, address_of

case_work = Blueprint("case_work")
Work: TypeAlias = Callable[[Services, str, CaseForm, Staff], str | None]
"""Takes the services, the id of the case, the form and the member of staff.

Returns the page to go on to, or None for that of the case.
"""


class FormRefusedError(Exception):
    """The work cannot be done; carries the name of a field and its error message."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(field)
        self.field = field
        self.message = message


@case_work.post(f"{HOME}/<case_id:str>/<work:str>", unquote=True)
@requires(Permission.WORK_CASES)
async def do(request: Request, case_id: str, work: str) -> HTTPResponse:
    """Do the work of a form."""
    if work not in WORKS:
        raise NotFound
    return await _done(request, case_id, work, WORKS[work])


@case_work.post(f"{HOME}/<case_id:str>/hold", unquote=True)
@requires(Permission.SET_HOLD)
async def hold(request: Request, case_id: str) -> HTTPResponse:
    """Set the legal hold of a case."""
    return await _done(request, case_id, "hold", _hold)


@case_work.post(f"{HOME}/<case_id:str>/release", unquote=True)
@requires(Permission.SET_HOLD)
async def release(request: Request, case_id: str) -> HTTPResponse:
    """Lift the legal hold of a case."""
    return await _done(request, case_id, "release", _hold)


async def _done(request: Request, case_id: str, work: str, act: Work) -> HTTPResponse:
    sent, who = CaseForm.by(request, work), session_of(request).staff
    if errors := sent.errors():
        return await show(request, case_id, sent, errors=errors, status=400)
    try:
        onward = await asyncio.to_thread(act, services(request), case_id, sent, who)
    except (StaleCaseError, AlreadyClosedError, NotYoursError):
        return await show(request, case_id, sent, stale=True, status=409)
    except UnknownStaffError:
        errors = {f"{work}-to": case_wording.SELECT_PERSON}
        return await show(request, case_id, sent, errors=errors, status=400)
    except FormRefusedError as error:
        errors = {f"{work}-{error.field}": error.message}
        return await show(request, case_id, sent, errors=errors, status=400)
    except UnknownCaseError:
        raise NotFound from None
    return redirect(onward or f"{address_of(case_id)}?done={work}", status=SEE_OTHER)


def _colleague(console: Services, case_id: str, to: str) -> str:
    """Return `to` where they may read the case. Raises UnknownStaffError."""
    if all(each.id != to for each in readers_of(console, console.cases.find(case_id))):
        raise UnknownStaffError
    return to


def _assign(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    chosen = sent.get("to")
    to = None if chosen == UNASSIGNED else _colleague(console, case_id, chosen)
    console.casework.assign(case_id, to, by=who.id, version=sent.version)


def _hand_over(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    to = _colleague(console, case_id, sent.get("to"))
    console.casework.hand_over(case_id, to, sent.get("note"), by=who.id, version=sent.version)


def _accept(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    console.casework.answer_handover(case_id, accept=True, by=who.id, version=sent.version)


def _return(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    console.casework.answer_handover(
        case_id, accept=False, by=who.id, reason=sent.get("note"), version=sent.version
    )


def _note(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    console.casework.note(case_id, sent.get("note"), by=who.id)


def _add_action(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    console.casework.add_action(case_id, sent.get("note"), sent.day("due_on"), by=who.id)


def _finish_action(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    console.casework.finish_action(case_id, sent.get("action"), by=who.id)


def _correct(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    assessed = console.cases.find(case_id).assessed_categories
    agrees = set(sent.chosen) == set(assessed)
    console.casework.correct(
        case_id,
        severity=sent.judged(),
        categories=None if agrees else sent.chosen,
        reason=sent.get("note"),
        by=who.id,
        version=sent.version,
    )


def _refer(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    made_at = sent.moment("made_at") if sent.get("made") == "yes" else None
    if made_at is not None and made_at > console.now():
        raise FormRefusedError("made_at", case_wording.REAL_TIME)
    referral = Referral(
        to_whom=sent.get("to_whom"),
        how=sent.get("how"),
        made_at=made_at,
        reference=sent.get("reference"),
        reason=sent.get("note"),
    )
    console.casework.refer(case_id, referral, by=who.id)


def _close(console: Services, case_id: str, sent: CaseForm, who: Staff) -> str | None:
    decision = ClosingDecision(
        outcome=Outcome(sent.get("outcome")),
        note=sent.get("note"),
        severity=sent.judged(),
        missed=sent.get("missed") == "yes",
    )
    status = console.casework.close(case_id, decision, by=who.id, version=sent.version)
    return f"{HOME}?saved=outcome" if status is CaseStatus.CLOSED else None


def _agree(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    console.casework.answer_closing(case_id, agree=True, by=who.id, version=sent.version)


def _disagree(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    console.casework.answer_closing(
        case_id, agree=False, by=who.id, reason=sent.get("note"), version=sent.version
    )


def _reopen(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    console.casework.reopen(case_id, by=who.id, reason=sent.get("note"))


def _merge(console: Services, case_id: str, sent: CaseForm, who: Staff) -> str:
    try:
        named = console.cases.of_reference(sent.get("reference"))
        into = console.cases.find(named.id, who.areas)
    except UnknownCaseError:
        raise FormRefusedError("reference", case_wording.UNKNOWN_REFERENCE) from None
    if into.id == case_id:
        raise FormRefusedError("reference", case_wording.UNKNOWN_REFERENCE)
    try:
        console.merging.merge(case_id, into.id, by=who.id, version=sent.version)
    except CaseMergeError:
        raise FormRefusedError("reference", case_wording.CANNOT_MERGE) from None
    return f"{address_of(into.id)}?done=merge"


def _separate(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    merged = console.cases.find(sent.get("other"))
    if merged.merged_into != case_id:
        raise UnknownCaseError
    console.merging.separate(merged.id, by=who.id)


def _split(console: Services, case_id: str, sent: CaseForm, who: Staff) -> str:
    try:
        new = console.merging.split(case_id, sent.chosen, by=who.id, version=sent.version)
    except (CaseMergeError, UnknownCaseError):
        raise FormRefusedError("chosen", case_wording.CANNOT_SPLIT) from None
    return f"{address_of(new)}?done=split"


def _hold(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    held = sent.work == "hold"
    console.merging.hold(case_id, held=held, by=who.id, version=sent.version)


WORKS: dict[str, Work] = {
    "assign": _assign,
    "handover": _hand_over,
    "accept": _accept,
    "return": _return,
    "note": _note,
    "action": _add_action,
    "finish": _finish_action,
    "correct": _correct,
    "refer": _refer,
    "outcome": _close,
    "agree": _agree,
    "disagree": _disagree,
    "reopen": _reopen,
    "merge": _merge,
    "separate": _separate,
    "split": _split,
}
