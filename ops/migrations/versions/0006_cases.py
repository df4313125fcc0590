"""One case a conversation: its messages, what staff write about it, and a data key for its words.

What was escalated before becomes the cases of its conversations; their history goes on the trail.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.engine import RowMapping

from safeguarding.risk.assessment import Assessment, Signal, need_of
from safeguarding.taxonomy import Severity
from staff.audit import trail
from staff.cases.case import look_by, reference_of
from storage.metadata import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
KEPT = (
    "message_id", "conversation_id", "raised_at", "raised_by", "severity", "categories", "subject",
    "signals", "nearest", "text", "turns", "shown", "audience", "area", "extra",
)  # fmt: skip


def upgrade() -> None:
    """Make the tables, and cases of what is there."""
    connection = op.get_bind()
    before = _rows("escalations", raised_at=UtcDateTime, closed_at=UtcDateTime)
    reviewed = _rows("reviews", at=UtcDateTime, missed=sa.Boolean)
    events = _rows("history", at=UtcDateTime)
    op.drop_table("history")
    if connection.dialect.name == "postgresql":
        op.execute("DROP FUNCTION history_refuses()")
    op.drop_table("reviews")
    _make_cases()
    _insert_cases(before)
    _give_messages_their_case(connection.dialect.name)
    _make_what_staff_write()
    _insert_reviews(reviewed, before)
    cases = {row["message_id"]: row["conversation_id"] for row in before}
    trail.append_all(
        connection,
        [
            trail.Event(
                row["at"], row["who"], row["what"], cases[row["message_id"]], row["message_id"],
                row["detail"],
            )
            for row in sorted(events, key=lambda row: row["id"])
        ],
    )  # fmt: skip


def _rows(table: str, **types: type[sa.types.TypeEngine[Any]]) -> list[RowMapping]:
    """Every row as the code of today reads it."""
    connection = op.get_bind()
    found = sa.Table(table, sa.MetaData(), autoload_with=connection)
    json = {"categories", "signals", "extra", "detail"}
    columns = [
        sa.type_coerce(column, types[column.name]()).label(column.name)
        if column.name in types
        else sa.type_coerce(column, sa.JSON()).label(column.name)
        if column.name in json
        else column
        for column in found.columns
    ]
    return list(connection.execute(sa.select(*columns)).mappings())


def _make_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("assessed_severity", sa.SmallInteger, nullable=False),
        sa.Column("staff_severity", sa.SmallInteger),
        sa.Column("need", sa.Text),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("categories", sa.JSON, nullable=False),
        sa.Column("staff_categories", sa.JSON),
        sa.Column("audience", sa.Text),
        sa.Column("area", sa.Text),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.Column("newest_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("handoffs", sa.Integer, nullable=False),
        sa.Column("assigned_to", sa.Text),
        sa.Column("offered_to", sa.Text),
        sa.Column("closing_by", sa.Text),
        sa.Column("closed_at", MOMENT),
        sa.Column("legal_hold", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("merged_into", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
        sa.UniqueConstraint("reference", name="uq_cases_reference"),
        _key("cases", "assigned_to", "staff"),
        _key("cases", "offered_to", "staff"),
        _key("cases", "closing_by", "staff"),
        _key("cases", "merged_into", "cases"),
        *(_severity_check("cases", name) for name in (
            "severity", "assessed_severity", "staff_severity"
        )),
        sa.CheckConstraint("status IN ('open', 'closed')", name=op.f("ck_cases_status")),
    )  # fmt: skip
    for column in (
        "conversation_id", "area", "opened_at", "assigned_to", "offered_to", "closing_by",
        "merged_into",
    ):  # fmt: skip
        op.create_index(f"ix_cases_{column}", "cases", [column])
    order: list[str | sa.TextClause] = ["status", sa.text("severity DESC"), "due_at", "id"]
    op.create_index("ix_cases_queue", "cases", order)
    op.create_table(
        "data_keys",
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("wrapped", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("case_id", name="pk_data_keys"),
        _key("data_keys", "case_id", "cases"),
    )


def _insert_cases(messages: Iterable[RowMapping]) -> None:
    of_conversation: dict[str, list[RowMapping]] = {}
    for row in messages:
        of_conversation.setdefault(row["conversation_id"], []).append(row)
    rows, taken = [], set[str]()
    for key, found in of_conversation.items():
        # As joining.py does it for new ones: two ids may come to one reference.
        tries = (reference_of(key, again) for again in count())
        reference = next(each for each in tries if each not in taken)
        taken.add(reference)
        rows.append(_case(key, found) | {"reference": reference})
    if rows:
        table = sa.Table("cases", sa.MetaData(), autoload_with=op.get_bind())
        moments = ("opened_at", "raised_at", "newest_at", "due_at", "closed_at")
        for name in moments:
            table.columns[name].type = UtcDateTime()
        table.columns["categories"].type = sa.JSON()
        op.get_bind().execute(sa.insert(table), rows)


def _case(conversation_id: str, messages: list[RowMapping]) -> dict[str, Any]:
    """A case of what its messages say; open as long as one of them is."""
    by_gravity = sorted(messages, key=lambda row: (-row["severity"], row["raised_at"]))
    gravest, waiting = by_gravity[0], [row for row in messages if row["status"] == "open"]
    judged = None if waiting else gravest["staff_severity"]
    severity = Severity(gravest["severity"] if judged is None else judged)
    signals = tuple(Signal.from_record(each) for each in gravest["signals"])
    audience = next((row["audience"] for row in messages if row["audience"]), None)
    assessment = Assessment(
        Severity(gravest["severity"]), tuple(gravest["categories"]), gravest["subject"], signals
    )
    moments = [row["raised_at"] for row in messages]
    return {
        "id": conversation_id,
        "conversation_id": conversation_id,
        "status": "open" if waiting else "closed",
        "severity": int(severity),
        "assessed_severity": gravest["severity"],
        "staff_severity": judged,
        "need": need_of(assessment, audience),
        "subject": gravest["subject"],
        "categories": list(dict.fromkeys(n for row in by_gravity for n in row["categories"])),
        "audience": audience,
        "area": next((row["area"] for row in messages if row["area"]), None),
        "opened_at": min(moments),
        "raised_at": gravest["raised_at"],
        "newest_at": max(moments),
        "due_at": look_by(severity, gravest["raised_at"]),
        "handoffs": len(messages),
        "closed_at": None if waiting else max(row["closed_at"] for row in messages),
        "version": 1,
    }


def _give_messages_their_case(dialect: str) -> None:
    if dialect == "postgresql":
        op.add_column("escalations", sa.Column("case_id", sa.Text))
        op.execute("UPDATE escalations SET case_id = conversation_id")
        op.alter_column("escalations", "case_id", nullable=False)
        for column in ("status", "closed_at", "staff_severity"):
            op.drop_column("escalations", column)
        name = "fk_escalations_case_id"
        op.create_foreign_key(name, "escalations", "cases", ["case_id"], ["id"])
    else:
        # SQLite drops no column that a check names: the table is made anew.
        _make_messages("messages")
        kept = ", ".join(KEPT)
        op.execute(
            f"INSERT INTO messages (case_id, {kept}) "  # noqa: S608 - names of our own
            f"SELECT conversation_id, {kept} FROM escalations"
        )
        op.drop_table("escalations")
        op.rename_table("messages", "escalations")
        op.create_index("ix_escalations_conversation_id", "escalations", ["conversation_id"])
    op.create_index("ix_escalations_case_id", "escalations", ["case_id"])


def _make_messages(name: str) -> None:
    op.create_table(
        name,
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
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
        sa.PrimaryKeyConstraint("message_id", name="pk_escalations"),
        _key("escalations", "case_id", "cases"),
        _severity_check("escalations", "severity"),
    )


def _make_what_staff_write() -> None:
    op.create_table(
        "reviews",
        *_written("reviews"),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("severity", sa.SmallInteger),
        sa.Column("missed", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("second_by", sa.Text),
        _key("reviews", "second_by", "staff"),
        _severity_check("reviews", "severity"),
    )
    op.create_table(
        "case_notes", *_written("case_notes"), sa.Column("text", sa.Text, nullable=False)
    )
    op.create_table(
        "case_actions",
        *_written("case_actions"),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("due_on", sa.Date),
        sa.Column("done_at", MOMENT),
        sa.Column("done_by", sa.Text),
        _key("case_actions", "done_by", "staff"),
    )
    op.create_table(
        "referrals",
        *_written("referrals"),
        sa.Column("to_whom", sa.Text, nullable=False),
        sa.Column("how", sa.Text, nullable=False),
        sa.Column("made_at", MOMENT),
        sa.Column("reference", sa.Text),
        sa.Column("reason", sa.Text),
    )
    for table in ("reviews", "case_notes", "case_actions", "referrals"):
        op.create_index(f"ix_{table}_case_id", table, ["case_id"])
    op.create_table(
        "wishes",
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("reach", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("case_id", name="pk_wishes"),
        _key("wishes", "case_id", "cases"),
    )


def _insert_reviews(reviewed: list[RowMapping], messages: list[RowMapping]) -> None:
    cases = {row["message_id"]: row["conversation_id"] for row in messages}
    table = sa.Table("reviews", sa.MetaData(), autoload_with=op.get_bind())
    table.columns["at"].type = UtcDateTime()
    rows = [
        {name: value for name, value in row.items() if name != "message_id"}
        | {"case_id": cases[row["message_id"]]}
        for row in reviewed
    ]
    if rows:
        op.get_bind().execute(sa.insert(table), rows)


def _written(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        _key(table, "case_id", "cases"),
        _key(table, "by", "staff"),
    ]


def _severity_check(table: str, column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} BETWEEN 0 AND 3", name=op.f(f"ck_{table}_{column}"))


def _key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}")
