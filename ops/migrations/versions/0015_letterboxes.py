"""Letterboxes, what staff write into them, and their rows in the two mailboxes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
KINDS = (
    "kind IN ('callback', 'callback_withdrawn', 'letterbox_closed', 'letterbox_opened', 'message')"
)


def upgrade() -> None:
    """Make the tables, empty, and let the mailboxes and the outbox take what belongs to them."""
    op.create_table(
        "letterboxes",
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("locator", sa.Text),
        sa.Column("secret", sa.Text),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("waits_since", MOMENT),
        sa.Column("closed_at", MOMENT),
        sa.Column("closed_by", sa.Text),
        sa.PrimaryKeyConstraint("case_id", name="pk_letterboxes"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_letterboxes_case_id"),
        sa.CheckConstraint(
            "closed_by IN ('person', 'staff', 'time')", name="ck_letterboxes_closed_by"
        ),
        sa.CheckConstraint(
            "(secret IS NULL) = (closed_at IS NOT NULL)", name="ck_letterboxes_secret"
        ),
        sa.CheckConstraint(
            "(locator IS NULL) = (closed_at IS NOT NULL)", name="ck_letterboxes_locator"
        ),
    )
    op.create_index("ix_letterboxes_locator", "letterboxes", ["locator"])
    op.create_table(
        "letters",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_letters"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_letters_case_id"),
        sa.ForeignKeyConstraint(["by"], ["staff.id"], name="fk_letters_by"),
    )
    op.create_index("ix_letters_case_id", "letters", ["case_id"])
    op.add_column(
        "replies", sa.Column("kind", sa.Text, nullable=False, server_default="conversation")
    )
    op.add_column(
        "alerts", sa.Column("letter", sa.Boolean, nullable=False, server_default=sa.false())
    )
    _other_kinds()


def _other_kinds() -> None:
    """Let the hand-off mailbox take the new kinds of rows."""
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
