"""Staff and a rota for alerts to go to, a delivery with its words, and steps of the dispatcher."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import Engine

from safeguarding.content.phrases import read_phrases
from safeguarding.taxonomy import CONTENT, Severity
from staff.alerts import queue
from staff.alerts.flood import Flood
from staff.alerts.formatter import AlertFormatter, AlertPhrases, Notice
from staff.alerts.outbox import Alert, raise_alert
from staff.alerts.plan import Plan, StepTaken, advance
from staff.alerts.queue import Delivery
from staff.rota.rota import EMAIL
from tests.peers import Receiver
from tests.records import NOON, Clock
from tests.unit.staff.rota.conftest import rota, team

__all__ = ["rota", "team"]

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


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def put(engine: Engine, clock: Clock, alert: Alert = ALERT) -> None:
    with engine.begin() as connection:
        raise_alert(connection, alert, clock())


def step(engine: Engine, clock: Clock, plan: Plan = Plan()) -> list[StepTaken]:  # noqa: B008
    with engine.begin() as connection:
        return advance(connection, plan, clock())


def claim(
    engine: Engine, clock: Clock, by: str = "one", flood: Flood | None = None
) -> list[Delivery]:
    """Claim at most ten emails."""
    with engine.begin() as connection:
        return queue.claim(connection, EMAIL, by, clock(), 10, flood or Flood())
