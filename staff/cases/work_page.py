"""The forms on the page of a case: each checks what was sent, and does one piece of work.

A form that comes after a colleague's change is refused, with what was typed given back.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect

from safeguarding.clock import LONDON
from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity, taxonomy
from staff.accounts.accounts import Staff, UnknownStaffError
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.cases import wording as case_wording
from staff.cases.case import CaseStatus, Referral
from staff.cases.cases import UNASSIGNED, UnknownCaseError
from staff.cases.casework import (
    REFERRED_BY,
    REFERRED_TO,
    AlreadyClosedError,
    ClosingDecision,
    CorrectedPeople,
    NotYoursError,
    StaleCaseError,
)
from staff.cases.child_forms import CHILD_WORKS
from staff.cases.closing import UnfinishedCaseError
from staff.cases.forms import (
    Check,
    FormRefusedError,
    Work,
    colleague,
    field_required,
    note_required,
    person_required,
    too_long,
    unchecked,
    why_required,
)
from staff.cases.merging import CaseMergeError
from staff.cases.page import AGREE, CaseForm, show
from staff.cases.task_forms import TASK_WORKS
from staff.console import wording
from staff.console.pages import HOME, SEE_OTHER, Services, address_of, services

LONGEST_REFERENCE = 200
"""Characters in the other service's reference of a referral."""
MOMENTS = frozenset({"made_at"})
"""The fields of forms that hold a time."""
case_work = Blueprint("case_work")


@case_work.post(f"{HOME}/<case_id:str>/<work:str>", unquote=True)
@requires(Permission.WORK_CASES)
async def do(request: Request, case_id: str, work: str) -> HTTPResponse:
    """Do the work of a form."""
    if work not in WORKS:
        raise NotFound
    check, act = WORKS[work]
    return await carry_out(request, case_id, work, check, act)


@case_work.post(f"{HOME}/<case_id:str>/hold", unquote=True)
@requires(Permission.SET_HOLD)
async def hold(request: Request, case_id: str) -> HTTPResponse:
    """Set the legal hold of a case."""
    return await carry_out(request, case_id, "hold", unchecked, _hold)


@case_work.post(f"{HOME}/<case_id:str>/release", unquote=True)
@requires(Permission.SET_HOLD)
async def release(request: Request, case_id: str) -> HTTPResponse:
    """Lift the legal hold of a case."""
    return await carry_out(request, case_id, "release", unchecked, _hold)


async def carry_out(
    request: Request, case_id: str, work: str, check: Check, act: Work
) -> HTTPResponse:
    """Check a form of the page, do its work, and show the case; or give back what was typed."""
    sent, who = CaseForm.by(request, work), session_of(request).staff
    if sent.get("now") in MOMENTS:
        # The button beside a time, without a script: the form comes back with the time filled in.
        sent = replace(sent, fields=sent.fields | {sent.get("now"): _now(request)})
        return await show(request, case_id, sent)
    errors = check(sent)
    try:
        if not errors:
            onward = await asyncio.to_thread(act, services(request), case_id, sent, who)
            return redirect(onward or f"{address_of(case_id)}?done={work}", status=SEE_OTHER)
    except (StaleCaseError, AlreadyClosedError, NotYoursError):
        return await show(request, case_id, sent, stale=True, status=409)
    except UnknownStaffError:
        errors = {"to": case_wording.SELECT_PERSON}
    except FormRefusedError as error:
        errors = {error.field: error.message}
    except UnknownCaseError:
        raise NotFound from None
    by_id = {f"{work}-{name}": message for name, message in errors.items()}
    return await show(request, case_id, sent, errors=by_id, status=400)


def _now(request: Request) -> str:
    """Return the time in London as the field of a form holds it."""
    return f"{services(request).now().astimezone(LONDON):%Y-%m-%dT%H:%M}"


def _check_severity(sent: CaseForm) -> dict[str, str]:
    known = {"", AGREE, *(severity.label for severity in Severity)}
    return {} if sent.get("severity") in known else {"severity": wording.SELECT_SEVERITY}


def _assign(console: Services, case_id: str, sent: CaseForm, who: Staff) -> str | None:
    chosen = sent.get("to")
    to = None if chosen == UNASSIGNED else colleague(console, case_id, chosen)
    console.casework.assign(case_id, to, by=who.id, version=sent.version)
    return f"{address_of(case_id)}?done=take" if to == who.id else None


def _check_handover(sent: CaseForm) -> dict[str, str]:
    return person_required(sent) | why_required(sent)


