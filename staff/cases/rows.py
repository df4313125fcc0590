"""Messages, cases and what staff write, to rows and back: words are sealed here alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timezone
from typing import Any

from sqlalchemy.engine import RowMapping

from safeguarding.escalation import Escalation, Outcome
from safeguarding.messages import contacts_as_record, contacts_from_record
from safeguarding.risk.assessment import Assessment, Signal, Turn
from safeguarding.taxonomy import Severity
from staff.cases.case import Action, CallbackRequest, Case, CaseStatus, Note, Referral, Review
from storage.vault import Vault

_PROVED = ("conversation_id", "severity", "categories", "subject", "signals", "raised_by")


def facts_of(row: Mapping[str, Any] | RowMapping) -> str:
    """What is said of a message in plain sight, and proved with its words."""
    at = row["raised_at"].astimezone(timezone.utc).isoformat(timespec="microseconds")
    return json.dumps([at, *(row[name] for name in _PROVED)], sort_keys=True)


def sealed_row(escalation: Escalation, vault: Vault) -> dict[str, Any]:
    """The row of a message, but for its case; what the person wrote and read is sealed."""
    assessment = escalation.assessment
    signals = [signal.as_record() for signal in assessment.signals]
    # Our own sentences, but so like the message that they would tell it: they are sealed as it is.
    nearest = [signal.pop("like") for signal in signals]
    turns = [[turn.by, turn.text] for turn in escalation.turns_before]

    def seal(text: str, column: str, facts: str = "") -> str:
        row = escalation.message_id
        return vault.seal(text, table="escalations", row=row, column=column, facts=facts)

    plain = {
        "message_id": escalation.message_id,
        "conversation_id": escalation.conversation_id,
        "raised_at": escalation.raised_at,
        "raised_by": escalation.raised_by,
        "severity": int(assessment.severity),
        "categories": list(assessment.categories),
        "subject": assessment.subject,
        "signals": signals,
        "audience": escalation.audience,
        "area": escalation.area,
        "extra": dict(escalation.extra),
    }
    return plain | {
        "nearest": seal(json.dumps(nearest), "nearest"),
        "text": seal(escalation.text, "text", facts_of(plain)),
        "turns": seal(json.dumps(turns), "turns"),
        "shown": seal(json.dumps(_shown_cell(escalation)), "shown"),
    }


def opened_row(row: RowMapping, vault: Vault) -> Escalation:
    """The inverse of `sealed_row`. Raises VaultError, also when what it proves was changed."""

    def unseal(column: str, facts: str = "") -> str:
        place = {"table": "escalations", "row": row["message_id"], "column": column}
        return vault.open(row[column], facts=facts, **place)

    signals = row["signals"]
    nearest = json.loads(unseal("nearest")) if row["nearest"] else [()] * len(signals)
    shown = json.loads(unseal("shown"))
    if isinstance(shown, list):
        # As it was before contacts were noted with the texts.
        shown = {"texts": shown, "contacts": None}
    return Escalation(
        message_id=row["message_id"],
        conversation_id=row["conversation_id"],
        text=unseal("text", facts_of(row)),
        assessment=Assessment(
            severity=Severity(row["severity"]),
            categories=tuple(row["categories"]),
            subject=row["subject"],
            signals=tuple(
                Signal.from_record({**signal, "like": like})
                for signal, like in zip(signals, nearest, strict=True)
            ),
        ),
        raised_at=row["raised_at"],
        raised_by=row["raised_by"],
        turns_before=tuple(Turn(by, text) for by, text in json.loads(unseal("turns"))),
        shown=tuple(shown["texts"]),
        contacts=contacts_from_record(shown["contacts"]),
        audience=row["audience"],
        area=row["area"],
        extra=row["extra"],
    )


def _shown_cell(escalation: Escalation) -> list[str] | dict[str, Any]:
    """What is sealed of what the person was shown: the texts alone where no contacts were noted."""
    texts = list(escalation.shown)
    if escalation.contacts is None:
        return texts
    return {"texts": texts, "contacts": contacts_as_record(escalation.contacts)}


def case_of(row: RowMapping) -> Case:
    """A row of cases; opens nothing."""
    named = (
        "id", "reference", "conversation_id", "need", "subject", "audience", "area", "opened_at",
        "raised_at", "newest_at", "due_at", "handoffs", "assigned_to", "offered_to", "closing_by",
        "closed_at", "legal_hold", "merged_into", "version",
    )  # fmt: skip
    staff_categories = row["staff_categories"]
    return Case(
        **{name: row[name] for name in named},
        status=CaseStatus(row["status"]),
        severity=Severity(row["severity"]),
        assessed_severity=Severity(row["assessed_severity"]),
        staff_severity=_severity(row["staff_severity"]),
        assessed_categories=tuple(row["categories"]),
        staff_categories=None if staff_categories is None else tuple(staff_categories),
    )


def review_of(row: RowMapping, vault: Vault) -> Review:
    """A row of reviews, its note opened. Raises VaultError."""
    return Review(
        at=row["at"],
        by=row["by"],
        outcome=Outcome(row["outcome"]),
        note=opened(row, "reviews", "note", vault),
        severity=_severity(row["severity"]),
        missed=row["missed"],
        second_by=row["second_by"],
    )


def note_of(row: RowMapping, vault: Vault) -> Note:
    """A row of notes, opened. Raises VaultError."""
    return Note(row["id"], row["at"], row["by"], opened(row, "case_notes", "text", vault))


def action_of(row: RowMapping, vault: Vault) -> Action:
    """A row of actions, opened. Raises VaultError."""
    what = opened(row, "case_actions", "what", vault)
    return Action(
        row["id"], row["at"], row["by"], what, row["due_on"], row["done_at"], row["done_by"]
    )


def referral_of(row: RowMapping, vault: Vault) -> Referral:
    """A row of referrals, opened. Raises VaultError."""
    return Referral(
        row["to_whom"],
        row["how"],
        row["made_at"],
        opened(row, "referrals", "reference", vault),
        opened(row, "referrals", "reason", vault),
        row["id"],
        row["at"],
        row["by"],
    )


def wish_of(row: RowMapping, vault: Vault) -> CallbackRequest:
    """A row of wishes, opened. Raises VaultError."""
    key = row["case_id"]
    name, reach = (
        vault.open(row[column], table="wishes", row=key, column=column)
        for column in ("name", "reach")
    )
    return CallbackRequest(row["at"], name, reach)


def opened(row: RowMapping, table: str, column: str, vault: Vault) -> str:
    """A sealed cell of a table whose key is `id`; empty where nothing was kept."""
    if row[column] is None:
        return ""
    return vault.open(row[column], table=table, row=row["id"], column=column)


def _severity(value: int | None) -> Severity | None:
    return None if value is None else Severity(value)
