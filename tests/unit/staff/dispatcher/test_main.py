from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.escalation import NOT_ASSESSED, LiveChatChange
from safeguarding.live_chat import LiveChatEnd, LiveChatStep
from safeguarding.settings import Settings
from safeguarding.taxonomy import Severity
from staff.cases.assessing import AssessmentLoop
from staff.cases.cases import CaseFilter, Cases
from staff.dispatcher.__main__ import Dispatcher, compose
from staff.live.recording import record_live_chat
from staff.loops import Daily
from staff.records.outbox import figures
from staff.records.sender import RecordSender
from staff.records.settings import RecordSettings
from staff.records.switch import switch
from storage.handoffs import HandoffMailbox
from storage.live_chats import live_chats
from storage.replies import ReplyMailbox, replies
from tests.fakes.plain_engine import DISCLOSES
from tests.records import KEYS, escalation, log_on, vault


@pytest.fixture
def settings(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("LANTERN_DATABASE_URL", database_url)
    monkeypatch.setenv("LANTERN_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("LANTERN_FIELD_KEYS", KEYS)
    monkeypatch.setenv("LANTERN_DISPATCHER_PORT", "0")
    return Settings.from_env()


@contextmanager
def composed(settings: Settings, *command: str) -> Iterator[Dispatcher]:
    """Put a dispatcher together, with this command as its screening process."""
    dispatcher = compose(settings, command)
    try:
        yield dispatcher
    finally:
        assert dispatcher.catcher is not None
        dispatcher.catcher.stop()


def test_the_words_of_an_expired_reply_go_within_a_day(engine: Engine, settings: Settings) -> None:
    written_at = utc_now() - timedelta(days=3)
    for key, day in (("early", 1), ("late", 5)):
        expires_at = written_at + timedelta(days=day)
        ReplyMailbox(engine, vault()).post(key, "c1", "words", at=written_at, expires_at=expires_at)
    with composed(settings, "true") as dispatcher:
        (daily,) = (loop for loop in dispatcher.loops if isinstance(loop, Daily))

        daily.once()

    with engine.connect() as connection:
        kept = sa.select(replies.c.key).where(replies.c.sealed.is_not(None))
        assert connection.execute(kept).scalars().all() == ["late"]


def test_it_ends_a_live_chat_that_nobody_ended(engine: Engine, settings: Settings) -> None:
    begun_at = utc_now() - timedelta(minutes=5)
    log_on(engine).record(escalation(raised_at=begun_at))
    step = LiveChatStep.ASKED
    asked = LiveChatChange("a1", "c1", begun_at, "chat", step, "c1")
    with engine.begin() as connection:
        record_live_chat(connection, asked, begun_at)
    with composed(settings, "true") as dispatcher:
        (loop,) = (each for each in dispatcher.loops if each.name == "live chats")

        assert [loop.once() for _ in range(2)] == [1, 0]

    with engine.connect() as connection:
        ended = connection.execute(sa.select(live_chats.c.ended_why)).scalar_one()
    assert ended == LiveChatEnd.NOBODY_CAME.value


def test_it_assesses_what_waits_with_a_process_of_its_own(
    engine: Engine, settings: Settings
) -> None:
    raised_at = utc_now() - timedelta(minutes=1)
    late: dict[str, Any] = {"assessment": NOT_ASSESSED, "extra": {"screening": "late"}}
    told, calm = f"he keeps {DISCLOSES}", "hello"
    for number, text in enumerate((told, calm)):
        own = {"conversation_id": f"c{number}", "raised_at": raised_at}
        HandoffMailbox(engine, vault()).append(escalation(f"m{number}", text=text, **own, **late))
    with composed(settings, sys.executable, "-m", "tests.fakes.odd_screening") as dispatcher:
        (loop,) = (each for each in dispatcher.loops if each.name == "assessing")
        assert isinstance(loop, AssessmentLoop)
        settled = 0
        while settled < 2:
            settled += loop.once()
        loop._worker.close()

    queue = Cases(engine, vault()).queue(CaseFilter(status=None), limit=None)
    assert [(case.id, case.severity) for case in queue] == [("c0", Severity.URGENT)]


def test_while_nothing_can_be_assessed_the_case_worker_learns_of_it(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staff.cases.worker.UNASSESSED_S", 0.0)
    monkeypatch.setattr("staff.cases.assessing.START_S", 0.1)
    raised_at = utc_now() - timedelta(minutes=1)
    late: dict[str, Any] = {"assessment": NOT_ASSESSED, "extra": {"screening": "late"}}
    HandoffMailbox(engine, vault()).append(escalation(raised_at=raised_at, **late))
    with composed(settings, "true") as dispatcher:
        loops = {loop.name: loop for loop in dispatcher.loops}
        assert loops["assessing"].once() == 0
        assert loops["cases"].once() == 1
        assert isinstance(loops["assessing"], AssessmentLoop)
        loops["assessing"]._worker.close()

    (message,) = Cases(engine, vault()).whole("c1").messages
    assert (message.assessment.severity, message.is_assessed) == (Severity.CONCERN, False)


def test_the_push_to_a_record_system_follows_the_settings(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LANTERN_RECORDS_URL", tmp_path.as_uri())
    monkeypatch.setenv("LANTERN_RECORDS_SYSTEM", "file")
    with composed(settings, "true") as dispatcher:
        (daily,) = (loop for loop in dispatcher.loops if isinstance(loop, Daily))
        daily.once()
        log_on(engine).record(escalation())
        (sender,) = (loop for loop in dispatcher.loops if isinstance(loop, RecordSender))
        assert [sender.once() for _ in range(2)] == [1, 0]
    monkeypatch.delenv("LANTERN_RECORDS_URL")
    with composed(settings, "true") as dispatcher:
        (daily,) = (loop for loop in dispatcher.loops if isinstance(loop, Daily))
        daily.once()
        log_on(engine).record(escalation("m2", conversation_id="c2"))
        assert not any(isinstance(loop, RecordSender) for loop in dispatcher.loops)

    assert len(list(tmp_path.glob("0*.jsonl"))) == 1
    with engine.connect() as connection:
        assert figures(connection).queued == 0


def test_wrong_settings_of_a_record_system_stop_no_alert(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = RecordSettings("open", "https://records.example.org", (), words=False, console_url="")
    with engine.begin() as connection:
        switch(connection, on, utc_now())
    monkeypatch.setenv("LANTERN_RECORDS_URL", "https://records.example.org")
    with composed(settings, "true") as dispatcher:
        (daily,) = (loop for loop in dispatcher.loops if isinstance(loop, Daily))
        daily.once()

        assert "plan" in {each.name for each in dispatcher.loops}
    with engine.connect() as connection:
        assert figures(connection).system == "open"
