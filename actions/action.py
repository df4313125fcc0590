"""What every action of ours is: it answers one turn, and its failure says nothing of the turn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import structlog
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.composition import Composition, composition
from actions.turn import LatestTurn

logger = structlog.get_logger()


class LanternAction(Action, ABC):
    """An action of ours. It reads content and writes no record: the gateway does that.

    Abstract, so that the action server passes this class over.
    """

    def __init__(self, composition: Composition | None = None) -> None:
        """`composition` is asked of the process, at the first run, unless it is given."""
        self._composition = composition

    @abstractmethod
    def name(self) -> str:
        """What the rules call it."""

    @abstractmethod
    def answer(self, turn: LatestTurn) -> None:
        """Say what answers the turn."""

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Answer the latest message; gives the events to remember. Raises nothing.

        rasa-sdk answers an exception with its text and the whole conversation, and Rasa writes that
        answer to its log: a child's words would stand there. Without messages the gateway sees that
        the assistant had nothing to say, and shows help itself.
        """
        events: list[dict[str, Any]] = []
        try:
            composed = self._composition or composition()
            self.answer(LatestTurn(tracker, composed, dispatcher, events))
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not hold words
            logger.error(  # noqa: TRY400 - a traceback could hold the words
                "action.failed", action=self.name(), reason=type(error).__name__
            )
        return events
