"""An action that fails says so in the log and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

Events = list[dict[str, Any]]
Run = Callable[[Any, CollectingDispatcher, Tracker, dict[str, Any]], Events]
logger = structlog.get_logger()


def quiet(run: Run) -> Run:
    """Let no exception out of an action's `run`.

    rasa-sdk answers an exception with its text and the whole conversation, and Rasa writes that
    answer to its log: a child's words would stand there. Without messages the gateway sees that
    the assistant had nothing to say, and shows help itself.
    """

    @wraps(run)
    def guarded(
        self: Action, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        try:
            return run(self, dispatcher, tracker, domain)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not hold words
            logger.error(  # noqa: TRY400 - a traceback could hold the words
                "action.failed", action=self.name(), reason=type(error).__name__
            )
            return []

    return guarded
