"""Settings that cannot work are named before anything leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.settings import SettingsError
from staff.records.settings import RecordSettings

URL = "https://records.example.org/events"


def test_without_an_address_the_push_is_off() -> None:
    assert RecordSettings.from_env({}, "") is None


def test_two_secrets_are_valid_at_once(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{'n' * 32}\n{'o' * 32}\n")
    env = {"LANTERN_RECORDS_URL": URL, "LANTERN_RECORDS_SECRET_FILE": str(tmp_path / "keys")}
    settings = RecordSettings.from_env(env, "https://c.example/")

    assert settings is not None
    assert settings.secrets == (b"n" * 32, b"o" * 32)
    assert not settings.words
    assert settings.link("c1") == "https://c.example/cases/c1"
    assert "nnnn" not in repr(settings)


@pytest.mark.parametrize("keys", ["", "short", "\n".join("abc"[each] * 32 for each in range(3))])
def test_keys_that_are_unsound_are_refused(tmp_path: Path, keys: str) -> None:
    (tmp_path / "keys").write_text(keys)
    env = {"LANTERN_RECORDS_URL": URL, "LANTERN_RECORDS_SECRET_FILE": str(tmp_path / "keys")}
    with pytest.raises(SettingsError, match="secret"):
        RecordSettings.from_env(env, "")


@pytest.mark.parametrize(
    "env",
    [
        {"LANTERN_RECORDS_URL": URL},
        {"LANTERN_RECORDS_URL": URL, "LANTERN_RECORDS_SECRET_FILE": "/not/there"},
        {"LANTERN_RECORDS_URL": "http://records.example.org/"},
        {"LANTERN_RECORDS_URL": URL, "LANTERN_RECORDS_SYSTEM": "other"},
        {"LANTERN_RECORDS_URL": URL, "LANTERN_RECORDS_SYSTEM": "file"},
        {"LANTERN_RECORDS_URL": "file://host/folder", "LANTERN_RECORDS_SYSTEM": "file"},
    ],
)
def test_an_address_that_cannot_work_is_refused(env: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="LANTERN_RECORDS"):
        RecordSettings.from_env(env, "")
