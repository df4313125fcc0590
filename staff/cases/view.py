"""One case as its page shows it: the facts for all who may open it, the words once uncovered."""

from __future__ import annotations

import hashlib
from datetime import datetime, time
from typing import Any
from urllib.parse import quote

from safeguarding.clock import LONDON
from safeguarding.escalation import Escalation
from safeguarding.taxonomy import taxonomy
from staff.accounts.accounts import Staff
from staff.accounts.permissions import Permission
from staff.accounts.sessions import Session
from staff.cases import wording as case_wording
from staff.cases.case import Case, CaseEvent, CaseStatus, WholeCase
from staff.cases.casework import SECOND_PERSON_FROM
from staff.cases.chronology_view import MessageView, chronology, message_view
from staff.console import wording
from staff.console.composition import Services
from staff.console.pages import LIVE, address_of

MANY = 10
"""From so many cases a day on, a break is suggested."""


def mark_of(session: Session) -> str:
    """What tells a session from others on the audit trail; nobody can sign in with it."""
    return hashlib.sha256(f"reveal {session.form_token}".encode()).hexdigest()[:16]


def is_revealed(whole: WholeCase, session: Session) -> bool:
    """Whether the reader uncovered the words in this session: the audit trail says so."""
    reader, mark = session.staff.id, mark_of(session)
    return any(
        link.event.what == CaseEvent.REVEALED.value
        and link.event.who == reader
        and link.event.case_id == whole.case.id
        and link.event.detail.get("session") == mark
        for link in whole.history
    )


def case_view(console: Services, whole: WholeCase, session: Session) -> dict[str, Any]:
    """The context of the template. Asks the database: call it in a thread.

    What anyone wrote is in it only when this reader has uncovered it.
    """
    case, now, reader = whole.case, console.now(), session.staff.id
    names = console.accounts.shown_names(_people(whole))
    revealed = is_revealed(whole, session)
    return {
        "case": case,
        "href": address_of(case.id),
        "live_href": f"{LIVE}/case/{quote(case.id, safe='')}",
        "now": now,
        "severity_follows": whole.severity_follows,
        "overdue": case.status is CaseStatus.OPEN and now > case.due_at,
        "reader": reader,
        "names": names,
        "colleagues": [each for each in readers_of(console, case) if each.id != reader],
        "categories": [_category(name) for name in case.categories],
        "all_categories": [(name, wording.label(name)) for name in taxonomy().risk_categories],
        "needs_second": _needs_second(case),
        "may_agree": case.closing_by not in {None, reader},
        "merged": whole.merged,
        "outline": [_outline(each, number) for number, each in enumerate(whole.messages, 1)],
        "history": [
            (event, wording.who(event.who, names), case_wording.what(event, names))
            for event in (link.event for link in whole.history)
        ],
        "seen": max((link.id for link in whole.history), default=0),
        "revealed": revealed,
        "words": _words(console, whole, names, reader) if revealed else None,
        "kept": _kept(whole),
    }


def readers_of(console: Services, case: Case) -> list[Staff]:
    """The staff who may read this case, by name."""
    return [
        each
        for each in console.accounts.in_use()
        if each.may(Permission.READ_CASES)
        and (each.areas is None or case.area is None or case.area in each.areas)
    ]


def changed_since(whole: WholeCase, told: list[Any], seen: int) -> list[Any]:
    """Of the lines of the history `told`, those after the event `seen`, but for mere reading."""
    reading = {CaseEvent.VIEWED.value, CaseEvent.REVEALED.value}
    return [
        line
        for link, line in zip(whole.history, told, strict=True)
        if link.id > seen and link.event.what not in reading
    ]


def _words(
    console: Services, whole: WholeCase, names: dict[str, str], reader: str
) -> dict[str, Any]:
    """All that somebody wrote."""
    number = whole.messages.index(whole.opening) + 1
    now = console.now().astimezone(LONDON)
    read = console.cases.revealed_since(datetime.combine(now.date(), time(), LONDON), by=reader)
    return {
        "opening": message_view(whole.opening, number),
        "chronology": chronology(whole.messages),
        "notes": [(each, names.get(each.by, "")) for each in whole.notes],
        "actions": [(each, names.get(each.by, ""), names.get(each.done_by or "", ""))
                    for each in whole.actions],
        "referrals": [(each, names.get(each.by, "")) for each in whole.referrals],
        "reviews": [(each, names.get(each.by, ""), names.get(each.second_by or "", ""))
                    for each in whole.reviews],
        "wish": whole.wish,
        "read_today": read,
        "take_a_break": read >= MANY,
    }  # fmt: skip


def _kept(whole: WholeCase) -> dict[str, int]:
    """How much there is to uncover besides the conversation."""
    return {
        "note": len(whole.notes),
        "thing to do": sum(each.done_at is None for each in whole.actions),
        "referral": len(whole.referrals),
        "outcome": len(whole.reviews),
    }


def _outline(message: Escalation, number: int) -> MessageView:
    """A message without a word of it: when it came, and how serious it was found."""
    found = message.assessment
    return MessageView(
        message.message_id, number, wording.writer(message.audience), message.raised_at,
        found.severity, [], [], None, "",
        [wording.label(name) for name in found.categories], [], {},
    )  # fmt: skip


def _people(whole: WholeCase) -> set[str]:
    """The ids of the staff who occur on the page."""
    case = whole.case
    found = {case.assigned_to, case.offered_to, case.closing_by}
    for link in whole.history:
        detail = link.event.detail
        found |= {link.event.who, detail.get("to"), detail.get("proposed_by")}
    for written in (whole.notes, whole.actions, whole.referrals, whole.reviews):
        found |= {each.by for each in written}
    found |= {each.done_by for each in whole.actions}
    found |= {each.second_by for each in whole.reviews}
    return {each for each in found if each}


def _needs_second(case: Case) -> bool:
    return max(case.severity, case.assessed_severity) >= SECOND_PERSON_FROM


def _category(name: str) -> tuple[str, str]:
    return wording.label(name), taxonomy().risk_categories.get(name, "")
