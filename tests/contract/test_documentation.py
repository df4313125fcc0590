"""What the documents say exists, exists; what exists is said."""

from __future__ import annotations

import re

import pytest

from safeguarding.taxonomy import ROOT

SETTINGS = "".join(
    path.read_text("utf-8")
    for path in (
        ROOT / "safeguarding" / "settings.py",
        *(ROOT / "staff" / "alerts" / "channels").rglob("*.py"),
    )
)
ROOMS = "tests|docs|bot|actions|chat|staff|storage|web|safeguarding|ops|lab|artifacts|content|data"


@pytest.mark.parametrize("name", sorted(set(re.findall(r'"(LANTERN_[A-Z_]+)"', SETTINGS))))
def test_every_setting_is_described(name):
    assert f"`{name}`" in (ROOT / "docs" / "settings.md").read_text("utf-8")


@pytest.mark.parametrize("document", ["README.md", "docs/hazard-log.md", "docs/architecture.md"])
def test_every_path_a_document_names_is_there(document):
    text = (ROOT / document).read_text("utf-8")
    named = re.findall(rf"`((?:{ROOMS})/[\w./-]+)`", text)

    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_readme_opens_with_where_help_is_now():
    first = (ROOT / "README.md").read_text("utf-8").split("\n\n")[1]

    assert "999" in first
    assert "0800 1111" in first
