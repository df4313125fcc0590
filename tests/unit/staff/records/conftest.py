"""A push that is on, an event as it leaves, and its schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from safeguarding.taxonomy import ROOT, Severity
from staff.records.event import RecordEvent
from staff.records.settings import RecordSettings
from staff.records.switch import switch
from tests.records import NOON

KEY = b"k" * 32
EVENT = RecordEvent(
    number=7,
    id="6f0f8a0e-1d1c-4c55-9a36-6f4a4f5b1a11",
    case_id="c1",
    kind="raised",
    at=NOON,
    reference="LN-ABCD-EFGH",
    link="https://console.example.org/cases/c1",
    state="open",
    severity=Severity.URGENT,
    categories=("grooming",),
    area="wiltshire",
    opened_at=NOON,
    raised_at=NOON,
    closed_at=None,
    merged_into=None,
    facts={},
    message_id="m1",
    attempts=0,
)
SETTINGS = RecordSettings(
    "open", "https://records.example.org/events", (KEY,), False, "https://console.example.org/"
)


@pytest.fixture
def schema() -> dict[str, Any]:
    text = (ROOT / "docs" / "record-schema.json").read_text(encoding="utf-8")
    known: dict[str, Any] = json.loads(text)
    return known


@pytest.fixture
def on(engine: Engine) -> None:
    """Switch the push on."""
    with engine.begin() as connection:
        switch(connection, SETTINGS, NOON)
