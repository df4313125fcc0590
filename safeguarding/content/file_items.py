"""Reviewed files of YAML as the words that are signed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from safeguarding.content.items import Item, Part
from safeguarding.content.plain_lines import label, lines, message_parts, parts_of
from safeguarding.records import ContentError, Document, read_yaml

CARD_READERS = {"young_person": ("young_person",), "adult": ("parent", "professional")}
UNSIGNED = {"approved_by"}
"""What stands in a file and is said by nobody: the signature does not sign itself."""


def yaml_item(content_id: str, title: str, path: Path) -> Item:
    """A YAML file. Raises ContentError when it cannot be read."""
    document = read_yaml(path)
    data = _mapping(document)
    head = _facts(data.get("provenance", {}))
    rest = {key: value for key, value in data.items() if key != "provenance"}
    parts = [*parts_of(rest), *([Part("Review", tuple(lines(head)))] if head else [])]
    checked, due = _checks(rest)
    return Item(
        id=content_id,
        title=title,
        parts=tuple(parts),
        reviewed_on=_date(head, "reviewed_on") or checked,
        review_due=_date(head, "review_due") or due,
        signed_on_paper=_signed(data.get("provenance", {})),
    )


def help_card_item(content_id: str, title: str, path: Path) -> Item:
    """The help cards, each for its reader. Raises ContentError."""
    cards = _mapping(read_yaml(path)).get("cards", {})
    parts = [
        part
        for severity, pair in cards.items()
        for reader, card in pair.items()
        for part in message_parts(
            f"{label(severity)}, {label(reader)}".capitalize(), card, CARD_READERS.get(reader, ())
        )
    ]
    return Item(content_id, title, tuple(parts))


def responses_item(content_id: str, title: str, path: Path) -> Item:
    """What the domain file says by itself, between answers. Raises ContentError."""
    responses = _mapping(read_yaml(path)).get("responses", {})
    parts = [
        part
        for name, variants in responses.items()
        for variant in variants
        for part in message_parts(_condition(name, variant), _said(variant))
    ]
    return Item(content_id, title, tuple(parts))


def _mapping(document: Document) -> dict[str, Any]:
    if not isinstance(document.data, dict):
        raise ContentError([document.problem("a mapping is expected here")])
    return document.data


def _facts(head: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in head.items() if key not in UNSIGNED}


def _date(head: Mapping[str, Any], name: str) -> date | None:
    value = head.get(name)
    return value if isinstance(value, date) else None


def _signed(head: Mapping[str, Any]) -> str | None:
    return str(head["approved_by"]) if head.get("approved_by") else None


def _checks(data: Mapping[str, Any]) -> tuple[date | None, date | None]:
    """When the services of a file were checked, the longest ago, and the next check that is due."""
    services = data.get("services") or []
    records = services if isinstance(services, list) else []
    checked = [day for record in records if (day := _date(record, "checked_on"))]
    due = [day for record in records if (day := _date(record, "check_due"))]
    return min(checked, default=None), min(due, default=None)


def _said(variant: Mapping[str, Any]) -> Mapping[str, Any]:
    """A response without its condition, and with its custom message in place of `custom`."""
    said = {key: value for key, value in variant.items() if key not in {"condition", "custom"}}
    return {**said, **variant.get("custom", {})}


def _condition(name: str, variant: Mapping[str, Any]) -> str:
    slots = [f"{each.get('name')} {each.get('value')}" for each in variant.get("condition", [])]
    return f"{name} ({label(', '.join(slots))})" if slots else name
