"""Roles of staff, and the permissions of each role.

Administrators and auditors have no permission to see what a child wrote.
"""

from __future__ import annotations

from enum import Enum


class Role(Enum):
    """The role of an account."""

    REVIEWER = "reviewer"
    """Reads and works cases."""
    LEAD = "lead"
    """A reviewer who also signs content, exports, and holds or disposes of records."""
    ADMINISTRATOR = "administrator"
    """Opens and disables accounts; sees no case."""
    AUDITOR = "auditor"
    """Reads the audit trail and the statistics; sees no case and changes nothing."""


class Permission(Enum):
    """A group of pages and actions of the console."""

    OWN_ACCOUNT = "own_account"
    """Change one's own password, second step and sessions."""
    READ_CASES = "read_cases"
    """Read the queue, and what children wrote."""
    WORK_CASES = "work_cases"
    """Claim a case, add notes, record actions and an outcome, open it again."""
    CHAT_LIVE = "chat_live"
    """Talk to a young person in a live chat."""
    SUPERVISE_CHATS = "supervise_chats"
    """Read live chats of colleagues, whisper in them and take them over."""
    READ_CONTENT = "read_content"
    """Read the content and its approval status."""
    APPROVE_CONTENT = "approve_content"
    MANAGE_ACCOUNTS = "manage_accounts"
    """Invite, disable, change a role."""
    ADMIT_READERS = "admit_readers"
    """Confirm that a person whom an administrator invited may read cases."""
    READ_ROTA = "read_rota"
    """Read the rota, and choose how one receives alerts."""
    MANAGE_ROTA = "manage_rota"
    READ_FIGURES = "read_figures"
    READ_AUDIT = "read_audit"
    EXPORT = "export"
    """Export case packs and the answers to subject access requests."""
    SET_HOLD = "set_hold"
    """Set a legal hold, and dispose of records that are not on hold."""


BASIC = frozenset({Permission.OWN_ACCOUNT, Permission.READ_CONTENT})
"""The permissions of every account."""
_REVIEWER = BASIC | {
    Permission.READ_CASES,
    Permission.WORK_CASES,
    Permission.CHAT_LIVE,
    Permission.READ_ROTA,
    Permission.READ_FIGURES,
}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.REVIEWER: _REVIEWER,
    Role.LEAD: _REVIEWER
    | {
        Permission.SUPERVISE_CHATS,
        Permission.APPROVE_CONTENT,
        Permission.ADMIT_READERS,
        Permission.MANAGE_ROTA,
        Permission.READ_AUDIT,
        Permission.EXPORT,
        Permission.SET_HOLD,
    },
    Role.ADMINISTRATOR: BASIC
    | {Permission.MANAGE_ACCOUNTS, Permission.READ_ROTA, Permission.MANAGE_ROTA},
    Role.AUDITOR: BASIC | {Permission.READ_AUDIT, Permission.READ_FIGURES},
}

READERS = frozenset(
    role for role, allowed in PERMISSIONS.items() if Permission.READ_CASES in allowed
)
"""The roles that read cases. A lead has to confirm an account that gets one of them."""
