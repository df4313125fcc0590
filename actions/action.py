"""The base class of the actions: from Rasa's tracker to the turn that they answer, and back.

`safeguarding.answering` holds what each action does, so that the gateway can do it without Rasa.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import structlog
from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.composition import composition
from safeguarding.answering.actions import ACTIONS
from safeguarding.answering.composition import Composition
from safeguarding.answering.turn import LatestTurn
from safeguarding.conversation_state import ALREADY_SHOWN, AlreadyShown, ConversationState
from safeguarding.messages import as_typed
from safeguarding.risk.assessment import NO_RISK, Assessment

logger = structlog.get_logger()


def turn_of(tracker: Tracker, composed: Composition) -> LatestTurn:
    """Return the turn that a tracker has reached. Raises what a tracker without one raises."""
    latest = tracker.latest_message
    state = (latest.get("metadata") or {}).get("state") or {}
    risk = latest.get("risk")
    before = AlreadyShown.from_record(tracker.get_slot(ALREADY_SHOWN) or {})
    uttered = (event.get("data") or {} for event in tracker.events if event["event"] == "bot")
    return LatestTurn(
        text=as_typed(latest.get("text") or ""),
        intent=(latest.get("intent") or {}).get("name") or "",
        composition=composed,
        before=ConversationState.from_record(state),
        assessment=Assessment.from_record(risk) if risk else NO_RISK,
        asked=latest.get("topic"),
        entities=latest.get("entities") or [],
        ranking=latest.get("intent_ranking") or [],
        slots=tracker.slots,
        ever_shown=before.and_of(data.get("custom") or {} for data in uttered),
    )


class LanternAction(Action, ABC):
    """The base of every action: it answers one turn from the content, and writes no record.

    The gateway writes records. The class is abstract, so the action server does not register it.
    """

    def __init__(self, composition: Composition | None = None) -> None:
        """Without `composition` the action uses that of the process, from its first run on."""
        self._composition = composition

    @abstractmethod
    def name(self) -> str:
        """Return the name of the action in Rasa's rules."""

    def answer(self, turn: LatestTurn) -> None:
        """Say the messages that answer the turn."""
        ACTIONS[self.name()](turn)

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Answer the latest message and return the events for Rasa. Raises nothing.

        rasa-sdk answers an exception with its text and the whole conversation, and Rasa logs that
        answer: a child's words would get into a log. When no message comes, the gateway shows help
        itself.
        """
        turn = None
        try:
            turn = turn_of(tracker, self._composition or composition())
            self.answer(turn)
        except Exception as error:  # noqa: BLE001 - its text could hold words
            logger.error(  # noqa: TRY400 - a traceback could hold the words
                "action.failed", action=self.name(), reason=type(error).__name__
            )
        if turn is None:
            return []
        for message in turn.said:
            dispatcher.utter_message(json_message=message)
        return [SlotSet(slot, value) for slot, value in turn.remembered.items()]
