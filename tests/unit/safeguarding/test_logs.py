"""Logs are JSON, and an exception is named but never quoted."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from prometheus_client.samples import Sample

from safeguarding.logs import LOGGED, WATCHED, configure_logs


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_an_event_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs()

    structlog.get_logger("door").warning("door.open", count=2)

    said = json.loads(capsys.readouterr().out)
    assert (said["event"], said["count"], said["level"]) == ("door.open", 2, "warning")


def test_an_exception_is_named_and_not_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs()

    try:
        int("what a child wrote")
    except ValueError:
        logging.getLogger("other").exception("it failed")
        structlog.get_logger("own").exception("own.failed")

    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["error"] for line in lines] == ["ValueError", "ValueError"]
    assert "child wrote" not in said.out + said.err


def test_a_watched_event_is_counted_by_its_name_alone() -> None:
    configure_logs()
    before, stuck = counted("escalation.lost"), counted("spool.unreadable")

    structlog.get_logger("own").critical("escalation.lost", message_id="m1")
    structlog.get_logger("own").critical("door.open")
    logging.getLogger("other").error("spool.%s file=%s", "unreadable", "m1")

    assert counted("escalation.lost") == before + 1
    assert counted("spool.unreadable") == stuck + 1
    assert {sample.labels["event"] for sample in samples()} == set(WATCHED)


def counted(event: str) -> float:
    return next(sample.value for sample in samples() if sample.labels["event"] == event)


def samples() -> list[Sample]:
    [family] = LOGGED.collect()
    return [sample for sample in family.samples if sample.name.endswith("_total")]
