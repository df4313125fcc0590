"""The case file: one case as a record, to hand over or for its young person; and what was released.

Both formats, JSON and PDF, are made from the record only, so that neither says more than the other.
Each release is an event on the audit trail: the kind, by whom, and the SHA-256 of the file; the
reason is a note of the case. `python -m lantern verify-pack FILE REFERENCE` compares a file.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import click
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.messages import contacts_as_record
from safeguarding.settings import Settings
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import check_in_use
from staff.attachments.attachments import Attachment
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CaseEvent, WholeCase, chronology
from staff.cases.cases import Cases, UnknownCaseError
from staff.cases.casework import WordsMissingError
from staff.cases.tables import case_notes, cases, make_key
from storage.engine import READING, connect
from storage.vault import Vault

FORMAT = "lantern-case-1"
"""Its number rises when a program that reads older files could misread a newer one."""
FileFormat = Literal["pdf", "json"]
_CASE = (
    "reference", "status", "severity", "assessed_severity", "staff_severity", "need", "subject",
    "assessed_subject", "categories", "assessed_categories", "possible_categories", "audience",
    "said_audience", "area", "opened_at", "raised_at", "newest_at", "due_at", "closed_at",
    "handoffs", "assigned_to", "legal_hold",
)  # fmt: skip
_MESSAGE = (
    "message_id", "raised_at", "raised_by", "text", "shown", "contacts", "audience", "area", "age",
    "facts", "extra",
)  # fmt: skip
_REVIEW = ("at", "by", "outcome", "reason", "note", "severity", "missed", "second_by")
_ACTION = ("at", "by", "what", "given_to", "due_on", "done_at", "done_by")
_REFERRAL = ("at", "by", "to_whom", "how", "made_at", "reference", "reason")
_FILE = ("at", "by", "name", "size", "scanned", "removed_at", "removed_by")
_STAFF = ("by", "removed_by", "done_by", "given_to", "second_by", "assigned_to")
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
    LINKED_CASES = "linked_cases"
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
    said: str,
) -> dict[str, Any]:
    """Return all that is known of a case. `people` names the staff who occur in it, by id.

    `said` is what the person said in passing, in words (staff.cases.wording.said).

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
        "case": _fields(whole.case, people, *_CASE) | {"said": said},
        "merged": [_fields(each, people, *_CASE) for each in whole.merged],
        "wish": None if whole.wish is None else _fields(whole.wish, people, "at", "name", "reach"),
        "child": [_fields(each, people, "at", "by", "kind", "value") for each in whole.details],
        "links": [
            _fields(each, people, "at", "by", "reason") | {"reference": each.other.reference}
            for each in whole.links
        ],
        "chronology": [
            _fields(entry, people, "by", "text", "at", "message_id", "severity", "shown", "live")
            | {"contacts": contacts_as_record(entry.contacts)}
            for entry in chronology(whole.messages, whole.live_words)
        ],
        "messages": [_message(each.as_record()) for each in whole.messages],
        "reviews": [_fields(each, people, *_REVIEW) for each in whole.reviews],
        "letters": [_fields(each, people, "at", "by", "text", "read_at") for each in whole.letters],
        "notes": [_fields(each, people, "at", "by", "text") for each in whole.notes],
        "files": [],
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
                "detail": {key: _named(value, people) for key, value in link.event.detail.items()},
                "link": link.link,
            }
            for link in whole.history
        ],
    }
    return _for_the_subject(record) if kind is CaseFileKind.SUBJECT_ACCESS else record


def as_json(record: Mapping[str, Any]) -> bytes:
    """Return a record as a JSON file; every character, even a lone surrogate, is kept."""
    return (json.dumps(record, indent=1) + "\n").encode("ascii")


def with_files(
    record: dict[str, Any], files: Sequence[Attachment], people: Mapping[str, str]
) -> dict[str, Any]:
    """Return a record of `case_record` with the files of the case: names, not contents."""
    listed = [_fields(each, people, *_FILE) | {"kind": each.kind.stored} for each in files]
    return {**record, "files": listed}


def people_in(whole: WholeCase) -> set[str]:
    """Return the ids of all staff who may occur in a case."""
    facts = [whole.case, *whole.merged]
    ids = {name for each in facts for name in (each.assigned_to, each.offered_to, each.closing_by)}
    ids |= {each.by for each in whole.notes} | {each.by for each in whole.actions}
    ids |= {each.by for each in whole.referrals} | {each.by for each in whole.reviews}
    ids |= {each.by for each in whole.letters} | {each.by for each in whole.live_words}
    ids |= {each.given_to for each in whole.actions} | {each.by for each in whole.details}
    ids |= {each.by for each in whole.links}
    ids |= {each.done_by for each in whole.actions} | {each.second_by for each in whole.reviews}
    for link in whole.history:
        details = link.event.detail.values()
        ids |= {link.event.who, *(value for value in details if isinstance(value, str))}
        ids |= set(link.event.detail.get("told", ()))
    return {name for name in ids if name}


