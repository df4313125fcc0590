"""ActionAnswer: the vetted answer to a question, in the reader's own register."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import recording, turn, wiring
from actions.quiet import quiet
from actions.signpost import need_of
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

    An answer past its review date is withheld, and the person is signposted instead. A question
    that also shows a worry is answered with more contacts, and recorded.
    """

    def __init__(
        self,
        answers: Answers | None = None,
        directory: ContactDirectory | None = None,
        records: recording.Records | None = None,
        clock: wiring.Clock = wiring.now,
    ) -> None:
        self._answers = answers
        self._directory = directory
        self._records = records
        self._clock = clock

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
            message = answers.message(
                topic,
                audience,
                today=at.date(),
                require_approval=wiring.settings().require_approval,
            )
        if message is None:
            return {"kind": "contacts", "text": WITHHELD, "contacts": self._who_helps(tracker)}
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

    def _who_helps(self, tracker: Tracker) -> list[ContactCard]:
        return (self._directory or wiring.directory()).for_person(
            audience=tracker.get_slot("audience"),
            area=tracker.get_slot("area"),
            need=need_of(tracker),
            at=self._clock(),
        )
