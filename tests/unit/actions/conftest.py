"""Fixtures for actions: a log on SQLite, a dispatcher, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rasa_sdk.executor import CollectingDispatcher

from actions import wiring
from actions.recording import Records
from safeguarding.escalations.database import migrate
from safeguarding.escalations.log import EscalationLog
from safeguarding.escalations.spool import Spool
from safeguarding.escalations.wiring import escalation_log, escalation_spool
from safeguarding.settings import Settings
from safeguarding.setup import make_secrets

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=ZoneInfo("Europe/London"))


@pytest.fixture(autouse=True)
def a_state_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What an action asks of the process comes from an empty folder, never from a real one."""
    monkeypatch.setenv("LANTERN_STATE_DIR", str(tmp_path / "process"))
    for made in (wiring.settings, wiring.signing):
        made.cache_clear()
    yield
    for made in (wiring.settings, wiring.signing):
        made.cache_clear()


@pytest.fixture
def dispatcher() -> CollectingDispatcher:
    return CollectingDispatcher()


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return lambda: NOON


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings.from_env({"LANTERN_STATE_DIR": str(tmp_path)})
    make_secrets(made, {})
    migrate(made.database_url)
    return made


@pytest.fixture
def log(settings: Settings) -> EscalationLog:
    return escalation_log(settings)


@pytest.fixture
def spool(settings: Settings) -> Spool:
    return escalation_spool(settings)


@pytest.fixture
def records(log: EscalationLog, spool: Spool) -> Records:
    return Records(log, spool)
