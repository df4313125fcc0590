"""The action server answers Rasa, which shows it the secret, and nobody else."""

from __future__ import annotations

import httpx

from ops.stack import Stack
from tests.integration.client import Person, kinds


def test_rasa_is_answered_and_a_stranger_is_not(stack: Stack) -> None:
    actions = stack.url("actions")
    call = {"next_action": "action_answer", "tracker": {}, "domain": {}}

    assert httpx.get(f"{actions}/health", timeout=15).status_code == 200
    assert httpx.get(f"{actions}/actions", timeout=15).status_code == 401
    assert httpx.post(f"{actions}/webhook", json=call, timeout=15).status_code == 401
    assert "answer" in kinds(Person(stack.url("gateway")).say("what is grooming"))
