"""Database rows of messages, cases and what staff write: the only place that seals their words.

The words of a case are sealed with a data key of its own, so deleting that key disposes of them.
The keys of the installation seal the data key: envelope encryption, see NIST SP 800-57 part 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, RowMapping

from safeguarding.escalation import Escalation, Outcome
from safeguarding.messages import contacts_as_record, contacts_from_record
from safeguarding.risk.assessment import Assessment, Signal, Turn
from safeguarding.taxonomy import Severity
from staff.cases.case import Action, CallbackRequest, Case, CaseStatus, Note, Referral, Review
from staff.cases.tables import data_keys
from storage.vault import DATA_KEY, Vault, key_ring, new_key

_AUTHENTICATED = ("conversation_id", "severity", "categories", "subject", "signals", "raised_by")


def make_key(connection: Connection, vault: Vault, case_id: str) -> Vault:
    """Return the vault of a case, with a new data key where it has none. Raises VaultError.

    `vault` is that of the installation.
    """
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    wrapped = vault.seal(new_key(), table=data_keys.name, row=case_id, column="wrapped")
    statement = insert(data_keys).values(case_id=case_id, wrapped=wrapped)
    connection.execute(statement.on_conflict_do_nothing())
    return vault_of(connection, vault, case_id)


def vault_of(connection: Connection, vault: Vault, case_id: str) -> Vault:
    """Return the vault of a case, which also opens what the installation's vault sealed.

    A case whose data key was deleted opens nothing that it sealed. Raises VaultError.
    """
    query = sa.select(data_keys.c.wrapped).where(data_keys.c.case_id == case_id)
    wrapped = connection.execute(query).scalar_one_or_none()
    if wrapped is None:
        return vault
    key = vault.open(wrapped, table=data_keys.name, row=case_id, column="wrapped")
    return vault.led_by(key_ring(f"{DATA_KEY}:{key}"))


def facts_of(row: Mapping[str, Any] | RowMapping) -> str:
    """Return the unencrypted columns of a message, authenticated with the ciphertext."""
    at = row["raised_at"].astimezone(timezone.utc).isoformat(timespec="microseconds")
    return json.dumps([at, *(row[name] for name in _AUTHENTICATED)], sort_keys=True)


def sealed_row(escalation: Escalation, vault: Vault) -> dict[str, Any]:
    """Return the row of a message, without its case id. What the person wrote or read is sealed."""
    assessment = escalation.assessment
    signals = [signal.as_record() for signal in assessment.signals]
    # The nearest examples are our own sentences, but so like the message that they give it away.
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
    """Return the message of a row. Raises VaultError, also when an authenticated column changed."""

    def unseal(column: str, facts: str = "") -> str:
        place = {"table": "escalations", "row": row["message_id"], "column": column}
        return vault.open(row[column], facts=facts, **place)

    signals = row["signals"]
    nearest = json.loads(unseal("nearest")) if row["nearest"] else [()] * len(signals)
    shown = json.loads(unseal("shown"))
    if isinstance(shown, list):
        # Older records hold the texts alone.
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
    texts = list(escalation.shown)
    if escalation.contacts is None:
        return texts
    return {"texts": texts, "contacts": contacts_as_record(escalation.contacts)}


def case_of(row: RowMapping) -> Case:
    """Return the case of a row. Nothing of it is sealed."""
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
    """Return the review of a row, its note opened. Raises VaultError."""
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
    """Return the note of a row, opened. Raises VaultError."""
    return Note(row["id"], row["at"], row["by"], opened(row, "case_notes", "text", vault))


def action_of(row: RowMapping, vault: Vault) -> Action:
    """Return the task of a row, opened. Raises VaultError."""
    what = opened(row, "case_actions", "what", vault)
    return Action(
        row["id"], row["at"], row["by"], what, row["due_on"], row["done_at"], row["done_by"]
    )


def referral_of(row: RowMapping, vault: Vault) -> Referral:
    """Return the referral of a row, opened. Raises VaultError."""
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
    """Return the call-back request of a row, opened. Raises VaultError."""
    key = row["case_id"]
    name, reach = (
        vault.open(row[column], table="wishes", row=key, column=column)
        for column in ("name", "reach")
    )
    return CallbackRequest(row["at"], name, reach)


def opened(row: RowMapping, table: str, column: str, vault: Vault) -> str:
    """Return a sealed cell of a table whose key is `id`; empty where it is null."""
    if row[column] is None:
        return ""
    return vault.open(row[column], table=table, row=row["id"], column=column)


def _severity(value: int | None) -> Severity | None:
    return None if value is None else Severity(value)
