"""Rasa still refuses a malformed answer of an action, only quicker."""

from __future__ import annotations

import pytest
from jsonschema import ValidationError
from rasa.core.actions.action import RemoteAction

from bot.composition import check_schema_once


@pytest.fixture
def action() -> RemoteAction:
    check_schema_once()
    return RemoteAction("action_answer", None)


def test_a_sound_answer_passes(action):
    assert action._validate_action_result({"events": [], "responses": [{"text": "hi"}]})


@pytest.mark.parametrize("answer", [{"events": "none"}, {"events": [{"event": 5}]}, []])
def test_a_malformed_answer_is_refused(action, answer):
    with pytest.raises(ValidationError):
        action._validate_action_result(answer)