@dataclass(frozen=True)
class Release:
    """One case file that left Lantern."""

    at: datetime
    by: str
    """Id of a staff account."""
    kind: CaseFileKind
    form: str
    sha256: str
    """64 hexadecimal digits."""


class ReleaseLog:
    """Records and lists releases. Thread-safe. Raises SQLAlchemyError."""

    def __init__(self, engine: Engine, vault: Vault, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine on a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._ring = vault
        self._now = now

    def record(
        self,
        case_id: str,
        file: bytes,
        *,
        kind: CaseFileKind,
        form: FileFormat,
        reason: str,
        by: str,
    ) -> str:
        """Record that this file is about to leave; return its SHA-256.

        Raises WordsMissingError without a reason, UnknownCaseError, UnknownStaffError: then the
        file must not be sent.
        """
        if not reason.strip():
            raise WordsMissingError
        digest, note_id, at = hashlib.sha256(file).hexdigest(), str(uuid.uuid4()), self._now()
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            locked = sa.select(cases.c.id).where(cases.c.id == case_id).with_for_update()
            if connection.execute(locked).first() is None:
                raise UnknownCaseError
            vault = make_key(connection, self._ring, case_id)
            text = vault.seal(reason.strip(), table=case_notes.name, row=note_id, column="text")
            row = {"id": note_id, "case_id": case_id, "at": at, "by": by, "text": text}
            connection.execute(sa.insert(case_notes).values(**row))
            detail = {"kind": kind.value, "form": form, "sha256": digest, "note": note_id}
            event = Event(at, by, CaseEvent.EXPORTED.value, case_id=case_id, detail=detail)
            trail.append(connection, event)
        return digest

    def of_case(self, case_id: str) -> list[Release]:
        """Return the releases of a case, oldest first."""
        with self._reading.connect() as connection:
            history = trail.of_case(connection, case_id)
        return [
            Release(
                link.event.at,
                link.event.who,
                CaseFileKind(link.event.detail["kind"]),
                link.event.detail["form"],
                link.event.detail["sha256"],
            )
            for link in history
            if link.event.what == CaseEvent.EXPORTED.value
        ]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("reference")
def main(file: Path, reference: str) -> None:
    """Compare FILE with the releases of the case REFERENCE; exit with 1 when it is none of them.

    Run `verify-audit` too: it proves that the audit trail itself is complete.
    """
    settings = Settings.from_env()
    engine, vault = connect(settings.database_url), Vault.of(settings)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    try:
        case = Cases(engine, vault).of_reference(reference)
        releases = ReleaseLog(engine, vault).of_case(case.id)
    except UnknownCaseError:
        raise click.ClickException(f"There is no case {reference}.") from None
    finally:
        engine.dispose()
    matching = [each for each in releases if each.sha256 == digest]
    click.echo(f"SHA-256 {digest}")
    if not matching:
        raise click.ClickException(f"{case.reference} has no such export: changed, or not ours.")
    newest = matching[-1]
    when = newest.at.isoformat(timespec="seconds")
    click.echo(
        f"{case.reference}: exported as {newest.kind.value}, {newest.form}, {when}. Unchanged."
    )


def _for_the_subject(record: dict[str, Any]) -> dict[str, Any]:
    left_out = [LeftOut.STAFF_NAMES, LeftOut.MACHINES, LeftOut.EXAMPLES, LeftOut.LINKED_CASES]
    for message in record["messages"]:
        for signal in message["signals"]:
            signal["like"] = []
    for event in record["history"]:
        for key in _OF_THE_MACHINE & set(event["detail"]):
            del event["detail"][key]
    if not record["merged"]:
        left_out.append(LeftOut.MERGED_CASES)
    return record | {"links": [], "left_out": [each.value for each in left_out]}


def _named(value: Any, people: Mapping[str, str]) -> Any:
    """Return a detail of an event with the names of staff in place of their ids."""
    if isinstance(value, list):
        return [_named(each, people) for each in value]
    return people.get(value, value) if isinstance(value, str) else value


def _message(record: dict[str, Any]) -> dict[str, Any]:
    """Return one message without the conversation before it, which is in the chronology."""
    assessed = ("severity", "categories", "subject", "signals")
    return {name: record[name] for name in _MESSAGE} | {
        name: record["assessment"][name] for name in assessed
    }


def _fields(item: object, people: Mapping[str, str], *names: str) -> dict[str, Any]:
    """Return attributes as values of JSON, with the names of staff in place of their ids."""
    record = {name: _plain(getattr(item, name)) for name in names}
    for name in _STAFF:
        if name in record:
            record[name] = people.get(record[name], record[name])
    return record


def _plain(value: Any) -> Any:
    if isinstance(value, Severity):
        return value.label
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
