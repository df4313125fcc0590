"""What a browser may send, read without trust: bodies in, clean values out."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from safeguarding.choices import Choices
from safeguarding.taxonomy import taxonomy

MAX_BODY_BYTES = 64 * 1024
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class BodyError(Exception):
    """A request whose body is not understood. Says what is expected, never what was sent."""


@dataclass(frozen=True)
class Beginning:
    """What is known of a person before the first message."""

    audience: str | None = None
    area: str | None = None


@dataclass(frozen=True)
class Sent:
    """One message as a person sent it: typed words, or a button pressed."""

    id: UUID
    text: str
    """The words; those on the button when one was pressed."""
    choice: str | None = None


def read_beginning(body: bytes, catalogue: Choices) -> Beginning:
    """The body of POST /v1/conversations; it may be empty. Raises BodyError."""
    fields = _fields(body) if body.strip() else {}
    audience = _optional_text(fields, "audience")
    area = _optional_text(fields, "area")
    if audience is not None and audience not in taxonomy().audiences:
        raise BodyError(f"`audience` is one of {', '.join(taxonomy().audiences)}.")
    if area is not None and f"area_{area}" not in catalogue:
        raise BodyError("`area` is not one we know.")
    return Beginning(audience, area)


def read_message(body: bytes, catalogue: Choices) -> Sent:
    """The body of POST /v1/messages. Raises BodyError."""
    fields = _fields(body)
    message_id = _uuid(fields.get("id"))
    text, choice = _optional_text(fields, "text"), _optional_text(fields, "choice")
    if (text is None) == (choice is None):
        raise BodyError("Send either `text` or `choice`.")
    if text is not None:
        return Sent(message_id, clean(text))
    if choice not in catalogue:
        raise BodyError("`choice` is not a button we know.")
    return Sent(message_id, catalogue[str(choice)].label, choice)


def clean(text: str) -> str:
    """The text without what a database or an encoder would refuse: NUL and halves of characters."""
    return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\0", ""))


def _fields(body: bytes) -> dict[str, Any]:
    try:
        # Not msgspec: it refuses half a surrogate pair, and a child's message must get through.
        fields = json.loads(body.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError):
        raise BodyError("The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise BodyError("The body is not a JSON object.")
    return fields


def _optional_text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise BodyError(f"`{name}` is text.")
    return value


def _uuid(value: object) -> UUID:
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError:
        raise BodyError("`id` is a UUID, made new for each message.") from None
