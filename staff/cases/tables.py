"""Tables of cases and what belongs to them, and the seal on the words in them.

Migrations create the tables; a test compares both. The words of a case are sealed with a data key
of its own, so deleting that key disposes of them. The keys of the installation seal the data key:
envelope encryption, see NIST SP 800-57 part 1.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, RowMapping
from sqlalchemy.schema import SchemaItem

from safeguarding.escalation import Escalation
from safeguarding.messages import contacts_as_record, contacts_from_record
from safeguarding.risk.assessment import Assessment, Signal, Turn
from safeguarding.taxonomy import Severity
from staff.accounts.tables import staff
from storage.engine import UtcDateTime, metadata
from storage.live_chats import live_chats
from storage.vault import DATA_KEY, Vault, key_ring, new_key


def _case_key() -> sa.Column[str]:
    return sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), nullable=False, index=True)


def _staff_key(name: str, *, nullable: bool = True, index: bool | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text, sa.ForeignKey(staff.c.id), nullable=nullable, index=index)


def _written_by_staff(name: str, *columns: SchemaItem) -> sa.Table:
    """Return a table of what staff write about cases: when, by whom, and `columns`."""
    return sa.Table(
        name,
        metadata,
        sa.Column("id", sa.Text, primary_key=True),
        _case_key(),
        sa.Column("at", UtcDateTime, nullable=False),
        _staff_key("by", nullable=False),
        *columns,
    )


cases = sa.Table(
    "cases",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("reference", sa.Text, nullable=False, unique=True),
    sa.Column("conversation_id", sa.Text, nullable=False, index=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("assessed_severity", sa.SmallInteger, nullable=False),
    sa.Column("staff_severity", sa.SmallInteger),
    sa.Column("need", sa.Text),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("categories", sa.JSON, nullable=False),
    sa.Column("staff_categories", sa.JSON(none_as_null=True)),
    sa.Column("audience", sa.Text),
    sa.Column("area", sa.Text, index=True),
    sa.Column("opened_at", UtcDateTime, nullable=False, index=True),
    sa.Column("raised_at", UtcDateTime, nullable=False),
    sa.Column("newest_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("handoffs", sa.Integer, nullable=False),
    _staff_key("assigned_to", index=True),
    _staff_key("offered_to", index=True),
    _staff_key("closing_by", index=True),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("legal_hold", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("merged_into", sa.Text, sa.ForeignKey("cases.id"), index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("burst", sa.Integer, index=True),
    sa.Column("opening", sa.Text),
    sa.Column("subject_said", sa.Text),
    sa.Column("staff_subject", sa.Text),
    sa.Column("staff_audience", sa.Text),
    sa.Column("possible_categories", sa.JSON, nullable=False, server_default=sa.text("'[]'")),
    sa.CheckConstraint("severity BETWEEN 0 AND 3", name="severity"),
    sa.CheckConstraint("assessed_severity BETWEEN 0 AND 3", name="assessed_severity"),
    sa.CheckConstraint("staff_severity BETWEEN 0 AND 3", name="staff_severity"),
    sa.CheckConstraint("status IN ('open', 'closed')", name="status"),
    # In the order of the queue: its first page takes the same time at any length.
    sa.Index("ix_cases_queue", "status", sa.text("severity DESC"), "due_at", "id"),
)
"""`burst` is that of the newest alert: cases of one burst look alike (staff/alerts/outbox.py).

