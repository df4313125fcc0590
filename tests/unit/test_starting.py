"""A process without a sound secret does not start, and says in one line which."""

from __future__ import annotations

from pathlib import Path

import pytest
from sanic import Sanic

from chat.gateway.__main__ import main as gateway
from staff.console.__main__ import main as console
from staff.dispatcher.__main__ import main as dispatcher
from tests.records import KEYS

Sanic.test_mode = True
LONG = "s" * 40


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANTERN_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("LANTERN_FIELD_KEYS", KEYS)
    for name in ("TOKEN_KEY", "CHANNEL_SECRET", "ACTION_SECRET"):
        monkeypatch.setenv(f"LANTERN_{name}", LONG)


@pytest.mark.parametrize("secret", ["", " ", "short"])
@pytest.mark.parametrize(
    ("main", "name"),
    [
        (gateway, "token_key"),
        (gateway, "channel_secret"),
        (console, "token_key"),
        (dispatcher, "webhook_key"),
    ],
)
def test_says_which_secret_is_none(main, name, secret, monkeypatch, capfd):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("LANTERN_WEBHOOK_URL", "https://hooks.example/")
    monkeypatch.setenv(f"LANTERN_{name.upper()}", secret)

    assert main() == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert f"LANTERN_{name.upper()}" in line


@pytest.mark.parametrize("main", [gateway, console, dispatcher])
def test_an_empty_key_ring_is_none(main, monkeypatch, capfd):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("LANTERN_FIELD_KEYS", " ")

    assert main() == 1
    assert "LANTERN_FIELD_KEYS" in capfd.readouterr().err
