"""Wiring builds one of each for a process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from safeguarding.escalations import wiring
from safeguarding.settings import Settings, SettingsError
from tests.records import KEYS, escalation


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Settings:
    return replace(Settings.from_env({}), database_url=url, state_dir=tmp_path)


def test_builds_a_log_and_a_spool_that_work_together(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANTERN_FIELD_KEYS", KEYS)
    spool, log = wiring.escalation_spool(settings), wiring.escalation_log(settings)
    spool.keep(escalation())

    assert spool.drain(log) == 1
    assert wiring.escalation_log(settings) is log


def test_says_what_is_missing_without_keys(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LANTERN_FIELD_KEYS", raising=False)

    with pytest.raises(SettingsError, match="field_keys"):
        wiring.escalation_log(settings)
