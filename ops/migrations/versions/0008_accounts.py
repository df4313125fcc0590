"""Roles, areas, invitations and second steps of staff; browsers that have signed in before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Widen the roles, keep whom a lead has admitted, make the tables of links and browsers."""
    _widen_roles()
    op.add_column(
        "staff", sa.Column("admitted", sa.Boolean, nullable=False, server_default=sa.true())
    )
    op.add_column("staff", sa.Column("areas", sa.JSON))
    _extend_sessions()
    _make_second_steps()
    _make_invitations()
    _make_devices()


def _widen_roles() -> None:
    roles = "role IN ('administrator', 'auditor', 'lead', 'reviewer')"
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_staff_role"), "staff")
        op.create_check_constraint(op.f("ck_staff_role"), "staff", roles)
        return
    # SQLite changes no check; it goes and comes with its column. A new table instead would break
    # the keys that refer to this one.
    op.execute("ALTER TABLE staff RENAME COLUMN role TO former_role")
    op.execute(
        "ALTER TABLE staff ADD COLUMN role TEXT DEFAULT 'reviewer' NOT NULL "
        f"CONSTRAINT ck_staff_role CHECK ({roles})"
    )
    op.execute("UPDATE staff SET role = former_role")
    op.execute("ALTER TABLE staff DROP COLUMN former_role")


def _extend_sessions() -> None:
    for column in (
        sa.Column("confirmed_at", MOMENT),
        sa.Column("half", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("secured", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("browser", sa.Text, nullable=False, server_default=""),
        sa.Column("challenge", sa.Text),
    ):
        op.add_column("staff_sessions", column)


def _make_second_steps() -> None:
    op.create_table(
        "staff_totp",
        sa.Column("staff_id", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("in_use", sa.Boolean, nullable=False),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("staff_id", name="pk_staff_totp"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_staff_totp_staff_id"),
    )
    op.create_table(
        "staff_recovery_codes",
        sa.Column("staff_id", sa.Text, nullable=False),
        sa.Column("code_hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("staff_id", "code_hash", name="pk_staff_recovery_codes"),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_staff_recovery_codes_staff_id"
        ),
    )
    op.create_table(
        "staff_passkeys",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("staff_id", sa.Text, nullable=False),
        sa.Column("public_key", sa.Text, nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staff_passkeys"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_staff_passkeys_staff_id"),
    )
    op.create_index("ix_staff_passkeys_staff_id", "staff_passkeys", ["staff_id"])


def _make_invitations() -> None:
    op.create_table(
        "staff_invitations",
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("staff_id", sa.Text),
        sa.Column("shown_name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("invited_by", sa.Text, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_staff_invitations"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_staff_invitations_staff_id"),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["staff.id"], name="fk_staff_invitations_invited_by"
        ),
    )
    op.create_index("ix_staff_invitations_staff_id", "staff_invitations", ["staff_id"])


def _make_devices() -> None:
    op.create_table(
        "staff_devices",
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("staff_id", sa.Text, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", "staff_id", name="pk_staff_devices"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_staff_devices_staff_id"),
    )
