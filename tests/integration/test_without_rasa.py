"""The day without Rasa: the same replies, field by field, and a stack that runs no Rasa."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from ops.compare_without_rasa import PLAYED, Comparison, compare, conversations
from ops.comparing_gateway import OWN_WEIGHTS, SAME_WEIGHTS
from ops.reply import UNHURRIED, replies, wait_for_screening
from ops.stack import Stack

WRITTEN = 12
"""Conversations of the development part that are held beside those of tests/dialogues."""
MOST_BY_WEIGHTS = 0.01
"""The largest share of replies that may differ because the classifier was trained without Rasa: on
another version of numpy, confidences differ by some 0.015, so one may cross a threshold."""


@pytest.fixture(scope="module")
def compared() -> Comparison:
    found = compare(conversations(len([*PLAYED.glob("*.yml")]) + WRITTEN))
    print(found.as_table())  # noqa: T201 - the table is for people
    return found


def test_with_the_weights_of_rasas_classifier_every_field_is_the_same(compared):
    assert len(compared.notes) > WRITTEN
    assert compared.differing(SAME_WEIGHTS) == []


def test_with_weights_trained_without_rasa_nearly_every_reply_is_the_same(compared):
    assert len(compared.differing(OWN_WEIGHTS)) <= MOST_BY_WEIGHTS * len(compared.notes)


def test_a_gateway_without_rasa_and_action_server_answers(tmp_path: Path):
    lines = [
        {"id": "asks", "turns": ["what is grooming"], "audience": "parent"},
        {"id": "tells", "turns": ["my uncle keeps touching me"]},
    ]
    stack = Stack(tmp_path, env=UNHURRIED | {"LANTERN_WITHOUT_RASA": "true"})
    assert stack.answering == (stack.gateway,)

    async def held() -> dict[str, list[dict[str, str]]]:
        sent = [json.dumps(line).encode() for line in lines]
        return {
            each["id"]: each["replies"][0] async for each in replies(sent, stack.url("gateway"))
        }

    try:
        stack.setup()
        stack.start(*stack.answering)
        wait_for_screening(stack.url("gateway"))
        said = asyncio.run(held())
    finally:
        stack.stop()

    assert said["asks"][0]["topic"] == "what_is_grooming"
    assert said["tells"][0]["kind"] == "help_card"
    assert said["tells"][0]["contacts"]
    assert said["tells"][0]["choices"]
