"""What `make chaos` counts as lost or doubled, and what it keeps of a run that lost something."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.chaos.command import keep_evidence, lost_and_doubled
from lab.chaos.senders import SenderFigures
from safeguarding.settings import Settings
from staff.cases.worker import CaseWorker
from storage.engine import connect
from storage.handoffs import HandoffMailbox
from storage.spool import Spool
from tests.records import escalation, vault


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Return the settings of a run in which m1 is recorded, and m2 is sealed on the spool."""
    state = tmp_path / "state"
    env = {"LANTERN_STATE_DIR": str(state), "LANTERN_DATABASE_URL": database_url}
    engine = connect(database_url)
    Spool(state / "spool", vault()).keep(escalation("m2"))
    (state / "gateway.log").write_text('{"event": "a"}\n{"message_id": "m3", "event": "b"}\n')
    HandoffMailbox(engine, vault()).append(escalation("m1"))
    CaseWorker(engine, vault()).work_off()
    engine.dispose()
    return Settings.from_env(env)


def answered(*ids: str) -> SenderFigures:
    return SenderFigures(dict.fromkeys(ids, "at noon"))


def test_what_is_recorded_and_answered_is_neither_lost_nor_doubled(settings: Settings) -> None:
    assert lost_and_doubled(settings, answered("m1")) == {"lost": 0, "doubled": 0}


def test_an_answered_message_without_a_record_is_lost(settings: Settings) -> None:
    assert lost_and_doubled(settings, answered("m1", "m2")) == {"lost": 1, "doubled": 0}


def test_a_record_that_nobody_was_answered_for_is_one_too_many(settings: Settings) -> None:
    assert lost_and_doubled(settings, answered()) == {"lost": 0, "doubled": 1}


def test_what_shows_where_lost_messages_went_is_kept(settings: Settings, tmp_path: Path) -> None:
    place = tmp_path / "kept"

    keep_evidence(settings, answered("m1", "m2", "m3"), place)

    assert json.loads((place / "lost.json").read_text("utf-8")) == {
        "m2": {
            "answered": "at noon",
            "mailbox": [],
            "files": ["m2.concern-wiltshire.v1"],
            "logged": [],
        },
        "m3": {
            "answered": "at noon",
            "mailbox": [],
            "files": [],
            "logged": ['{"message_id": "m3", "event": "b"}'],
        },
    }
    assert (place / "spool" / "m2.concern-wiltshire.v1").exists()
