"""Addresses of the console's pages. They hold ids, never anyone's words."""

from __future__ import annotations

from urllib.parse import quote

CONTENT = "/content"


def address_of(message_id: str) -> str:
    """The page of one escalation."""
    return f"/escalations/{quote(message_id, safe='')}"


def content_address(content_id: str) -> str:
    """The page of one item of content."""
    return f"{CONTENT}/{quote(content_id, safe=':')}"
