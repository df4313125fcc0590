"""The action server finds every action that the domain names, and no other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml
from rasa_sdk.executor import ActionExecutor

from safeguarding.taxonomy import ROOT


def test_the_action_server_serves_what_the_domain_names():
    domain = yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))
    executor = ActionExecutor()
    executor.register_package("actions")

    found = {name for name in executor.actions if name != "action_broken"}  # tests/…/test_action.py

    assert found == set(domain["actions"])


def test_a_server_whose_settings_make_no_sense_does_not_start(tmp_path: Path) -> None:
    env = {**os.environ, "LANTERN_STATE_DIR": str(tmp_path), "LANTERN_RASA_TIMEOUT_S": "soon"}
    command = [sys.executable, "-m", "actions", "--port", "0"]

    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode != 0
    assert "LANTERN_RASA_TIMEOUT_S" in done.stdout + done.stderr