`opening` is the id of the message to read first. `subject_said` is whom the person means by their
own correction ("not me, my mate"); `staff_` columns hold what staff corrected.
"""

data_keys = sa.Table(
    "data_keys",
    metadata,
    sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("wrapped", sa.Text, nullable=False),
)

escalations = sa.Table(
    "escalations",
    metadata,
    sa.Column("message_id", sa.Text, primary_key=True),
    _case_key(),
    sa.Column("conversation_id", sa.Text, nullable=False, index=True),
    sa.Column("raised_at", UtcDateTime, nullable=False),
    sa.Column("raised_by", sa.Text, nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("categories", sa.JSON, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("signals", sa.JSON, nullable=False),
    sa.Column("nearest", sa.Text),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("turns", sa.Text, nullable=False),
    sa.Column("shown", sa.Text, nullable=False),
    sa.Column("audience", sa.Text),
    sa.Column("area", sa.Text),
    sa.Column("extra", sa.JSON, nullable=False),
    sa.CheckConstraint("severity BETWEEN 0 AND 3", name="severity"),
)

reviews = _written_by_staff(
    "reviews",
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("severity", sa.SmallInteger),
    sa.Column("missed", sa.Boolean, nullable=False, server_default=sa.false()),
    _staff_key("second_by"),
    sa.Column("reason", sa.Text),
    sa.Column("batch", sa.Text, index=True),
    sa.CheckConstraint("severity BETWEEN 0 AND 3", name="severity"),
)
"""`reason` is one of the reviewed reasons of a false alarm, and `batch` names those that were
closed together (staff/cases/false_alarms.py)."""

case_notes = _written_by_staff("case_notes", sa.Column("text", sa.Text, nullable=False))

case_actions = _written_by_staff(
    "case_actions",
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("due_on", sa.Date),
    sa.Column("done_at", UtcDateTime),
    _staff_key("done_by"),
    _staff_key("given_to", index=True),
    sa.Column("told_on", sa.Date),
)
"""`given_to` is the colleague whose task it is, and `told_on` the day on which they were last told
that it is overdue."""

referrals = _written_by_staff(
    "referrals",
    sa.Column("to_whom", sa.Text, nullable=False),
    sa.Column("how", sa.Text, nullable=False),
    sa.Column("made_at", UtcDateTime),
    sa.Column("reference", sa.Text),
    sa.Column("reason", sa.Text),
)

letters = _written_by_staff("letters", sa.Column("text", sa.Text, nullable=False))
"""What staff wrote into a letterbox. What the person wrote there are messages of the case."""

live_messages = _written_by_staff(
    "live_messages",
    sa.Column("chat_id", sa.Text, sa.ForeignKey(live_chats.c.id), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.CheckConstraint("kind IN ('message', 'whisper')", name="kind"),
    sa.Index("ix_live_messages_chat_id", "chat_id", "at"),
)
"""What staff wrote in a live chat. What the person wrote there are messages of the case. A whisper
is from a supervisor to the person who has the chat: the young person never sees it."""

case_links = _written_by_staff(
    "case_links",
    sa.Column("other_id", sa.Text, sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    _staff_key("ended_by"),
)
"""Two cases of the same child (staff/cases/links.py); the reason is sealed by the key of
`case_id`."""

attachments = _written_by_staff(
    "attachments",
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("scanned", sa.Boolean, nullable=False),
    sa.Column("content", sa.Text),
    sa.Column("removed_at", UtcDateTime),
    _staff_key("removed_by"),
    sa.CheckConstraint("(content IS NULL) = (removed_at IS NOT NULL)", name="content"),
)
"""Files of a case (staff/attachments/attachments.py). `scanned`: was checked for viruses."""

child_details = _written_by_staff(
    "child_details",
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.CheckConstraint("kind IN ('age', 'known_pupil')", name="kind"),
)
"""What staff know of the child (staff/cases/child.py): of each kind the newest row counts."""

wishes = sa.Table(
    "wishes",
    metadata,
    sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("reach", sa.Text, nullable=False),
)

SEALED: dict[sa.Table, tuple[str, ...]] = {
    data_keys: ("wrapped",),
    escalations: ("text", "turns", "shown", "nearest"),
    reviews: ("note",),
    case_notes: ("text",),
    case_actions: ("what",),
    referrals: ("reference", "reason"),
    letters: ("text",),
    live_messages: ("text",),
    case_links: ("reason",),
    attachments: ("name", "content"),
    child_details: ("value",),
    wishes: ("name", "reach"),
}
"""The sealed columns, each an envelope of the vault: what people wrote, and what gives it away."""
_AUTHENTICATED = ("conversation_id", "severity", "categories", "subject", "signals", "raised_by")
"""The plain columns of a message that are authenticated with its ciphertext, besides its time."""


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
    return vault_with(vault, keys_of(connection, [case_id]).get(case_id))


def vaults_of(connection: Connection, vault: Vault, case_ids: Collection[str]) -> dict[str, Vault]:
    """Return the vault of each of these cases, as `vault_of` does, by one query."""
    keys = keys_of(connection, case_ids)
    return {each: vault_with(vault, keys.get(each)) for each in case_ids}


def keys_of(connection: Connection, case_ids: Collection[str]) -> dict[str, RowMapping]:
    """Return the rows of the data keys of some cases, by the ids of the cases."""
    query = sa.select(data_keys).where(data_keys.c.case_id.in_(case_ids))
    return {row["case_id"]: row for row in connection.execute(query).mappings()}


def vault_with(vault: Vault, row: RowMapping | None) -> Vault:
    """Return the vault of a case by the row of its data key. Raises VaultError."""
    if row is None:
        return vault
    key = vault.open(row["wrapped"], table=data_keys.name, row=row["case_id"], column="wrapped")
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
    turns: list[list[str]] | dict[str, Any] = [
        [turn.by, turn.text] for turn in escalation.turns_before
    ]
    if escalation.age is not None or escalation.facts:
        # They are taken from what the person wrote, so they are sealed with it.
        turns = {"turns": turns, "age": escalation.age, "facts": list(escalation.facts)}
    shown: list[str] | dict[str, Any] = list(escalation.shown)
    if escalation.contacts is not None:
        shown = {"texts": shown, "contacts": contacts_as_record(escalation.contacts)}

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
        "shown": seal(json.dumps(shown), "shown"),
    }


def opened_row(row: RowMapping, vault: Vault) -> Escalation:
    """Return the message of a row. Raises VaultError, also when an authenticated column changed."""
    signals = row["signals"]
    nearest = (
        json.loads(_unsealed(row, "nearest", vault)) if row["nearest"] else [()] * len(signals)
    )
    shown = json.loads(_unsealed(row, "shown", vault))
    if isinstance(shown, list):
        # Without contacts it is the texts alone.
        shown = {"texts": shown, "contacts": None}
    turns = _turns_in(row, vault)
    return Escalation(
        message_id=row["message_id"],
        conversation_id=row["conversation_id"],
        text=text_in(row, vault),
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
        turns_before=tuple(Turn(by, text) for by, text in turns["turns"]),
        shown=tuple(shown["texts"]),
        contacts=contacts_from_record(shown["contacts"]),
        audience=row["audience"],
        area=row["area"],
        age=turns["age"],
        facts=tuple(turns["facts"]),
        extra=row["extra"],
    )


def text_in(row: RowMapping, vault: Vault) -> str:
    """Return the words of the row of a message. Raises VaultError as `opened_row` does."""
    return _unsealed(row, "text", vault, facts_of(row))


def passing_facts(row: RowMapping, vault: Vault) -> tuple[int | None, tuple[str, ...]]:
    """Return the age and the facts that a person has said by this message. Raises VaultError."""
    turns = _turns_in(row, vault)
    return turns["age"], tuple(turns["facts"])


def _turns_in(row: RowMapping, vault: Vault) -> dict[str, Any]:
    turns: list[list[str]] | dict[str, Any] = json.loads(_unsealed(row, "turns", vault))
    # Without age and facts it is the turns alone.
    return {"turns": turns, "age": None, "facts": []} if isinstance(turns, list) else turns


def _unsealed(row: RowMapping, column: str, vault: Vault, facts: str = "") -> str:
    place = {"table": escalations.name, "row": row["message_id"], "column": column}
    return vault.open(row[column], facts=facts, **place)
