"""Logs are JSON, and an exception is named but never quoted."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from safeguarding.logs import configure_logs


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
