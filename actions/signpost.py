"""ActionSignpost: who can help this person, here, now."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import pasted_chat, turn, wiring
from actions.quiet import quiet
from safeguarding.choices import choices
from safeguarding.content.contacts import ContactDirectory
from safeguarding.messages import Message


class ActionSignpost(Action):
    """Show the contacts that fit the audience, the area, the need and the hour.

    Before them, what stands out in a chat that the message holds.
    """

    def __init__(
        self,
        directory: ContactDirectory | None = None,
        clock: wiring.Clock = wiring.now,
        chat: pasted_chat.Words | None = None,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._chat = chat

    def name(self) -> str:
        return "action_signpost"

    @quiet
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        if pasted_chat.signs_of(tracker):
            about = (self._chat or pasted_chat.Words.of_this_process()).about(tracker, self._clock)
            if about is not None:
                dispatcher.utter_message(json_message=about)
        area = tracker.get_slot("area")
        contacts = (self._directory or wiring.directory()).for_person(
            audience=tracker.get_slot("audience"),
            area=area,
            need=need_of(tracker),
            at=self._clock(),
        )
        message: Message = {
            "kind": "contacts",
            "text": "These people can help.",
            "contacts": contacts,
        }
        if area is None:
            message["text"] += " Where do you live? Then I can show help near you."
            message["choices"] = choices().areas()
        dispatcher.utter_message(json_message=message)
        return []


def need_of(tracker: Tracker) -> str | None:
    """What help is needed for: the first risk category of the message, else its topic."""
    categories = turn.assessment_of(tracker).categories
    return categories[0] if categories else turn.topic_of(tracker)
