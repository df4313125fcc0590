"""ActionAboutChat: "is this ok?" about a chat that was pasted."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import pasted_chat, recording, turn, wiring
from actions.quiet import quiet
from actions.signpost import need_of
from safeguarding.content.contacts import ContactDirectory
from safeguarding.messages import ContactCard, Message
from safeguarding.taxonomy import Severity

WITHHELD = (
    "I can't say what I see in it right now: our words about it are being checked. "
    "These people can look at it with you."
)


class ActionAboutChat(Action):
    """Say what stands out in a pasted chat, or that nothing does; never what somebody is.

    With a worry more contacts are shown, and the message is recorded. Words past their review, or
    unsigned where signatures are required, are withheld, and the person is signposted.
    """

    def __init__(
        self,
        words: pasted_chat.Words | None = None,
        directory: ContactDirectory | None = None,
        records: recording.Records | None = None,
        clock: wiring.Clock = wiring.now,
    ) -> None:
        self._words = words
        self._directory = directory
        self._records = records
        self._clock = clock

    def name(self) -> str:
        return "action_about_chat"

    @quiet
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        words = self._words or pasted_chat.Words.of_this_process()
        message = words.about(tracker, self._clock)
        if message is None:
            message = Message(kind="contacts", text=WITHHELD)
            message["contacts"] = self._who_helps(tracker)
        elif turn.assessment_of(tracker).severity > Severity.NONE:
            message["contacts"] = self._who_helps(tracker)
        else:
            message["contacts"] = self._near(words, tracker)
        dispatcher.utter_message(json_message=message)
        recording.record(tracker, self._records, self._clock)
        return []

    def _who_helps(self, tracker: Tracker) -> list[ContactCard]:
        return (self._directory or wiring.directory()).for_person(
            audience=tracker.get_slot("audience"),
            area=tracker.get_slot("area"),
            need=need_of(tracker),
            at=self._clock(),
        )

    def _near(self, words: pasted_chat.Words, tracker: Tracker) -> list[ContactCard]:
        audience = tracker.get_slot("audience")
        return (self._directory or wiring.directory()).cards(
            words.chat_signs.contact_ids(audience),
            audience=audience,
            area=tracker.get_slot("area"),
            at=self._clock(),
        )
