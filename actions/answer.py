"""ActionAnswer: the vetted answer to a question, in the reader's own register."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import recording, turn, wiring
from actions.quiet import quiet
from actions.signpost import need_of
from safeguarding.choices import choices
from safeguarding.content.answers import Answers
from safeguarding.content.contacts import ContactDirectory
from safeguarding.messages import ContactCard, Message
from safeguarding.taxonomy import Severity

WITHHELD = (
    "I can't answer that one right now: our words about it are being checked. "
    "These people can help you with it."
)


class ActionAnswer(Action):
    """Show the answer for the topic and the audience, with its source, its dates and contacts.

    An answer past its review date is withheld, and where signatures are required one that nobody
    has signed; the person is signposted instead. A question that also shows a worry is answered
    with more contacts, and recorded.
    """

    def __init__(
        self,
        answers: Answers | None = None,
        directory: ContactDirectory | None = None,
        records: recording.Records | None = None,
        clock: wiring.Clock = wiring.now,
        signing: wiring.Signing | None = None,
    ) -> None:
        self._answers = answers
        self._directory = directory
        self._records = records
        self._clock = clock
        self._signing = signing

    def name(self) -> str:
        return "action_answer"

    @quiet
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        dispatcher.utter_message(json_message=self._message(tracker))
        recording.record(tracker, self._records, self._clock)
        return []

    def _message(self, tracker: Tracker) -> Message:
        topic, audience = turn.topic_of(tracker), tracker.get_slot("audience")
        answers = self._answers or wiring.vetted_answers()
        at = self._clock()
        message = None
        if topic is not None:
            signing = self._signing or wiring.signing()
            message = answers.message(
                topic,
                audience,
                today=at.date(),
                approved=signing.approved,
                require_approval=signing.required,
            )
        if message is None:
            return {"kind": "contacts", "text": WITHHELD, "contacts": self._who_helps(tracker)}
        self._name_the_tool(tracker, message)
        if turn.assessment_of(tracker).severity > Severity.NONE:
            message["contacts"] = self._who_helps(tracker)
        elif topic is not None:
            directory = self._directory or wiring.directory()
            message["contacts"] = directory.cards(
                answers.contact_ids(topic, audience),
                audience=audience,
                area=tracker.get_slot("area"),
                at=at,
            )
        return message

    @staticmethod
    def _name_the_tool(tracker: Tracker, message: Message) -> None:
        """Where a tool of many parts is offered and a part was named, offer that part."""
        named, tools = turn.entity_of(tracker, "tool"), wiring.tools()
        if named is None or named not in tools:
            return
        whole = f"tool_{tools.leads_to(named)}"
        message["choices"] = [
            choices().button(f"tool_{named}") if choice["id"] == whole else choice
            for choice in message["choices"]
        ]

    def _who_helps(self, tracker: Tracker) -> list[ContactCard]:
        return (self._directory or wiring.directory()).for_person(
            audience=tracker.get_slot("audience"),
            area=tracker.get_slot("area"),
            need=need_of(tracker),
            at=self._clock(),
        )
