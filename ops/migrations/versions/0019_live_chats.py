"""Live chats, what staff write in them, and how staff appear to a young person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
KINDS = (
    "kind IN ('callback', 'callback_withdrawn', 'letterbox_closed', 'letterbox_opened', "
    "'live_chat', 'message')"
)


def upgrade() -> None:
    """Make the tables, empty, and let mailbox, outbox and accounts take what belongs to them."""
    op.create_table(
        "live_chats",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("term", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("shown_name", sa.Text),
        sa.Column("shown_role", sa.Text),
        sa.Column("transfer_to", sa.Text),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("opened_at", MOMENT),
        sa.Column("present_until", MOMENT),
        sa.Column("typing_until", MOMENT),
        sa.Column("spoke_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("ended_why", sa.Text),
        sa.Column("blocked", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("wrapped_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_live_chats"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_live_chats_case_id"),
        sa.ForeignKeyConstraint(["owner"], ["staff.id"], name="fk_live_chats_owner"),
        sa.ForeignKeyConstraint(["transfer_to"], ["staff.id"], name="fk_live_chats_transfer_to"),
        sa.CheckConstraint(
            "state IN ('asked', 'ended', 'offered', 'open')", name="ck_live_chats_state"
        ),
        sa.CheckConstraint(
            "(state = 'ended') = (ended_at IS NOT NULL)", name="ck_live_chats_ended"
        ),
        sa.CheckConstraint(
            "state IN ('asked', 'ended') OR owner IS NOT NULL", name="ck_live_chats_owner"
        ),
    )
    op.create_index("ix_live_chats_case_id", "live_chats", ["case_id"])
    op.create_index("ix_live_chats_owner", "live_chats", ["owner"])
    op.create_index("ix_live_chats_transfer_to", "live_chats", ["transfer_to"])
    op.create_index("ix_live_chats_conversation_id", "live_chats", ["conversation_id", "begun_at"])
    runs = sa.text("state <> 'ended'")
    op.create_index(
        "uq_live_chats_running",
        "live_chats",
        ["conversation_id"],
        unique=True,
        sqlite_where=runs,
        postgresql_where=runs,
    )
    op.create_table(
        "live_readiness",
        sa.Column("staff_id", sa.Text, nullable=False),
        sa.Column("ready_until", MOMENT, nullable=False),
        sa.Column("areas", sa.JSON),
        sa.Column("room", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("staff_id", name="pk_live_readiness"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_live_readiness_staff_id"),
    )
    op.create_table(
        "live_messages",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("chat_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_live_messages"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_live_messages_case_id"),
        sa.ForeignKeyConstraint(["by"], ["staff.id"], name="fk_live_messages_by"),
        sa.ForeignKeyConstraint(["chat_id"], ["live_chats.id"], name="fk_live_messages_chat_id"),
        sa.CheckConstraint("kind IN ('message', 'whisper')", name="ck_live_messages_kind"),
    )
    op.create_index("ix_live_messages_case_id", "live_messages", ["case_id"])
    op.create_index("ix_live_messages_chat_id", "live_messages", ["chat_id", "at"])
    op.add_column(
        "alerts", sa.Column("live_chat", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.add_column("staff", sa.Column("chat_name", sa.Text))
    op.add_column("staff", sa.Column("chat_role", sa.Text))
    _other_kinds()


def _other_kinds() -> None:
    """Let the hand-off mailbox take the new kind of rows."""
    if op.get_bind().dialect.name == "postgresql":
        # 0012 named it so: alembic put the table's name before the name that it was given.
        name = op.f("ck_handoffs_ck_handoffs_kind")
        op.drop_constraint(name, "handoffs")
        op.create_check_constraint(name, "handoffs", KINDS)
        return
    # SQLite cannot change a constraint: the table is made anew.
    op.drop_index("ix_handoffs_conversation_id", "handoffs")
    op.drop_index("ix_handoffs_waiting", "handoffs")
    op.drop_index("ix_handoffs_state", "handoffs")
    op.rename_table("handoffs", "handoffs_before")
    op.create_table(
        "handoffs",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.Column("sealed", sa.Text),
        sa.Column("done_at", MOMENT),
        sa.PrimaryKeyConstraint("number", name="pk_handoffs"),
        sa.UniqueConstraint("key", name="uq_handoffs_key"),
        sa.CheckConstraint(KINDS, name="ck_handoffs_kind"),
        sa.CheckConstraint("state IN ('assessed', 'not_assessed')", name="ck_handoffs_state"),
        sa.CheckConstraint("severity BETWEEN 0 AND 3", name="ck_handoffs_severity"),
        sa.CheckConstraint("(sealed IS NULL) = (done_at IS NOT NULL)", name="ck_handoffs_sealed"),
        sqlite_autoincrement=True,
    )
    names = "number, key, kind, conversation_id, state, severity, written_at, sealed, done_at"
    op.execute(f"INSERT INTO handoffs ({names}) SELECT {names} FROM handoffs_before")  # noqa: S608
    # A number that was given is never given again, also where the newest row was deleted.
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'handoffs'")
    op.execute("UPDATE sqlite_sequence SET name = 'handoffs' WHERE name = 'handoffs_before'")
    op.drop_table("handoffs_before")
    op.create_index("ix_handoffs_conversation_id", "handoffs", ["conversation_id"])
    waits = sa.text("done_at IS NULL")
    op.create_index("ix_handoffs_waiting", "handoffs", ["number"], sqlite_where=waits)
    columns = ["state", "number", "written_at"]
    op.create_index("ix_handoffs_state", "handoffs", columns, sqlite_where=waits)
