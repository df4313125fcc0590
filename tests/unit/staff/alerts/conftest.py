"""Staff and a rota for alerts to go to, and a delivery with its words."""

from __future__ import annotations

import pytest

from safeguarding.content.phrases import read_phrases
from safeguarding.taxonomy import CONTENT, Severity
from staff.alerts.formatter import AlertFormatter, AlertPhrases, Notice
from staff.alerts.outbox import Alert
from staff.alerts.queue import Delivery
from tests.records import NOON
from tests.unit.staff.rota.conftest import accounts, clock, rota, team

__all__ = ["accounts", "clock", "rota", "team"]

ALERT = Alert("c1", "LN-ABCD-EFGH", Severity.IMMEDIATE, "hurt_by_someone", "grooming", NOON, "new")
CONSOLE = "https://lantern-console.safeguarding.wiltshire.gov.uk/"


@pytest.fixture(scope="session")
def phrases() -> AlertPhrases:
    return read_phrases(CONTENT / "phrases").of("alerts", AlertPhrases)


@pytest.fixture
def words(phrases: AlertPhrases) -> AlertFormatter:
    return AlertFormatter(phrases, CONSOLE)


@pytest.fixture
def notice(words: AlertFormatter) -> Notice:
    return words.notice(ALERT, NOON)


@pytest.fixture
def delivery() -> Delivery:
    return Delivery(7, ALERT, "ann", "ann@example.org", "+447700900123", 1, "claim")
