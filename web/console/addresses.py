"""Addresses of the console's pages. They hold ids, never anyone's words."""

from __future__ import annotations

from urllib.parse import quote


def address_of(message_id: str) -> str:
    """The page of one escalation."""
    return f"/escalations/{quote(message_id, safe='')}"
