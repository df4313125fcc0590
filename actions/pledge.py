"""ActionPledge: the pledge as a small journey by buttons, counted without a name."""

from __future__ import annotations

from typing import Any

import structlog
from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import turn, wiring
from actions.quiet import quiet
from safeguarding.content.pledge import Pledge
from safeguarding.messages import Message
from safeguarding.pledges import NotCountedError, PledgeCounter

PLEDGED = "pledged"
logger = structlog.get_logger()


class ActionPledge(Action):
    """Show the step that was pressed; without one, what the pledge asks.

    Taking it is counted once a conversation. Where it cannot be counted the words are shown all
    the same, and it may be pressed again.
    """

    def __init__(
        self,
        pledge: Pledge | None = None,
        counter: PledgeCounter | None = None,
        public_url: str | None = None,
        clock: wiring.Clock = wiring.now,
    ) -> None:
        self._pledge = pledge
        self._counter = counter
        self._public_url = public_url
        self._clock = clock

    def name(self) -> str:
        return "action_pledge"

    @quiet
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        step = turn.entity_of(tracker, "pledge")
        if step == "take":
            message, events = self._take(tracker)
        else:
            message, events = self._step(step, tracker), []
        dispatcher.utter_message(json_message=message)
        return events

    def _step(self, step: str | None, tracker: Tracker) -> Message:
        pledge = self._pledge or wiring.pledge()
        if step == "find_out":
            return pledge.find_out(tracker.get_slot("audience"))
        if step == "course":
            return pledge.learn()
        if step == "tell":
            return pledge.tell(self._public_url or wiring.settings().public_url)
        return pledge.start()

    def _take(self, tracker: Tracker) -> tuple[Message, list[dict[str, Any]]]:
        pledge = self._pledge or wiring.pledge()
        before = bool(tracker.get_slot(PLEDGED))
        counted = not before and self._count()
        events = [SlotSet(PLEDGED, True)] if counted else []  # noqa: FBT003 - a slot's value
        return pledge.taken(before=before, counted=counted), events

    def _count(self) -> bool:
        try:
            (self._counter or wiring.pledge_counter()).add(self._clock().date())
        except NotCountedError as error:
            logger.warning("pledge.not_counted", reason=str(error))
            return False
        return True
