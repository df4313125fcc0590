"""The accounts need the services' packages; the rest is tested in both environments."""

from __future__ import annotations

from importlib.util import find_spec

if not find_spec("psycopg"):
    collect_ignore = [
        "test_approval_report.py",
        "test_approvals.py",
        "test_accounts.py",
        "test_setup.py",
        "test_staff.py",
        "test_staff_sessions.py",
    ]
