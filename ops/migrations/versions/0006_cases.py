"""One case a conversation: its messages, what staff write about it, and a data key for its words.

Turns existing escalations into cases of their conversations, and their history into audit events.

A migration imports nothing of Lantern: the rules by which a case was made at this revision
(reference, deadline, need, link of the trail) are copied into this file and never change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import sqlalchemy as sa
from alembic import op
from sqlalchemy.engine import Connection, Dialect, RowMapping

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
KEPT = (
    "message_id", "conversation_id", "raised_at", "raised_by", "severity", "categories", "subject",
    "signals", "nearest", "text", "turns", "shown", "audience", "area", "extra",
)  # fmt: skip
_SEVERITIES = {"none": 0, "concern": 1, "urgent": 2, "immediate": 3}
_CONCERN, _URGENT, _IMMEDIATE = 1, 2, 3


class _Utc(sa.types.TypeDecorator[datetime]):
    """A moment in UTC; SQLite stores it without its time zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn `value` into what the driver stores."""
        if value is None:
            return None
        utc = value.astimezone(timezone.utc)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn what the driver read into a moment in UTC."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return value.replace(tzinfo=timezone.utc)
        return value.astimezone(timezone.utc)


def upgrade() -> None:
    """Make the tables, and turn the rows there are into cases."""
    connection = op.get_bind()
    before = _rows("escalations", raised_at=_Utc, closed_at=_Utc)
    reviewed = _rows("reviews", at=_Utc, missed=sa.Boolean)
    events = _rows("history", at=_Utc)
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
    _append_to_trail(connection, sorted(events, key=lambda row: row["id"]), cases)


def _rows(table: str, **types: type[sa.types.TypeEngine[Any]]) -> list[RowMapping]:
    """Return every row of a table, its columns read by the types named and JSON as objects."""
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
        # Two ids may come to one reference.
        tries = (_reference(key, again) for again in count())
        reference = next(each for each in tries if each not in taken)
        taken.add(reference)
        rows.append(_case(key, found) | {"reference": reference})
    if rows:
        table = sa.Table("cases", sa.MetaData(), autoload_with=op.get_bind())
        moments = ("opened_at", "raised_at", "newest_at", "due_at", "closed_at")
        for name in moments:
            table.columns[name].type = _Utc()
        table.columns["categories"].type = sa.JSON()
        op.get_bind().execute(sa.insert(table), rows)


def _case(conversation_id: str, messages: list[RowMapping]) -> dict[str, Any]:
    """Return the case of these messages; it is open while one of them is."""
    by_gravity = sorted(messages, key=lambda row: (-row["severity"], row["raised_at"]))
    gravest, waiting = by_gravity[0], [row for row in messages if row["status"] == "open"]
    judged = None if waiting else gravest["staff_severity"]
    severity = gravest["severity"] if judged is None else judged
    audience = next((row["audience"] for row in messages if row["audience"]), None)
    moments = [row["raised_at"] for row in messages]
    return {
        "id": conversation_id,
        "conversation_id": conversation_id,
        "status": "open" if waiting else "closed",
        "severity": severity,
        "assessed_severity": gravest["severity"],
        "staff_severity": judged,
        "need": _need(gravest, audience),
        "subject": gravest["subject"],
        "categories": list(dict.fromkeys(n for row in by_gravity for n in row["categories"])),
        "audience": audience,
        "area": next((row["area"] for row in messages if row["area"]), None),
        "opened_at": min(moments),
        "raised_at": gravest["raised_at"],
        "newest_at": max(moments),
        "due_at": _due(severity, gravest["raised_at"]),
        "handoffs": len(messages),
        "closed_at": None if waiting else max(row["closed_at"] for row in messages),
        "version": 1,
    }


_LETTERS = "23456789BCDFGHJKMNPQRSTVWXYZ"


def _reference(case_id: str, again: int) -> str:
    """Return the reference of a case, "LN-7K3M-29QF"; `again` counts those already taken."""
    named = f"{case_id} {again}" if again else case_id
    number = int.from_bytes(hashlib.sha256(named.encode()).digest(), "big")
    letters = ""
    for _ in range(8):
        number, place = divmod(number, len(_LETTERS))
        letters += _LETTERS[place]
    return f"LN-{letters[:4]}-{letters[4:]}"


_LONDON = ZoneInfo("Europe/London")
_SATURDAY = 5


def _due(severity: int, raised_at: datetime) -> datetime:
    """Return when staff should have looked: 15 minutes, an hour, or the next working day at 17."""
    if severity == _IMMEDIATE:
        return raised_at + timedelta(minutes=15)
    if severity == _URGENT:
        return raised_at + timedelta(hours=1)
    day = raised_at.astimezone(_LONDON).date() + timedelta(days=1)
    while _is_day_off(day):
        day += timedelta(days=1)
    return datetime.combine(day, time(17), _LONDON)


def _is_day_off(day: date) -> bool:
    bank_holidays = holidays.country_holidays("GB", subdiv="ENG", years=day.year)
    return day.weekday() >= _SATURDAY or day in bank_holidays


_NEED_OF_SUBJECT = {
    "friend": "friend",
    "own_child": "adult_for_child",
    "other_child": "adult_for_child",
}
_NEED_OF_CATEGORY = {
    "immediate_danger": "danger_now",
    "suicide": "suicide",
    "self_harm": "self_harm",
    "eating_disorder": "self_harm",
    "harmful_sexual_behaviour": "own_behaviour",
    **dict.fromkeys(
        (
            "sexual_abuse", "sexual_exploitation", "grooming", "image_abuse", "relationship_abuse",
            "physical_abuse", "emotional_abuse", "neglect", "domestic_abuse",
            "criminal_exploitation", "trafficking", "bullying", "honour_based_abuse",
        ),
        "hurt_by_someone",
    ),
}  # fmt: skip
_OF_ADULTS_AT_WORK = frozenset({"suicide", "self_harm", "distress", "domestic_abuse"})
_OF_ADULTS = _OF_ADULTS_AT_WORK | {
    "relationship_abuse", "sexual_abuse", "physical_abuse", "emotional_abuse", "eating_disorder",
    "honour_based_abuse",
}  # fmt: skip


def _need(message: RowMapping, audience: str | None) -> str | None:
    """Return what help the message needs; None without a risk."""
    severity, subject = message["severity"], message["subject"]
    if severity < _CONCERN:
        return None
    if severity == _IMMEDIATE:
        return "danger_now"
    first = next(iter(message["categories"]), "")
    if audience in {"parent", "professional"}:
        return _need_of_adult(first, subject, audience)
    if subject in _NEED_OF_SUBJECT:
        return "friend" if audience == "young_person" else _NEED_OF_SUBJECT[subject]
    if first == "suicide" or any(map(_is_phrase_of_suicide, message["signals"])):
        return "suicide"
    need = _NEED_OF_CATEGORY.get(first, "unclear")
    return "unclear" if need == "own_behaviour" and subject != "self" else need


def _need_of_adult(first: str, subject: str, audience: str | None) -> str:
    if subject != "self":
        return "adult_for_child"
    if first == "harmful_sexual_behaviour":
        return "own_behaviour"
    own = _OF_ADULTS if audience == "parent" else _OF_ADULTS_AT_WORK
    return "adult_in_crisis" if first in own else "adult_for_child"


def _is_phrase_of_suicide(signal: Mapping[str, Any]) -> bool:
    lexicon = signal["kind"] == "lexicon" and signal["category"] == "suicide"
    return lexicon and _SEVERITIES[signal["severity"]] >= _URGENT


_FIRST_LINK = "0" * 64
_LOCK = 0x61756469


def _append_to_trail(
    connection: Connection, events: Iterable[RowMapping], cases: Mapping[str, str]
) -> None:
    """Chain events of the old history to the audit trail. `cases` gives each message's case."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    table = sa.table(
        "audit_events",
        sa.column("id", sa.BigInteger),
        sa.column("at", _Utc),
        *(sa.column(name, sa.Text) for name in ("who", "what", "case_id", "message_id")),
        sa.column("detail", sa.JSON),
        sa.column("link", sa.Text),
    )
    newest = sa.select(table.c.id, table.c.link).order_by(table.c.id.desc()).limit(1)
    last = connection.execute(newest).first()
    number, link = (last.id, last.link) if last else (0, _FIRST_LINK)
    rows = []
    for event in events:
        row = {name: event[name] for name in ("at", "who", "what", "message_id", "detail")}
        row["case_id"] = cases[event["message_id"]]
        number += 1
        at = row["at"].astimezone(timezone.utc).isoformat(timespec="microseconds")
        facts = [
            number, at, row["who"], row["what"], row["case_id"], row["message_id"], row["detail"],
        ]  # fmt: skip
        plain = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        link = hashlib.sha256(f"{link}\n{plain}".encode()).hexdigest()
        rows.append(row | {"id": number, "link": link})
    if rows:
        connection.execute(sa.insert(table), rows)


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
    table.columns["at"].type = _Utc()
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