def _hand_over(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    to = colleague(console, case_id, sent.get("to"))
    console.casework.hand_over(case_id, to, sent.get("note"), by=who.id, version=sent.version)


def _answer_handover(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    accept, reason = sent.work == "accept", sent.get("note")
    console.casework.answer_handover(
        case_id, accept=accept, by=who.id, reason=reason, version=sent.version
    )


def _note(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    console.casework.note(case_id, sent.get("note"), by=who.id)


def _check_correction(sent: CaseForm) -> dict[str, str]:
    errors, names = _check_severity(sent) | why_required(sent), taxonomy()
    if not set(sent.chosen) <= set(names.risk_categories):
        errors["chosen"] = case_wording.ENTER_WHY
    for field, known in (("subject", names.subjects), ("audience", names.audiences)):
        if sent.get(field) not in {"", AGREE, *known}:
            errors[field] = case_wording.SELECT_OFFERED
    return errors


def _correct(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    agrees = set(sent.chosen) == set(console.cases.find(case_id).assessed_categories)
    people = CorrectedPeople(sent.corrected("subject"), sent.corrected("audience"))
    console.casework.correct(
        case_id,
        severity=sent.judged(),
        categories=None if agrees else sent.chosen,
        people=people,
        reason=sent.get("note"),
        by=who.id,
        version=sent.version,
    )


def _check_referral(sent: CaseForm) -> dict[str, str]:
    errors = {}
    if sent.get("to_whom") not in REFERRED_TO:
        errors["to_whom"] = case_wording.SELECT_RECEIVER
    if sent.get("how") not in REFERRED_BY:
        errors["how"] = case_wording.SELECT_WAY
    made, note = sent.get("made"), sent.get("note")
    if made not in {"yes", "no"}:
        errors["made"] = case_wording.SELECT_MADE
    try:
        if made == "yes" and sent.moment("made_at") is None:
            errors["made_at"] = case_wording.ENTER_MADE_AT
    except ValueError:
        errors["made_at"] = case_wording.REAL_TIME
    if len(sent.get("reference")) > LONGEST_REFERENCE:
        errors["reference"] = case_wording.REFERENCE_LENGTH
    if made == "no" and not note.strip():
        errors["note"] = case_wording.ENTER_WHY_NOT
    return errors | too_long(note)


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


def check_outcome(sent: CaseForm) -> dict[str, str]:
    """Return the error messages of the form that closes a case, by field."""
    known = sent.get("outcome") in {outcome.value for outcome in Outcome}
    errors = {} if known else {"outcome": wording.SELECT_OUTCOME}
    return errors | note_required(wording.ENTER_REASON)(sent) | _check_severity(sent)


def _close(console: Services, case_id: str, sent: CaseForm, who: Staff) -> str | None:
    decision = ClosingDecision(
        outcome=Outcome(sent.get("outcome")),
        note=sent.get("note"),
        severity=sent.judged(),
        missed=sent.get("missed") == "yes",
    )
    try:
        status = console.casework.close(case_id, decision, by=who.id, version=sent.version)
    except UnfinishedCaseError as error:
        message = case_wording.unfinished(error.referral, error.tasks, error.live_chat)
        raise FormRefusedError("outcome", message) from None
    return f"{HOME}?saved=outcome" if status is CaseStatus.CLOSED else None


def _answer_closing(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    agree, reason = sent.work == "agree", sent.get("note")
    theirs = console.cases.find(case_id).closing_by not in {None, who.id}
    if agree and theirs and not console.cases.has_read(case_id, who.id, sent.session):
        raise FormRefusedError("words", case_wording.READ_BEFORE_AGREEING)
    try:
        console.casework.answer_closing(
            case_id, agree=agree, by=who.id, reason=reason, version=sent.version
        )
    except UnfinishedCaseError as error:
        message = case_wording.unfinished(error.referral, error.tasks, error.live_chat)
        raise FormRefusedError("note", message) from None


def _reopen(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    console.casework.reopen(case_id, by=who.id, reason=sent.get("note"))


def _merge(console: Services, case_id: str, sent: CaseForm, who: Staff) -> str:
    try:
        into = console.cases.of_reference(sent.get("reference"), who.areas)
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


def _check_split(sent: CaseForm) -> dict[str, str]:
    return {} if sent.chosen else {"chosen": case_wording.SELECT_MESSAGES}


def _split(console: Services, case_id: str, sent: CaseForm, who: Staff) -> str:
    try:
        new = console.merging.split(case_id, sent.chosen, by=who.id, version=sent.version)
    except (CaseMergeError, UnknownCaseError):
        raise FormRefusedError("chosen", case_wording.CANNOT_SPLIT) from None
    return f"{address_of(new)}?done=split"


def _hold(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    held = sent.work == "hold"
    console.merging.hold(case_id, held=held, by=who.id, version=sent.version)


WORKS: dict[str, tuple[Check, Work]] = {
    **TASK_WORKS,
    **CHILD_WORKS,
    "assign": (person_required, _assign),
    "handover": (_check_handover, _hand_over),
    "accept": (unchecked, _answer_handover),
    "return": (why_required, _answer_handover),
    "note": (note_required(case_wording.ENTER_NOTE), _note),
    "correct": (_check_correction, _correct),
    "refer": (_check_referral, _refer),
    "outcome": (check_outcome, _close),
    "agree": (unchecked, _answer_closing),
    "disagree": (why_required, _answer_closing),
    "reopen": (why_required, _reopen),
    "merge": (field_required("reference", case_wording.UNKNOWN_REFERENCE), _merge),
    "separate": (unchecked, _separate),
    "split": (_check_split, _split),
}
"""The forms that a member of staff with WORK_CASES may send."""
