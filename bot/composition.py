"""What stands once in the Rasa server's process.

Rasa makes its components and channels itself, so nothing can hand anything to them: the content
and the risk engine are made here, each when the first of them asks.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction
from rasa.utils.endpoints import EndpointConfig

from safeguarding.content.reader import Content, read_content
from safeguarding.risk.engine import RiskEngine, build_engine
from safeguarding.secret_files import ACTION_SECRET_HEADER
from safeguarding.settings import Settings

_make_remote_action = RemoteAction.__init__


@cache
def content() -> Content:
    """The content of this process. Raises ContentError."""
    return read_content()


@cache
def engine() -> RiskEngine:
    """The engine, built when first asked for: the gateway hands most messages over assessed.

    Raises what `build_engine` raises, and SettingsError when a setting makes no sense.
    """
    return build_engine(miss_cost=Settings.from_env().miss_cost)


def show_secret_to_actions(secret: str) -> None:
    """Make Rasa show the action server, with each call, that it is Rasa.

    In code, not in endpoints.yml: Rasa would read it there from the environment alone.
    """

    def make(self: RemoteAction, name: str, action_endpoint: EndpointConfig | None) -> None:
        if action_endpoint is not None:
            action_endpoint.headers[ACTION_SECRET_HEADER] = secret
        _make_remote_action(self, name, action_endpoint)

    RemoteAction.__init__ = make


def check_schema_once() -> None:
    """Make Rasa keep its validator of action answers instead of building it for every one.

    Rasa 3.6 calls `jsonschema.validate`, which first proves that the schema itself is sound: 20 ms
    an action, more than half of a turn. The answers are checked as before, by the same schema.
    """
    schema = RemoteAction.action_response_format_spec()
    kind = validator_for(schema)
    kind.check_schema(schema)
    validator = kind(schema)

    def validate(self: RemoteAction, result: dict[str, Any]) -> bool:
        validator.validate(result)
        return True

    RemoteAction._validate_action_result = validate
