"""Letterboxes, what staff write into them, and their rows in the two mailboxes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
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
        op.drop_constraint("ck_handoffs_kind", "handoffs")
        op.create_check_constraint("ck_handoffs_kind", "handoffs", KINDS)
        return
    # SQLite makes the table anew. A number that was given must still never be given again.
    given = "SELECT seq FROM sqlite_sequence WHERE name = 'handoffs'"
    last = op.get_bind().exec_driver_sql(given).scalar()
    with op.batch_alter_table(
        "handoffs", recreate="always", table_kwargs={"sqlite_autoincrement": True}
    ) as table:
        table.drop_constraint("ck_handoffs_kind", type_="check")
        table.create_check_constraint("ck_handoffs_kind", KINDS)
    if last is not None:
        op.execute("DELETE FROM sqlite_sequence WHERE name = 'handoffs'")
        again = sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('handoffs', :last)")
        op.execute(again.bindparams(last=last))
