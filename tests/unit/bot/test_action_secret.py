"""Rasa shows the action server its secret."""

from __future__ import annotations

from rasa.core.actions.action import RemoteAction
from rasa.utils.endpoints import EndpointConfig

from bot.action_secret import show_secret_to_actions
from safeguarding.secret_files import ACTION_SECRET_HEADER


def test_each_call_of_an_action_shows_the_secret():
    endpoint = EndpointConfig("http://127.0.0.1:1/webhook")
    for secret in ("of an earlier start", "s" * 32):
        show_secret_to_actions(secret)
        action = RemoteAction("action_answer", endpoint)

    assert action.action_endpoint.headers == {ACTION_SECRET_HEADER: "s" * 32}
    assert RemoteAction("action_answer", None).action_endpoint is None
