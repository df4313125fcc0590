"""The status of the dispatcher says how many messages wait for their assessment, and how long."""

from __future__ import annotations

import json
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.content.phrases import read_phrases
from safeguarding.escalation import NOT_ASSESSED, Escalation
from safeguarding.taxonomy import CONTENT
from staff.alerts.formatter import AlertPhrases
from staff.alerts.spooled import SpoolWatch
from staff.alerts.standby import StandbyOutbox
from staff.alerts.turn import SpoolTurn
from staff.dispatcher.database import DatabaseProbe
from staff.dispatcher.status import HANDOFF_LATE_S, UNASSESSED_LATE_S, StatusPage
from staff.loops import Beats
from storage.engine import connect
from storage.handoffs import HandoffMailbox
from storage.spool import Spool
from tests.records import escalation, vault


def page_on(engine: Engine, folder: Path) -> StatusPage:
    watch = SpoolWatch(
        Spool(folder / "spool", vault()), StandbyOutbox(), SpoolTurn(folder), Beats()
    )
    watch.once()
    phrases = read_phrases(CONTENT / "phrases").of("alerts", AlertPhrases)
    return StatusPage(DatabaseProbe(engine), Beats(), ["email"], watch, phrases, None)


@pytest.fixture
def page(engine: Engine, tmp_path: Path) -> StatusPage:
    return page_on(engine, tmp_path)


@pytest.fixture
def chat(engine: Engine) -> HandoffMailbox:
    return HandoffMailbox(engine, vault())


def ago(seconds: float, message_id: str = "m1", *, assessed: bool = False) -> Escalation:
    """Return a message that was written so long ago."""
    raised_at = utc_now() - timedelta(seconds=seconds)
    if assessed:
        return escalation(message_id, raised_at=raised_at)
    late = {"screening": "late"}
    return escalation(message_id, raised_at=raised_at, assessment=NOT_ASSESSED, extra=late)


def ready(page: StatusPage) -> tuple[int, dict[str, Any]]:
    code, _, body, _ = page.answer("/readyz")
    return code.value, json.loads(body)


def test_nothing_waits(page: StatusPage) -> None:
    code, state = ready(page)

    assert (code, state["status"]) == (200, "ready")
    assert (state["unassessed"], state["unassessed_late_s"]) == (0, 0.0)
    assert (state["handoffs"], state["handoffs_late_s"]) == (0, 0.0)


def test_a_message_may_wait_longer_for_its_assessment_than_a_hand_off_for_its_case(
    page: StatusPage, chat: HandoffMailbox
) -> None:
    chat.append_all([ago(2 * HANDOFF_LATE_S), ago(HANDOFF_LATE_S, "m2")])

    code, state = ready(page)

    assert (code, state["status"]) == (200, "ready")
    assert (state["unassessed"], state["handoffs"]) == (2, 0)
    assert 2 * HANDOFF_LATE_S <= state["unassessed_late_s"] < UNASSESSED_LATE_S
    assert state["handoffs_late_s"] == 0


@pytest.mark.parametrize(
    ("waits", "figures"),
    [
        (ago(2 * UNASSESSED_LATE_S), ("unassessed", "unassessed_late_s")),
        (ago(2 * UNASSESSED_LATE_S, assessed=True), ("handoffs", "handoffs_late_s")),
    ],
)
def test_whoever_is_behind_is_named(
    page: StatusPage, chat: HandoffMailbox, waits: Escalation, figures: tuple[str, str]
) -> None:
    chat.append(waits)

    code, state = ready(page)

    counted = {name: state[name] for name in ("unassessed", "handoffs")}
    number, late_s = figures
    assert (code, state["status"]) == (503, "degraded")
    assert counted == {"unassessed": 0, "handoffs": 0} | {number: 1}
    assert state[late_s] >= 2 * UNASSESSED_LATE_S


def test_the_metrics_hold_the_figures_and_no_words(page: StatusPage, chat: HandoffMailbox) -> None:
    chat.append_all([ago(200), ago(100, "m2"), ago(1, "m3", assessed=True)])

    code, _, body, _ = page.answer("/metrics")
    values = dict(
        line.split() for line in body.decode().splitlines() if line.startswith("lantern_handoffs")
    )

    assert code is HTTPStatus.OK
    assert float(values["lantern_handoffs_unassessed"]) == 2
    assert 200 <= float(values["lantern_handoffs_unassessed_late_seconds"]) < 300
    assert float(values["lantern_handoffs_waiting"]) == 1
    assert escalation().text not in body.decode()


def test_a_clock_that_is_behind_the_gateways_makes_no_time_negative(
    page: StatusPage, chat: HandoffMailbox
) -> None:
    chat.append(ago(-30))

    assert ready(page)[1]["unassessed_late_s"] == 0.0


def test_without_its_database_it_counts_nothing_and_is_not_ready(tmp_path: Path) -> None:
    away = page_on(connect("postgresql://lantern@127.0.0.1:9/lantern"), tmp_path)

    code, state = ready(away)

    assert (code, state["database"], state["unassessed"]) == (503, "down", 0)
