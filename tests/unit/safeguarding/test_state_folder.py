"""The state folder is its owner's; what is not ours to close is said, and refuses nothing."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import structlog

from safeguarding.state_folder import make_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def an_uncached_logger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the logger: one that another test has used captures nothing."""
    monkeypatch.setattr("safeguarding.state_folder.log", structlog.get_logger("state"))


def test_what_was_open_is_closed_and_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "secrets").mkdir(mode=0o700)
    key = tmp_path / "secrets" / "token_key"
    key.write_text("k", "utf-8")
    key.chmod(0o640)

    folders = (tmp_path, tmp_path / "secrets", tmp_path / "none")
    with structlog.testing.capture_logs() as said:
        make_private(*folders)
        make_private(*folders)

    assert (mode(tmp_path), mode(key)) == (0o700, 0o600)
    assert [(each["event"], each["was"]) for each in said] == [
        ("state.made_private", "0o755"),
        ("state.made_private", "0o640"),
    ]


def test_what_is_not_there_or_not_ours_refuses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path, _mode: int) -> None:
        raise PermissionError

    make_private(tmp_path / "none")
    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    with structlog.testing.capture_logs() as said:
        make_private(tmp_path)

    assert [each["event"] for each in said] == ["state.open_to_others"]


def test_a_link_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("k", "utf-8")
    elsewhere.chmod(0o644)
    secrets = tmp_path / "state" / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "token_key").symlink_to(elsewhere)

    make_private(tmp_path / "state", secrets)

    assert mode(elsewhere) == 0o644
