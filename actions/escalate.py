"""ActionEscalate: one message into the escalation log."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import recording, wiring
from actions.quiet import quiet


class ActionEscalate(Action):
    """Write the latest message to the escalation log. The rule has already shown the help card."""

    def __init__(
        self, records: recording.Records | None = None, clock: wiring.Clock = wiring.now
    ) -> None:
        self._records = records
        self._clock = clock

    def name(self) -> str:
        return "action_escalate"

    @quiet
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        recording.record(tracker, self._records, self._clock)
        return []
