from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.settings import Settings
from staff.alerts.loops import Daily
from staff.dispatcher.__main__ import compose
from storage.replies import ReplyMailbox, replies
from tests.records import KEYS, vault


def test_the_words_of_an_expired_reply_go_within_a_day(
    engine: Engine, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANTERN_DATABASE_URL", database_url)
    monkeypatch.setenv("LANTERN_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("LANTERN_FIELD_KEYS", KEYS)
    monkeypatch.setenv("LANTERN_DISPATCHER_PORT", "0")
    written_at = utc_now() - timedelta(days=3)
    for key, day in (("early", 1), ("late", 5)):
        expires_at = written_at + timedelta(days=day)
        ReplyMailbox(engine, vault()).post(key, "c1", "words", at=written_at, expires_at=expires_at)
    dispatcher = compose(Settings.from_env())
    (daily,) = (loop for loop in dispatcher.loops if isinstance(loop, Daily))

    daily.once()

    assert dispatcher.catcher is not None
    dispatcher.catcher.stop()
    with engine.connect() as connection:
        kept = sa.select(replies.c.key).where(replies.c.sealed.is_not(None))
        assert connection.execute(kept).scalars().all() == ["late"]
