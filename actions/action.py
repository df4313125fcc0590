"""The base class of the actions, and the turn of the conversation that they answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import structlog
from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.composition import ActionPhrases, Composition, composition
from safeguarding.content.items import Showing
from safeguarding.content.reader import Content
from safeguarding.conversation_state import ALREADY_SHOWN, AlreadyShown, ConversationState
from safeguarding.messages import ContactCard, Message, as_typed
from safeguarding.risk.assessment import NO_RISK, Assessment
from safeguarding.taxonomy import TOPIC_PREFIX, Severity

logger = structlog.get_logger()


@dataclass(frozen=True)
class LatestTurn:
    """The latest message of a conversation, read from Rasa's tracker, and the reply to it."""

    tracker: Tracker
    composition: Composition
    dispatcher: CollectingDispatcher
    events: list[dict[str, Any]]
    """Events for Rasa to apply, in its own form."""

    @property
    def content(self) -> Content:
        """The reviewed content."""
        return self.composition.content

    @property
    def phrases(self) -> ActionPhrases:
        """The sentences of the actions themselves."""
        return self.composition.phrases

    @cached_property
    def assessment(self) -> Assessment:
        """The risk screen's assessment; NO_RISK for a message that it did not see."""
        record = self.tracker.latest_message.get("risk")
        return Assessment.from_record(record) if record else NO_RISK

    @property
    def shows_risk(self) -> bool:
        """Whether the risk screen found a concern or worse."""
        return self.assessment.severity > Severity.NONE

    @property
    def text(self) -> str:
        """The message as typed; the positions of signals refer to it."""
        return as_typed(self.tracker.latest_message.get("text") or "")

    @property
    def topic(self) -> str | None:
        """The topic that the message asks about, or None."""
        intent: str = (self.tracker.latest_message.get("intent") or {}).get("name") or ""
        return intent.removeprefix(TOPIC_PREFIX) if intent.startswith(TOPIC_PREFIX) else None

    @property
    def about(self) -> str | None:
        """The subject that help is needed with: the first risk category, else the topic."""
        categories = self.assessment.categories
        return categories[0] if categories else self.topic

    @property
    def audience(self) -> str | None:
        """The person's audience, if they have said it."""
        audience: str | None = self.slot("audience")
        return audience

    @property
    def area(self) -> str | None:
        """The area that help should come from, if they have said it."""
        area: str | None = self.slot("area")
        return area

    @cached_property
    def before(self) -> ConversationState:
        """The state of the conversation before this message."""
        metadata = self.tracker.latest_message.get("metadata") or {}
        return ConversationState.from_record(metadata.get("state") or {})

    @cached_property
    def state(self) -> ConversationState:
        """The state of the conversation with this message."""
        return self.before.after(self.assessment)

    def showing(self) -> Showing:
        """Return the date and the signatures that decide what may be shown."""
        composition = self.composition
        return Showing(composition.now().date(), composition.approved, composition.require_approval)

    def slot(self, name: str) -> Any:
        """Return the value of a slot, or None."""
        return self.tracker.get_slot(name)

    def entity(self, name: str) -> str | None:
        """Return an entity of this message, or None. A slot would hold earlier ones as well."""
        entities = self.tracker.latest_message.get("entities") or []
        return next((each["value"] for each in entities if each.get("entity") == name), None)

    @property
    def ever_shown(self) -> AlreadyShown:
        """The content that the person was shown in this conversation, this turn included."""
        before = AlreadyShown.from_record(self.slot(ALREADY_SHOWN) or {})
        uttered = (event for event in self.tracker.events if event["event"] == "bot")
        return before.and_of((event.get("data") or {}).get("custom") or {} for event in uttered)

    def who_knows(self) -> list[ContactCard]:
        """Return the contacts that fit and specialise in the subject or cover the area."""
        return self.content.contacts.for_person(
            audience=self.audience,
            area=self.area,
            need=self.about,
            at=self.composition.now(),
            age=self.state.age,
            knowing=True,
        )

    def who_can_help(self) -> list[ContactCard]:
        """Return the contacts that fit the audience, the area, the subject and the hour."""
        return self.content.contacts.for_person(
            audience=self.audience, area=self.area, need=self.about, at=self.composition.now()
        )

    def who_can_help_message(self, text: str) -> Message:
        """Return `text` with the contacts of `who_can_help`."""
        return Message(kind="contacts", text=text, contacts=self.who_can_help())

    def contacts(self, ids: Iterable[str]) -> list[ContactCard]:
        """Return the contacts with these ids that serve this audience and area."""
        return self.content.contacts.cards(
            ids, audience=self.audience, area=self.area, at=self.composition.now()
        )

    def say(self, message: Message) -> None:
        """Show a message to the person."""
        self.dispatcher.utter_message(json_message=message)

    def remember(self, slot: str, value: object) -> None:
        """Set a slot, which lasts for the rest of the conversation."""
        self.events.append(SlotSet(slot, value))


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

    @abstractmethod
    def answer(self, turn: LatestTurn) -> None:
        """Say the messages that answer the turn."""

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Answer the latest message and return the events for Rasa. Raises nothing.

        rasa-sdk answers an exception with its text and the whole conversation, and Rasa logs that
        answer: a child's words would get into a log. When no message comes, the gateway shows help
        itself.
        """
        events: list[dict[str, Any]] = []
        try:
            composed = self._composition or composition()
            self.answer(LatestTurn(tracker, composed, dispatcher, events))
        except Exception as error:  # noqa: BLE001 - its text could hold words
            logger.error(  # noqa: TRY400 - a traceback could hold the words
                "action.failed", action=self.name(), reason=type(error).__name__
            )
        return events
