"""The action server finds every action that the domain names, and no other."""

from __future__ import annotations

import yaml
from rasa_sdk.executor import ActionExecutor

from safeguarding.taxonomy import ROOT


def test_the_action_server_serves_what_the_domain_names():
    domain = yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))
    executor = ActionExecutor()
    executor.register_package("actions")

    found = {name for name in executor.actions if name != "action_broken"}  # tests/…/test_quiet.py

    assert found == set(domain["actions"])
