"""Rasa shows the action server, with each call, that it is Rasa."""

from __future__ import annotations

from rasa.core.actions.action import RemoteAction
from rasa.utils.endpoints import EndpointConfig

from safeguarding.secret_files import ACTION_SECRET_HEADER

_make_remote_action = RemoteAction.__init__


def show_secret_to_actions(secret: str) -> None:
    """Let every call of an action hold the secret.

    In code, not in endpoints.yml: Rasa would read it there from the environment alone.
    """

    def make(self: RemoteAction, name: str, action_endpoint: EndpointConfig | None) -> None:
        if action_endpoint is not None:
            action_endpoint.headers[ACTION_SECRET_HEADER] = secret
        _make_remote_action(self, name, action_endpoint)

    RemoteAction.__init__ = make
