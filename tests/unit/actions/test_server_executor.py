"""A call without the domain is run, and the same one with it."""

from __future__ import annotations

from typing import Any

import pytest
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher
from rasa_sdk.interfaces import ActionMissingDomainException

from actions.server import DomainlessExecutor


async def wave(dispatcher: CollectingDispatcher, _tracker: Any, domain: Any) -> list[Any]:
    dispatcher.utter_message(text=f"hello {domain}")
    return []


def call(**fields: Any) -> dict[str, Any]:
    state = {"sender_id": "c", "slots": {}, "latest_message": {}, "events": [], "paused": False,
             "followup_action": None, "active_loop": {}, "latest_action_name": None}  # fmt: skip
    return {"next_action": "wave", "tracker": state, **fields}


async def said(executor: ActionExecutor, **fields: Any) -> str:
    executor.actions["wave"] = wave
    result = await executor.run(call(**fields))
    assert result is not None
    text: str = result.responses[0]["text"]
    return text


async def test_a_call_without_a_domain_is_run():
    assert await said(DomainlessExecutor()) == "hello {}"


async def test_a_domain_that_is_sent_is_handed_on():
    assert await said(DomainlessExecutor(), domain={"a": 1}) == "hello {'a': 1}"


async def test_rasa_sdk_itself_still_refuses_such_a_call():
    with pytest.raises(ActionMissingDomainException):
        await said(ActionExecutor())
