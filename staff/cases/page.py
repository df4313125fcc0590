"""The page of one case: its facts, and its words once the reader uncovers them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from urllib.parse import quote

import structlog
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect

from safeguarding.clock import LONDON
from safeguarding.live_chat import LiveChatState
from safeguarding.taxonomy import Severity, taxonomy
from staff.accounts.accounts import Staff
from staff.accounts.auth import needs_confirmation, requires, session_of
from staff.accounts.permissions import Permission
from staff.accounts.sessions import Session
from staff.cases import wording as case_wording
from staff.cases.case import READ_EVENTS, Case, CaseEvent, CaseStatus, WholeCase
from staff.cases.cases import UnknownCaseError
from staff.cases.casework import SECOND_PERSON_FROM
from staff.cases.child import newest
from staff.cases.conversation import conversation_of, message_view
from staff.console import wording
from staff.console.pages import (
    HOME,
    LIVE,
    SEE_OTHER,
    Services,
    address_of,
    chat_address,
    note_in,
    number_in,
    services,
    written_in,
)
from staff.letterbox.correspondence import correspondence
from staff.rota.rota import Shift
from storage.vault import VaultError

AWAY_DAYS = 28
"""Days ahead for which the page says that the owner of a task is off duty."""
BREAK_FROM = 10
"""Number of cases read in a day from which the page suggests a break."""
AGREE = "agree"
"""Value of the severity field where staff agree with the assessment."""
case_page = Blueprint("case_page")
log = structlog.get_logger("console.case")


@dataclass(frozen=True)
class CaseForm:
    """A form as it was sent; empty on a fresh page."""

    work: str = ""
    """The form: a key of `work_page.WORKS`, "hold" or "release"."""
    fields: dict[str, str] = field(default_factory=dict)
    chosen: tuple[str, ...] = ()
    """The values of its ticked boxes."""
    written: str = ""
    """Everything that was typed, for the page to give back."""
    version: int | None = None
    """The version of the case on its page."""
    seen: int = 0
    """The number of the newest event on its page."""
    session: str = ""
    """The mark of the session that sent it, as the audit trail names it."""

    @classmethod
    def by(cls, request: Request, work: str) -> CaseForm:
        """Read the fields of a request."""
        form = request.form
        fields = {name: str(values[0]) for name, values in (form or {}).items()}
        fields["note"] = note_in(request)
        return cls(
            work=work,
            fields=fields,
            chosen=tuple(map(str, form.getlist("chosen", []))) if form else (),
            written=written_in(request),
            version=number_in(fields.get("version", "")),
            seen=number_in(fields.get("seen", "")) or 0,
            session=mark_of(session_of(request)),
        )

    def get(self, name: str) -> str:
        """Return a field; empty where it was not sent."""
        return self.fields.get(name, "")

    def kept(self, work: str, name: str, otherwise: str = "") -> str:
        """Return what was typed into a field of the form `work`, if this is that form."""
        return self.get(name) if self.work == work else otherwise

    def judged(self) -> Severity | None:
        """Return the severity that staff chose; None where they agree with the assessment."""
        severity = self.get("severity") or AGREE
        return None if severity == AGREE else Severity.named(severity)

    def corrected(self, name: str) -> str | None:
        """Return what staff chose in a field that may agree; None where they do."""
        chosen = self.get(name) or AGREE
        return None if chosen == AGREE else chosen

    def day(self, name: str) -> date | None:
        """Return a date, or None where the field is empty. Raises ValueError."""
        return date.fromisoformat(self.get(name)) if self.get(name) else None

    def moment(self, name: str) -> datetime | None:
        """Return a time in London, or None where the field is empty. Raises ValueError."""
        if not self.get(name):
            return None
        return datetime.fromisoformat(self.get(name)).replace(tzinfo=LONDON)


@case_page.get(f"{HOME}/<case_id:str>", unquote=True)
@requires(Permission.READ_CASES)
async def read(request: Request, case_id: str) -> HTTPResponse:
    """Show a case with its words covered. The id of a message leads to its case."""
    cases, areas = services(request).cases, session_of(request).staff.areas
    try:
        case = await asyncio.to_thread(cases.find, case_id, areas)
    except UnknownCaseError:
        return await _case_of_message(request, case_id)
    if case.merged_into is not None:
        if not await asyncio.to_thread(cases.has, case.merged_into, areas):
            raise NotFound
        return redirect(address_of(case.merged_into))
    return await show(request, case_id, done=str(request.args.get("done") or ""))


@case_page.post(f"{HOME}/<case_id:str>/reveal", unquote=True)
@requires(Permission.READ_CASES)
async def reveal(request: Request, case_id: str) -> HTTPResponse:
    """Uncover the words for the rest of this session, after recording that on the audit trail."""
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
    """Render the page of a case, after recording on the audit trail that it was viewed.

    `sent` is what was typed into one of its forms, `stale` whether a colleague changed the case
    first, and `done` the work that was just done.
    """
    console, session, sent = services(request), session_of(request), sent or CaseForm()
    try:
        await asyncio.to_thread(console.casework.viewed, case_id, by=session.staff.id)
        whole = await asyncio.to_thread(console.cases.whole, case_id)
    except UnknownCaseError:
        raise NotFound from None
    except VaultError:
        return unreadable(request, case_id)
    if not whole.severity_follows:
        log.error("case.severity_changed", case_id=case_id)
    context = await asyncio.to_thread(context_of, console, whole, session)
    return console.pages.render(
        "case.html",
        status=status,
        session=session,
        sent=sent,
        errors=errors or {},
        stale=stale,
        changed=_changed_since(whole, context["history"], sent.seen) if stale else [],
        done=case_wording.DONE.get(done, ""),
        **context,
    )


def unreadable(request: Request, case_id: str) -> HTTPResponse:
    """Say that the words of a case cannot be opened."""
    log.error("case.unreadable", case_id=case_id)
    return services(request).pages.render(
        "unreadable.html", status=500, session=session_of(request)
    )


def readers_of(console: Services, case: Case) -> list[Staff]:
    """Return the staff who may read a case, by name. Queries the database."""
    return [
        each
        for each in console.accounts.in_use()
        if each.may(Permission.READ_CASES)
        and (each.areas is None or case.area is None or case.area in each.areas)
    ]


async def _case_of_message(request: Request, message_id: str) -> HTTPResponse:
    cases, areas = services(request).cases, session_of(request).staff.areas
    try:
        case_id = await asyncio.to_thread(cases.of_message, message_id, areas)
    except UnknownCaseError:
        raise NotFound from None
    return redirect(address_of(case_id))


def mark_of(session: Session) -> str:
    """Return a digest that names a session on the audit trail and cannot be used to sign in."""
    return hashlib.sha256(f"reveal {session.form_token}".encode()).hexdigest()[:16]


def is_revealed(whole: WholeCase, session: Session) -> bool:
    """Return whether the audit trail says that the reader uncovered the words in this session."""
    reader, mark = session.staff.id, mark_of(session)
    return any(
        link.event.what == CaseEvent.REVEALED.value
        and link.event.who == reader
        and link.event.case_id == whole.case.id
        and link.event.detail.get("session") == mark
        for link in whole.history
    )


def context_of(console: Services, whole: WholeCase, session: Session) -> dict[str, Any]:
    """Return the context of the template; with words only where this reader has uncovered them.

    Queries the database: call it in a thread.
    """
    case, now, reader = whole.case, console.now(), session.staff.id
    names = console.accounts.shown_names(_people(whole))
    owners = {each.given_to for each in whole.actions if each.given_to and not each.done_at}
    away = console.rota.covers(owners, AWAY_DAYS) if owners else []
    names |= console.accounts.shown_names({each.staff_id for each in away})
    revealed = is_revealed(whole, session)
    links = console.links.of_case(case.id, session.staff.areas)
    names |= console.accounts.shown_names({each.by for each in links})
    live = _live_chat(console, case, session)
    if live["chat"] is not None:
        names |= console.accounts.shown_names(filter(None, [live["chat"].owner]))
    risk_categories = taxonomy().risk_categories
    return {
        "case": case,
        "href": address_of(case.id),
        "live_href": f"{LIVE}/case/{quote(case.id, safe='')}",
        "now": now,
        "severity_follows": whole.severity_follows,
        "reader": reader,
        "names": names,
        "colleagues": [each for each in readers_of(console, case) if each.id != reader],
        "categories": [
            (wording.label(name), risk_categories.get(name, "")) for name in case.categories
        ],
        "told": [wording.label(name).lower() for name in case.assessed_categories],
        "possible": [wording.label(name).lower() for name in case.possible_categories],
        "all_categories": [(name, wording.label(name)) for name in risk_categories],
        "subjects": [(name, wording.subject(name)) for name in taxonomy().subjects],
        "audiences": [(name, wording.audience(name)) for name in taxonomy().audiences],
        "needs_second": max(case.severity, case.assessed_severity) >= SECOND_PERSON_FROM,
        "may_agree": case.closing_by not in {None, reader},
        "said": case_wording.said(whole.messages, console.facts),
        "merged": whole.merged,
        "links": links,
        "address_of": address_of,
        "outline": [
            {
                "id": each.message_id,
                "number": number,
                "who": wording.writer(each.audience),
                "at": each.raised_at,
                "severity": each.assessment.severity,
                "categories": [wording.label(name) for name in each.assessment.categories],
            }
            for number, each in enumerate(whole.messages, 1)
        ],
        "history": [
            (event, wording.who(event.who, names), case_wording.history_line(event, names))
            for event in (link.event for link in whole.history)
        ],
        "seen": max((link.id for link in whole.history), default=0),
        "revealed": revealed,
        "words": _words(console, whole, session, away) if revealed else None,
        "boxes": whole.letterboxes,
        **live,
        "letter_phrases": console.letter_phrases,
        "letter_openings": console.letter_openings,
        "kept": {
            "note": len(whole.notes),
            "thing to do": sum(each.done_at is None for each in whole.actions),
            "referral": len(whole.referrals),
            "outcome": len(whole.reviews),
            "letter to the young person": len(whole.letters),
            "detail": len(newest(whole.details)),
        },
    }


def _changed_since(whole: WholeCase, lines: list[Any], seen: int) -> list[Any]:
    """Return the lines of the history after the event `seen` that changed the case."""
    return [
        line
        for link, line in zip(whole.history, lines, strict=True)
        if link.id > seen and link.event.what not in READ_EVENTS
    ]


def _words(
    console: Services, whole: WholeCase, session: Session, away: list[Shift]
) -> dict[str, Any]:
    """Return what people wrote. Queries the database."""
    reader = session.staff.id
    midnight = datetime.combine(console.now().astimezone(LONDON).date(), time(), LONDON)
    read_today = console.cases.revealed_since(midnight, by=reader)
    return {
        "opening": message_view(whole.opening, whole.messages.index(whole.opening) + 1),
        "chronology": conversation_of(whole.messages, whole.live_words),
        "notes": whole.notes,
        "actions": whole.actions,
        "away": away,
        "child": newest(whole.details),
        "similar": _similar(console, whole.case, session),
        "referrals": whole.referrals,
        "reviews": whole.reviews,
        "wish": whole.wish,
        "letters": correspondence(whole),
        "files": console.attachments.of_case(whole.case.id),
        "read_today": read_today,
        "take_a_break": read_today >= BREAK_FROM,
    }


def _live_chat(console: Services, case: Case, session: Session) -> dict[str, Any]:
    """Return the live chat of a case that runs, and why the reader cannot join or answer."""
    reader, newest = session.staff, console.live_room.of_case(case.id)
    chat = newest if newest is not None and newest.state is not LiveChatState.ENDED else None
    why_not = None
    if chat is None:
        why_not = console.live_desk.why_not(case.id, by=reader.id)
    elif chat.state is LiveChatState.ASKED:
        why_not = console.may_chat.why_not(reader.id, chat.conversation_id)
    return {
        "chat": chat,
        "live_why": why_not,
        "live_shown": chat is not None or case.status is CaseStatus.OPEN,
        "chat_address": chat_address,
    }


def _similar(console: Services, case: Case, session: Session) -> int:
    """Return how many open cases are like this one, where they might be closed with it."""
    if case.severity > Severity.URGENT or not session.staff.may(Permission.WORK_CASES):
        return 0
    return len(console.likeness.like(case.id, session.staff.areas).found)


def _people(whole: WholeCase) -> set[str]:
    """Return the ids of the staff who occur on the page."""
    case = whole.case
    ids = {case.assigned_to, case.offered_to, case.closing_by}
    for link in whole.history:
        ids |= {link.event.who, link.event.detail.get("to"), link.event.detail.get("proposed_by")}
        ids |= set(link.event.detail.get("told", ()))
    for written in (whole.notes, whole.actions, whole.referrals, whole.reviews, whole.letters):
        ids |= {each.by for each in written}
    ids |= {each.by for each in whole.live_words}
    ids |= {name for each in whole.actions for name in (each.done_by, each.given_to)}
    ids |= {each.by for each in whole.details}
    ids |= {each.second_by for each in whole.reviews}
    return {each for each in ids if each}
