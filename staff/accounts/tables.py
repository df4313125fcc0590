"""The tables of staff accounts. Migrations create them; a test compares both."""

from __future__ import annotations

import sqlalchemy as sa

from storage.engine import UtcDateTime, metadata

staff = sa.Table(
    "staff",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("shown_name", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("disabled_at", UtcDateTime),
    sa.Column("role", sa.Text, nullable=False, server_default="reviewer"),
    sa.Column("admitted", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("areas", sa.JSON),
    sa.Column("chat_name", sa.Text),
    sa.Column("chat_role", sa.Text),
    sa.CheckConstraint("role IN ('administrator', 'auditor', 'lead', 'reviewer')", name="role"),
)

staff_sessions = sa.Table(
    "staff_sessions",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    sa.Column("staff_id", sa.Text, sa.ForeignKey("staff.id"), nullable=False, index=True),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Column("confirmed_at", UtcDateTime),
    sa.Column("half", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("secured", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("browser", sa.Text, nullable=False, server_default=""),
    sa.Column("challenge", sa.Text),
)
"""Sessions. `half`: waits for the second step; `secured`: has passed it."""

staff_totp = sa.Table(
    "staff_totp",
    metadata,
    sa.Column("staff_id", sa.Text, sa.ForeignKey("staff.id"), primary_key=True),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("in_use", sa.Boolean, nullable=False),
    sa.Column("last_step", sa.BigInteger, nullable=False),
)
"""Encrypted TOTP secrets, and the last time step whose code was used."""

staff_recovery_codes = sa.Table(
    "staff_recovery_codes",
    metadata,
    sa.Column("staff_id", sa.Text, sa.ForeignKey("staff.id"), primary_key=True),
    sa.Column("code_hash", sa.Text, primary_key=True),
)
"""Digests of unused recovery codes."""

staff_passkeys = sa.Table(
    "staff_passkeys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("staff_id", sa.Text, sa.ForeignKey("staff.id"), nullable=False, index=True),
    sa.Column("public_key", sa.Text, nullable=False),
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
)
"""Public keys of passkeys; a private key never leaves its owner's device."""

staff_invitations = sa.Table(
    "staff_invitations",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    sa.Column("staff_id", sa.Text, sa.ForeignKey("staff.id"), index=True),
    sa.Column("shown_name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("invited_by", sa.Text, sa.ForeignKey("staff.id"), nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
)
"""Unused links that open an account, or set a new password for the account `staff_id`."""

staff_devices = sa.Table(
    "staff_devices",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    sa.Column("staff_id", sa.Text, sa.ForeignKey("staff.id"), primary_key=True),
    sa.Column("seen_at", UtcDateTime, nullable=False),
)
"""Browsers in which an account has signed in."""

staff_sign_ons = sa.Table(
    "staff_sign_ons",
    metadata,
    sa.Column("staff_id", sa.Text, sa.ForeignKey("staff.id"), primary_key=True),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("linked_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("issuer", "subject"),
)
"""The identity at the provider that opens an account."""


SEALED: dict[sa.Table, tuple[str, ...]] = {staff_totp: ("secret",)}
"""Columns that are encrypted with the key ring."""
