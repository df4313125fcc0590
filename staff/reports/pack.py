"""A case as one JSON-ready record: whole for those who take it over, or for its young person.

What leaves the house is made from this record alone, whatever form it has, so that no form tells
more than another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any

from staff.cases.case import Case, WholeCase
from staff.cases.chronology import chronology
from safeguarding.shown_contacts import contacts_as_record

FORMAT = "lantern-case-1"
"""Grows when a reader of older records could misread a newer one."""
_OF_THE_MACHINE = {"session", "client"}
"""Details of events that tell of the reader's browser."""


class ExportKind(str, Enum):
    """What is exported. The values are on the audit trail: never rename one."""

    CASE_PACK = "case_pack"
    SUBJECT_ACCESS = "subject_access"


class LeftOut(str, Enum):
    """What a subject-access export leaves out. The values are in exports: never rename one."""

    STAFF_NAMES = "staff_names"
    MERGED_CASES = "merged_cases"
    EXAMPLES = "examples"
    MACHINES = "machines"


def case_record(
    whole: WholeCase,
    people: Mapping[str, str],
    *,
    kind: ExportKind,
    made_at: datetime,
    made_by: str,
    reason: str,
) -> dict[str, Any]:
    """All that is known of a case. `people` names the staff who occur in it, by id.

    Of SUBJECT_ACCESS, hand in roles for names and a case without those merged into it, unless they
    were asked for: this leaves out the rest of what is other people's.
    """
    record = {
        "format": FORMAT,
        "kind": kind.value,
        "made_at": _at(made_at),
        "made_by": people.get(made_by, made_by),
        "reason": reason,
        "left_out": [],
        "case": _facts(whole.case, people),
        "merged": [_facts(each, people) for each in whole.merged],
        "wish": None
        if whole.wish is None
        else {"at": _at(whole.wish.at), "name": whole.wish.name, "reach": whole.wish.reach},
        "chronology": [
            {
                "by": said.by,
                "text": said.text,
                "at": _at(said.at),
                "message_id": said.message_id,
                "severity": None if said.severity is None else said.severity.label,
                "shown": said.shown,
                "contacts": contacts_as_record(said.contacts),
            }
            for said in chronology(whole.messages)
        ],
        "messages": [_message(each.as_record()) for each in whole.messages],
        "reviews": [
            {
                "at": _at(each.at),
                "by": people.get(each.by, each.by),
                "outcome": each.outcome.value,
                "note": each.note,
                "severity": None if each.severity is None else each.severity.label,
                "missed": each.missed,
                "second_by": _name(each.second_by, people),
            }
            for each in whole.reviews
        ],
        "notes": [
            {"at": _at(each.at), "by": people.get(each.by, each.by), "text": each.text}
            for each in whole.notes
        ],
        "actions": [
            {
                "at": _at(each.at),
                "by": people.get(each.by, each.by),
                "what": each.what,
                "due_on": _day(each.due_on),
                "done_at": _at(each.done_at),
                "done_by": _name(each.done_by, people),
            }
            for each in whole.actions
        ],
        "referrals": [
            {
                "at": _at(each.at),
                "by": people.get(each.by, each.by),
                "to_whom": each.to_whom,
                "how": each.how,
                "made_at": _at(each.made_at),
                "reference": each.reference,
                "reason": each.reason,
            }
            for each in whole.referrals
        ],
        "history": [
            {
                "number": link.id,
                "at": _at(link.event.at),
                "who": people.get(link.event.who, link.event.who),
                "by_staff": link.event.who in people,
                "what": link.event.what,
                "message_id": link.event.message_id,
                "detail": _named(link.event.detail, people),
                "link": link.link,
            }
            for link in whole.history
        ],
    }
    return _for_its_subject(record) if kind is ExportKind.SUBJECT_ACCESS else record


def as_json(record: Mapping[str, Any]) -> bytes:
    """A record as a file. Half surrogates and all other letters come back as they were."""
    return (json.dumps(record, indent=1) + "\n").encode("ascii")


def people_in(whole: WholeCase) -> set[str]:
    """The ids of all staff who may occur in a case."""
    facts = [whole.case, *whole.merged]
    found = {
        name for each in facts for name in (each.assigned_to, each.offered_to, each.closing_by)
    }
    found |= {each.by for each in whole.notes} | {each.by for each in whole.actions}
    found |= {each.by for each in whole.referrals} | {each.by for each in whole.reviews}
    found |= {each.done_by for each in whole.actions} | {each.second_by for each in whole.reviews}
    for link in whole.history:
        found |= {link.event.who, *filter(_is_text, link.event.detail.values())}
    return {name for name in found if name}


def _for_its_subject(record: dict[str, Any]) -> dict[str, Any]:
    left_out = [LeftOut.STAFF_NAMES, LeftOut.MACHINES, LeftOut.EXAMPLES]
    for message in record["messages"]:
        for signal in message["signals"]:
            signal["like"] = []
    for event in record["history"]:
        for key in _OF_THE_MACHINE & set(event["detail"]):
            del event["detail"][key]
    if not record["merged"]:
        left_out.append(LeftOut.MERGED_CASES)
    return record | {"left_out": [each.value for each in left_out]}


def _facts(case: Case, people: Mapping[str, str]) -> dict[str, Any]:
    staff_severity = case.staff_severity
    return {
        "reference": case.reference,
        "status": case.status.value,
        "severity": case.severity.label,
        "assessed_severity": case.assessed_severity.label,
        "staff_severity": None if staff_severity is None else staff_severity.label,
        "need": case.need,
        "subject": case.subject,
        "categories": list(case.categories),
        "assessed_categories": list(case.assessed_categories),
        "audience": case.audience,
        "area": case.area,
        "opened_at": _at(case.opened_at),
        "raised_at": _at(case.raised_at),
        "newest_at": _at(case.newest_at),
        "due_at": _at(case.due_at),
        "closed_at": _at(case.closed_at),
        "handoffs": case.handoffs,
        "assigned_to": _name(case.assigned_to, people),
        "legal_hold": case.legal_hold,
    }


def _message(record: dict[str, Any]) -> dict[str, Any]:
    """One message; what was said before it stands in the chronology."""
    assessment = record["assessment"]
    kept = ("message_id", "raised_at", "raised_by", "text", "shown", "contacts", "audience", "area")
    return {name: record[name] for name in (*kept, "extra")} | {
        "severity": assessment["severity"],
        "categories": assessment["categories"],
        "subject": assessment["subject"],
        "signals": assessment["signals"],
    }


def _named(detail: Mapping[str, Any], people: Mapping[str, str]) -> dict[str, Any]:
    """The detail of an event, with the names of staff in place of their ids."""
    return {
        key: people.get(value, value) if _is_text(value) else value for key, value in detail.items()
    }


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _name(staff_id: str | None, people: Mapping[str, str]) -> str | None:
    return None if staff_id is None else people.get(staff_id, staff_id)


def _at(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
