"""Rasa shows the action server its secret, and still refuses a malformed answer, only quicker."""

from __future__ import annotations

import pytest
from jsonschema import ValidationError
from rasa.core.actions.action import RemoteAction
from rasa.utils.endpoints import EndpointConfig

from bot.composition import check_schema_once, show_secret_to_actions
from safeguarding.secret_files import ACTION_SECRET_HEADER


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


def test_each_call_of_an_action_shows_the_secret():
    endpoint = EndpointConfig("http://127.0.0.1:1/webhook")
    for secret in ("of an earlier start", "s" * 32):
        show_secret_to_actions(secret)
        action = RemoteAction("action_answer", endpoint)

    assert action.action_endpoint.headers == {ACTION_SECRET_HEADER: "s" * 32}
    assert RemoteAction("action_answer", None).action_endpoint is None
