"""Roles of staff and what each may do: one table, which the console asks and a test walks.

Whoever runs accounts never sees what a child wrote, and neither does whoever audits.
"""

from __future__ import annotations

from enum import Enum


class Role(Enum):
    """What an account is for."""

    REVIEWER = "reviewer"
    """Reads and works cases."""
    LEAD = "lead"
    """A reviewer who also signs content, exports, and holds or disposes of records."""
    ADMINISTRATOR = "administrator"
    """Opens and shuts accounts; sees no case."""
    AUDITOR = "auditor"
    """Reads the audit trail and the figures; sees no case and changes nothing."""


class Permission(Enum):
    """One kind of thing to do in the console."""

    OWN_ACCOUNT = "own_account"
    """One's own password, second step and sessions: everybody's."""
    READ_CASES = "read_cases"
    """The queue and the words of children."""
    WORK_CASES = "work_cases"
    """Claim, note, act, record an outcome, open again."""
    READ_CONTENT = "read_content"
    """Lantern's own words and how they are signed."""
    APPROVE_CONTENT = "approve_content"
    MANAGE_ACCOUNTS = "manage_accounts"
    """Invite, disable, change a role."""
    ADMIT_READERS = "admit_readers"
    """Say that somebody whom an administrator let in may read what children wrote."""
    READ_ROTA = "read_rota"
    """Who is on duty when, and how one is told of alerts oneself."""
    MANAGE_ROTA = "manage_rota"
    READ_FIGURES = "read_figures"
    READ_AUDIT = "read_audit"
    EXPORT = "export"
    """Case packs and subject-access exports."""
    SET_HOLD = "set_hold"
    """A legal hold, and the disposal of what no hold keeps."""


EVERYBODY = frozenset({Permission.OWN_ACCOUNT, Permission.READ_CONTENT})
"""What needs no particular role."""
_REVIEWER = EVERYBODY | {
    Permission.READ_CASES,
    Permission.WORK_CASES,
    Permission.READ_ROTA,
    Permission.READ_FIGURES,
}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.REVIEWER: _REVIEWER,
    Role.LEAD: _REVIEWER
    | {
        Permission.APPROVE_CONTENT,
        Permission.ADMIT_READERS,
        Permission.MANAGE_ROTA,
        Permission.READ_AUDIT,
        Permission.EXPORT,
        Permission.SET_HOLD,
    },
    Role.ADMINISTRATOR: EVERYBODY
    | {Permission.MANAGE_ACCOUNTS, Permission.READ_ROTA, Permission.MANAGE_ROTA},
    Role.AUDITOR: EVERYBODY | {Permission.READ_AUDIT, Permission.READ_FIGURES},
}

READERS = frozenset(
    role for role, allowed in PERMISSIONS.items() if Permission.READ_CASES in allowed
)
"""The roles that see what children wrote. No administrator gives one away alone: a lead admits."""
