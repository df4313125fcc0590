"""How rasa-sdk runs our actions: without the domain, which none of them reads."""

from __future__ import annotations

from typing import Any

from rasa_sdk.executor import ActionExecutor


class DomainlessExecutor(ActionExecutor):
    """Runs actions whose calls bring no domain.

    Rasa 3.6 leaves it out (`enable_selective_domain` in endpoints.yml), because it is 100 kB to
    write and to read for every action. rasa-sdk 3.21 takes a call without one for a mistake.
    """

    def update_and_return_domain(
        self,
        payload: dict[str, Any],
        action_name: str,
    ) -> dict[str, Any]:
        """The domain of the call; empty without one."""
        return payload.get("domain") or {}
