"""deploy/monitoring/: rules and board ask for figures that there are, and wake by the runbook."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from chat.gateway.metrics import GatewayMetrics
from safeguarding.logs import WATCHED
from safeguarding.taxonomy import ROOT
from staff.console.app import ConsoleMetrics
from staff.dispatcher.status import DispatcherState, metrics_of
from tests.programs import program

FOLDER = ROOT / "deploy" / "monitoring"
RULES: dict[str, Any] = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
BOARD: dict[str, Any] = json.loads((FOLDER / "lantern-dashboard.json").read_text("utf-8"))
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text("utf-8")
ENDINGS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


def expressions() -> list[str]:
    """Every expression of the rules and of the board."""
    asked = [target["expr"] for panel in PANELS for target in panel["targets"]]
    return [*(rule["expr"] for rule in ALERTS), *asked]


def figures() -> set[str]:
    """Return the names of all that the three processes publish."""
    state = DispatcherState("ready", "up", {}, [], {}, {}, {}, 0.0, 0, 0.0, 0, 0.0, {}, 0.0)
    found = set()
    for text in (GatewayMetrics().as_text(), ConsoleMetrics().as_text(), metrics_of(state)):
        for family in text_string_to_metric_families(text.decode()):
            found |= {family.name + ending for ending in ENDINGS[family.type]}
    return found


def test_every_figure_that_is_asked_for_is_published() -> None:
    asked = {name for each in expressions() for name in re.findall(r"\blantern_\w+", each)}

    assert len(asked) > 15
    assert asked - figures() == set()


def test_prometheus_understands_rules_board_and_configuration(tmp_path: Path) -> None:
    promtool = program("promtool")
    rules = [{"record": f"board:{index}", "expr": each} for index, each in enumerate(expressions())]
    board = tmp_path / "board.yml"
    board.write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}), "utf-8")

    for command in (
        ["check", "rules", "--lint-fatal", "alerts.yml"],
        ["check", "rules", "--lint=none", str(board)],
        ["check", "config", "prometheus.yml"],
        ["test", "rules", "alerts_test.yml"],
    ):
        done = subprocess.run(
            [promtool, *command], cwd=FOLDER, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_says_whom_it_wakes_and_where_the_runbook_is() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line[3:].lower()).replace(" ", "-")
        for line in RUNBOOK.splitlines()
        if line.startswith("## ")
    }
    for rule in ALERTS:
        assert rule["labels"]["wakes"] in {"engineer", "lead", "office"}
        path, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (path, anchor in headings) == ("docs/runbook.md", True), rule["alert"]


def test_what_the_runbook_watches_wakes_somebody() -> None:
    table = RUNBOOK.partition("## Watch these")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(lantern_\w+)", table))
    asked = " ".join(rule["expr"] for rule in ALERTS)

    assert named
    assert [name for name in named if not re.search(rf"\b{name}(_total|_bucket)?\b", asked)] == []


@pytest.mark.parametrize("event", WATCHED)
def test_a_watched_event_is_logged_and_wakes_somebody(event: str) -> None:
    rooms = [
        path
        for room in ("chat", "safeguarding", "staff", "storage", "web")
        for path in (ROOT / room).rglob("*.py")
    ]
    # The spool names its own by what stands behind the point.
    written = (f'"{event}"', f'"{event.removeprefix("spool.")}"')
    said = [path for path in rooms if any(each in path.read_text("utf-8") for each in written)]
    asked = [
        matcher for rule in ALERTS for matcher in re.findall(r'event=~?"([^"]+)"', rule["expr"])
    ]

    assert [path for path in said if path.name != "logs.py"]
    assert any(re.fullmatch(matcher, event) for matcher in asked)
    assert f"`{event}`" in RUNBOOK
