"""`make -s reply` on the real stack: each conversation by itself, its turns in their order."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from safeguarding.taxonomy import ROOT
from tests.integration.client import help_card, kinds

CONVERSATIONS = [
    {"id": "asks", "turns": ["what is grooming", "thanks"], "audience": "parent"},
    {"id": "tells", "turns": ["my uncle keeps touching me", "thanks"]},
    {"id": 3, "turns": ["thanks"]},
]
BAD = '{"id": "bad", "turns": "hi"}'


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    lines = [*map(json.dumps, CONVERSATIONS), BAD]
    command = [sys.executable, "-m", "lantern", "reply"]
    done = subprocess.run(
        command, input="\n".join(lines), cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_standard_output_holds_one_record_a_line_and_nothing_else(records):
    assert [record["id"] for record in records] == ["asks", "tells", 3, "bad"]
    assert records[3] == {"id": "bad", "error": "`turns` is not a list of strings and choices"}
    assert [len(record["replies"]) for record in records[:3]] == [2, 2, 1]


def test_a_question_is_answered_for_the_audience_that_asks(records):
    (answer, *_) = records[0]["replies"][0]

    assert (answer["kind"], answer["topic"]) == ("answer", "what_is_grooming")


def test_a_disclosure_gets_a_help_card_and_is_not_forgotten_in_the_next_turn(records):
    told, then = records[1]["replies"]

    assert help_card(told)["severity"] == "urgent"
    assert kinds(told)[0] == "help_card"
    assert then != records[2]["replies"][0], "thanks are answered as if nothing had been said"


def test_one_conversation_knows_nothing_of_the_others(records):
    assert "help_card" not in kinds(records[2]["replies"][0])
