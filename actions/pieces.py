"""What telling a story and using a tool have in common: the one that was named, or the list."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import recording, turn, wiring
from actions.quiet import quiet
from actions.signpost import need_of
from safeguarding.choices import choices
from safeguarding.content.contacts import ContactDirectory
from safeguarding.content.pieces import Kind, Pieces
from safeguarding.messages import ContactCard, Message
from safeguarding.taxonomy import Severity

WITHHELD = "I can't show you that right now: our words are being checked. These people can help."


class ActionPiece(Action, ABC):
    """Show the story or tool that the message names; without a name, the list as buttons.

    What is past its review is withheld, and the person is signposted instead. A message that also
    shows a worry gets more contacts, and is recorded.
    """

    kind: Kind
    offer: str
    """What is said above the list."""

    def __init__(
        self,
        pieces: Pieces | None = None,
        directory: ContactDirectory | None = None,
        records: recording.Records | None = None,
        clock: wiring.Clock = wiring.now,
        signing: wiring.Signing | None = None,
    ) -> None:
        self._pieces = pieces
        self._directory = directory
        self._records = records
        self._clock = clock
        self._signing = signing

    @abstractmethod
    def name(self) -> str:
        """What the rules call it. Abstract, so that the action server passes this class over."""

    @quiet
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        dispatcher.utter_message(json_message=self._message(tracker))
        recording.record(tracker, self._records, self._clock)
        return []

    def _message(self, tracker: Tracker) -> Message:
        pieces = self._pieces or SHELVES[self.kind]()
        named = turn.entity_of(tracker, self.kind)
        if named is None or named not in pieces:
            message = self._list(pieces, tracker.get_slot("audience"))
            contacts = self._who_helps(tracker) if _shows_a_worry(tracker) else []
        else:
            message, contacts = self._shown(pieces, named, tracker)
        if contacts:
            message["contacts"] = contacts
        return message

    def _shown(
        self, pieces: Pieces, named: str, tracker: Tracker
    ) -> tuple[Message, list[ContactCard]]:
        audience, area, at = tracker.get_slot("audience"), tracker.get_slot("area"), self._clock()
        signing = self._signing or wiring.signing()
        message = pieces.message(
            named,
            audience,
            today=at.date(),
            approved=signing.approved,
            require_approval=signing.required,
        )
        if message is None:
            return {"kind": "contacts", "text": WITHHELD}, self._who_helps(tracker)
        if _shows_a_worry(tracker):
            return message, self._who_helps(tracker)
        directory = self._directory or wiring.directory()
        ids = pieces.contact_ids(named, audience)
        return message, directory.cards(ids, audience=audience, area=area, at=at)

    def _list(self, pieces: Pieces, audience: str | None) -> Message:
        buttons = [*pieces.buttons(audience), choices().button("speak_to_someone")]
        return {"kind": "prompt", "text": self.offer, "choices": buttons}

    def _who_helps(self, tracker: Tracker) -> list[ContactCard]:
        return (self._directory or wiring.directory()).for_person(
            audience=tracker.get_slot("audience"),
            area=tracker.get_slot("area"),
            need=need_of(tracker),
            at=self._clock(),
        )


def _shows_a_worry(tracker: Tracker) -> bool:
    return turn.assessment_of(tracker).severity > Severity.NONE


SHELVES: dict[Kind, Callable[[], Pieces]] = {"story": wiring.stories, "tool": wiring.tools}
