"""Fixtures for actions: a composition on SQLite whose clock stands still, and a dispatcher."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rasa_sdk.executor import CollectingDispatcher

from actions.composition import composition
from safeguarding.answering.composition import ActionPhrases, Composition
from safeguarding.content.items import nothing_approved
from storage.engine import connect
from storage.pledges import PledgeCounter
from tests.content import real_content

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=ZoneInfo("Europe/London"))
YEARS_LATER = datetime(2036, 1, 1, 12, 0, tzinfo=ZoneInfo("Europe/London"))


@pytest.fixture(autouse=True)
def a_state_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the actions of a process an empty state folder, never a real one."""
    monkeypatch.setenv("LANTERN_STATE_DIR", str(tmp_path / "process"))
    composition.cache_clear()
    yield
    composition.cache_clear()


@pytest.fixture
def dispatcher() -> CollectingDispatcher:
    return CollectingDispatcher()


@pytest.fixture
def composed(sqlite_url: str) -> Composition:
    """Real content of which nothing is signed, as in a demonstration, at noon."""
    content = real_content()
    return Composition(
        content=content,
        phrases=content.phrases.of("actions", ActionPhrases),
        approved=nothing_approved,
        require_approval=False,
        pledges=PledgeCounter(connect(sqlite_url)),
        public_url="https://school.example/",
        now=lambda: NOON,
    )


@pytest.fixture
def signatures_required(composed: Composition) -> Composition:
    """Return the composition with unsigned content withheld, as in production."""
    return replace(composed, require_approval=True)


@pytest.fixture
def years_later(composed: Composition) -> Composition:
    """Return the composition at a time when every review date has passed."""
    return replace(composed, now=lambda: YEARS_LATER)
