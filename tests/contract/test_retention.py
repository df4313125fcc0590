"""How long things are kept is as docs/retention.md says, in each place that decides it."""

from __future__ import annotations

import re

import yaml

from safeguarding.settings import Settings
from safeguarding.taxonomy import ROOT, taxonomy
from staff.retention.clocks import SEXUAL_ABUSE

DOCUMENT = (ROOT / "docs" / "retention.md").read_text("utf-8")


def test_rasa_and_gateway_forget_a_conversation_after_the_same_silence():
    store = yaml.safe_load((ROOT / "endpoints.yml").read_text("utf-8"))["tracker_store"]

    assert store["type"] == "bot.tracker_store.MessageTrackerStore"
    assert store["ttl_s"] == Settings.from_env({}).conversation_ttl_s == 3600


def test_the_document_states_the_clocks_that_run():
    stated = re.findall(r"\| (\d+) years \| `LANTERN_(KEEP_[A-Z_]+_YEARS)`", DOCUMENT)
    settings = Settings.from_env({})

    assert {name.lower(): int(years) for years, name in stated} == {
        name: getattr(settings, name)
        for name in ("keep_concern_years", "keep_urgent_years", "keep_sexual_abuse_years")
    }


def test_the_categories_of_sexual_abuse_are_categories():
    assert set(taxonomy().risk_categories) >= SEXUAL_ABUSE
