"""The case file: one case as a record ready for JSON, to hand over or for its young person.

Both formats, JSON and PDF, are made from this record only, so that neither says more than the
other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any

from safeguarding.messages import contacts_as_record
from safeguarding.taxonomy import Severity
from staff.cases.case import Case, WholeCase
from staff.cases.chronology import chronology

FORMAT = "lantern-case-1"
"""Its number rises when a program that reads older files could misread a newer one."""
_CASE = (
    "reference", "status", "severity", "assessed_severity", "staff_severity", "need", "subject",
    "categories", "assessed_categories", "audience", "area", "opened_at", "raised_at",
    "newest_at", "due_at", "closed_at", "handoffs", "assigned_to", "legal_hold",
)  # fmt: skip
_REVIEW = ("at", "by", "outcome", "note", "severity", "missed", "second_by")
_ACTION = ("at", "by", "what", "due_on", "done_at", "done_by")
_REFERRAL = ("at", "by", "to_whom", "how", "made_at", "reference", "reason")
_STAFF = {"by", "done_by", "second_by", "assigned_to"}
"""Fields that hold the id of a member of staff."""
_OF_THE_MACHINE = {"session", "client"}
"""Details of events that identify the browser of a member of staff."""


class CaseFileKind(str, Enum):
    """The purpose of a case file. The values are on the audit trail: never rename one."""

    CASE_PACK = "case_pack"
    SUBJECT_ACCESS = "subject_access"


class LeftOut(str, Enum):
    """What a subject-access file leaves out. The values are in files: never rename one."""

    STAFF_NAMES = "staff_names"
    MERGED_CASES = "merged_cases"
    EXAMPLES = "examples"
    MACHINES = "machines"


def case_record(
    whole: WholeCase,
    people: Mapping[str, str],
    *,
    kind: CaseFileKind,
    made_at: datetime,
    made_by: str,
    reason: str,
) -> dict[str, Any]:
    """Return all that is known of a case. `people` names the staff who occur in it, by id.

    For SUBJECT_ACCESS, pass roles in place of names, and a case without those merged into it unless
    they were requested; other data about third parties is left out here.
    """
    record = {
        "format": FORMAT,
        "kind": kind.value,
        "made_at": made_at.isoformat(),
        "made_by": people.get(made_by, made_by),
        "reason": reason,
        "left_out": [],
        "case": _facts(whole.case, people),
        "merged": [_facts(each, people) for each in whole.merged],
        "wish": None if whole.wish is None else _fields(whole.wish, people, "at", "name", "reach"),
        "chronology": [
            _fields(entry, people, "by", "text", "at", "message_id", "severity", "shown")
            | {"contacts": contacts_as_record(entry.contacts)}
            for entry in chronology(whole.messages)
        ],
        "messages": [_message(each.as_record()) for each in whole.messages],
        "reviews": [_fields(each, people, *_REVIEW) for each in whole.reviews],
        "notes": [_fields(each, people, "at", "by", "text") for each in whole.notes],
        "actions": [_fields(each, people, *_ACTION) for each in whole.actions],
        "referrals": [_fields(each, people, *_REFERRAL) for each in whole.referrals],
        "history": [
            {
                "number": link.id,
                "at": link.event.at.isoformat(),
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
    return _for_the_subject(record) if kind is CaseFileKind.SUBJECT_ACCESS else record


def as_json(record: Mapping[str, Any]) -> bytes:
    """Return a record as a JSON file; every character, even a lone surrogate, is kept."""
    return (json.dumps(record, indent=1) + "\n").encode("ascii")


def people_in(whole: WholeCase) -> set[str]:
    """Return the ids of all staff who may occur in a case."""
    facts = [whole.case, *whole.merged]
    ids = {name for each in facts for name in (each.assigned_to, each.offered_to, each.closing_by)}
    ids |= {each.by for each in whole.notes} | {each.by for each in whole.actions}
    ids |= {each.by for each in whole.referrals} | {each.by for each in whole.reviews}
    ids |= {each.done_by for each in whole.actions} | {each.second_by for each in whole.reviews}
    for link in whole.history:
        ids |= {link.event.who, *filter(_is_text, link.event.detail.values())}
    return {name for name in ids if name}


def _for_the_subject(record: dict[str, Any]) -> dict[str, Any]:
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
    return _fields(case, people, *_CASE)


def _message(record: dict[str, Any]) -> dict[str, Any]:
    """Return one message without the conversation before it, which is in the chronology."""
    assessment = record["assessment"]
    kept = ("message_id", "raised_at", "raised_by", "text", "shown", "contacts", "audience", "area")
    return {name: record[name] for name in (*kept, "extra")} | {
        "severity": assessment["severity"],
        "categories": assessment["categories"],
        "subject": assessment["subject"],
        "signals": assessment["signals"],
    }


def _named(detail: Mapping[str, Any], people: Mapping[str, str]) -> dict[str, Any]:
    """Return the detail of an event with the names of staff in place of their ids."""
    return {
        key: people.get(value, value) if _is_text(value) else value for key, value in detail.items()
    }


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _fields(item: object, people: Mapping[str, str], *names: str) -> dict[str, Any]:
    """Return attributes as values of JSON, with the names of staff in place of their ids."""
    values = {name: _plain(getattr(item, name)) for name in names}
    return {
        name: people.get(value, value) if name in _STAFF else value
        for name, value in values.items()
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Severity):
        return value.label
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
