"""A content folder of a test's own, with the shipped languages and services."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from ops.translations.command import main
from safeguarding.taxonomy import CONTENT
from tests.commands import run

Translations = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Copy what the commands read."""
    made = tmp_path / "content"
    for name in ("languages", "contacts", "articles"):
        shutil.copytree(CONTENT / name, made / name)
    return made


@pytest.fixture
def translations(folder: Path) -> Translations:
    """Return a function that runs `translations` on the folder of the test."""

    def call(*arguments: str, stdin: bytes | None = None) -> Result:
        return run(main, *arguments, "--content", str(folder), stdin=stdin)

    return call


@pytest.fixture
def polish(folder: Path) -> Path:
    return folder / "languages" / "pl.yml"


@pytest.fixture
def po(translations: Translations, tmp_path: Path) -> Path:
    """Export Polish, as it is sent to a translator."""
    path = tmp_path / "pl.po"
    assert translations("export", "pl", "--to", str(path)).exit_code == 0
    return path
