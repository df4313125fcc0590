"""The status of the dispatcher says the truth while the database is away, and says it at once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.engine import URL, Engine

from safeguarding.clock import utc_now
from safeguarding.content.phrases import read_phrases
from safeguarding.taxonomy import CONTENT, Severity
from staff.alerts.formatter import AlertPhrases
from staff.alerts.spooled import SpoolWatch
from staff.alerts.standby import StandbyOutbox
from staff.alerts.turn import SpoolTurn
from staff.dispatcher.database import DatabaseProbe
from staff.dispatcher.status import StatusPage, metrics_of
from staff.loops import Beats
from staff.records.outbox import FAILED, record_events
from staff.records.settings import RecordSettings
from staff.records.switch import switch
from storage.engine import connect
from storage.spool import Spool
from tests.databases import database_on
from tests.fakes.freezing_proxy import FreezingProxy
from tests.records import Clock, assessment, escalation, log_on, vault


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", vault())


@pytest.fixture
def watch(spool: Spool, tmp_path: Path) -> SpoolWatch:
    return SpoolWatch(spool, StandbyOutbox(), SpoolTurn(tmp_path), Beats())


def page_on(engine: Engine, watch: SpoolWatch, within_s: float = 2.0) -> StatusPage:
    watch.once()
    phrases = read_phrases(CONTENT / "phrases").of("alerts", AlertPhrases)
    probe = DatabaseProbe(engine, within_s)
    return StatusPage(probe, Beats(), ["email"], watch, phrases, None)


def test_all_is_well(engine: Engine, watch: SpoolWatch) -> None:
    state = page_on(engine, watch).state()

    assert (state.status, state.database) == ("ready", "up")
    assert set(state.spool.values()) == {0}


@pytest.mark.parametrize(
    ("severity", "status"),
    [(Severity.CONCERN, "ready"), (Severity.URGENT, "degraded"), (Severity.IMMEDIATE, "degraded")],
)
def test_what_lies_in_the_spool_shows(
    engine: Engine, watch: SpoolWatch, spool: Spool, severity: Severity, status: str
) -> None:
    spool.keep(escalation(assessment=assessment(severity)))
    page = page_on(engine, watch)
    fresh = page.state()
    (path,) = spool.waiting()
    a_minute_ago = time.time() - 60
    os.utime(path, (a_minute_ago, a_minute_ago))
    watch.once()
    state = page.state()

    assert (fresh.status, fresh.spool_late_s) == ("ready", 0.0)
    assert (state.status, state.spool[severity.label]) == (status, 1)
    assert (state.spool_late_s >= 60) is (status == "degraded")
    families = {
        each.name: each for each in text_string_to_metric_families(metrics_of(state).decode())
    }
    counted = {each.labels["severity"]: each.value for each in families["lantern_spooled"].samples}
    assert counted[severity.label] == 1.0
    assert families["lantern_spooled_late_seconds"].samples[0].value == state.spool_late_s


def test_what_waits_for_the_system_of_records_shows(engine: Engine, watch: SpoolWatch) -> None:
    settings = RecordSettings("file", "file:///records", (), False, "")
    at = utc_now() - timedelta(hours=2)
    with engine.begin() as connection:
        switch(connection, settings, at)
    log_on(engine, Clock(at)).record(escalation())
    log_on(engine, Clock(at)).record(escalation("m2", conversation_id="c2"))
    with engine.begin() as connection:
        dead = record_events.c.case_id == "c2"
        connection.execute(sa.update(record_events).where(dead).values(status=FAILED))

    text = metrics_of(page_on(engine, watch).state()).decode()
    found = {each.name: each.samples for each in text_string_to_metric_families(text)}
    values = [found[f"lantern_records_{name}"][0].value for name in ("queued", "dead")]
    assert values == [1, 1]
    assert found["lantern_records_late_seconds"][0].value >= 7200


def test_a_spool_that_cannot_be_read_is_not_well(
    engine: Engine, watch: SpoolWatch, tmp_path: Path
) -> None:
    page = page_on(engine, watch)
    (tmp_path / "spool").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="Not a directory"):
        watch.once()

    assert page.state().status == "degraded"


def test_a_database_that_can_only_be_read_is_down(watch: SpoolWatch, sqlite_url: str) -> None:
    engine = connect(sqlite_url)
    page = page_on(engine, watch, within_s=0.3)
    with connect(sqlite_url).begin():
        locked = page.state()

    assert (locked.status, locked.database) == ("degraded", "down")


@pytest.fixture
def proxy(postgres: URL, postgres_template: str) -> Iterator[tuple[FreezingProxy, Engine]]:
    with database_on(postgres, postgres_template) as url:
        proxy = FreezingProxy(url.host or "127.0.0.1", url.port or 5432)
        through = url.set(host="127.0.0.1", port=proxy.port)
        engine = connect(through.render_as_string(hide_password=False), answer_s=3.0)
        try:
            yield proxy, engine
        finally:
            proxy.close()
            engine.dispose()


def test_a_database_that_hangs_is_down_and_up_again_afterwards(
    proxy: tuple[FreezingProxy, Engine], watch: SpoolWatch
) -> None:
    freezes, engine = proxy
    page = page_on(engine, watch, within_s=0.5)
    before = page.state().database
    freezes.freeze()
    # More requests than there are threads to ask on.
    hanging = [page.state().database for _ in range(4)]
    freezes.thaw()
    limit = time.monotonic() + 30
    while page.state().database == "down" and time.monotonic() < limit:
        time.sleep(0.1)

    assert (before, hanging) == ("up", ["down"] * 4)
    assert page.state().database == "up"
