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
SECRETS = (
    "channel_secret",
    "action_secret",
    "token_key",
    "field_keys",
    "smtp_password",
    "notify_api_key",
    "webhook_url",
    "webhook_key",
    "apprise_sms_url",
    "apprise_team_url",
    "sso_client_secret",
)

ROOMS = "tests|docs|bot|actions|chat|staff|storage|web|safeguarding|ops|lab|artifacts|content|data"


@pytest.mark.parametrize("name", sorted(set(re.findall(r'"(LANTERN_[A-Z_]+)"', SETTINGS))))
def test_every_setting_is_described(name):
    assert f"`{name}`" in (ROOT / "docs" / "settings.md").read_text("utf-8")


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_is_described(name):
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


def test_decisions_are_numbered_without_a_gap():
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs" / "adr").glob("*.md"))]

    assert numbers == list(range(1, len(numbers) + 1))


def test_every_make_target_is_explained():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None

    for target in phony[1].split():
        assert re.search(rf"^{target}:.*## \w", makefile, re.MULTILINE), target
