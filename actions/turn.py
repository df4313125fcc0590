"""One turn as an action sees it: the latest message, who can help, and what is said to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.composition import ActionPhrases, Composition
from safeguarding.content.items import Showing
from safeguarding.content.reader import Content
from safeguarding.conversation_state import ALREADY_SHOWN, AlreadyShown, ConversationState
from safeguarding.messages import ContactCard, Message, as_typed
from safeguarding.risk.assessment import NO_RISK, Assessment
from safeguarding.taxonomy import TOPIC_PREFIX, Severity


@dataclass(frozen=True)
class LatestTurn:
    """The latest message of a conversation, read from Rasa's tracker."""

    tracker: Tracker
    composition: Composition
    dispatcher: CollectingDispatcher
    events: list[dict[str, Any]]
    """What Rasa is to remember, in its own form."""

    @property
    def content(self) -> Content:
        """All that may be said."""
        return self.composition.content

    @property
    def phrases(self) -> ActionPhrases:
        """What the actions say by themselves."""
        return self.composition.phrases

    @cached_property
    def assessment(self) -> Assessment:
        """What the risk screen found in the message; NO_RISK for a message it did not see."""
        record = self.tracker.latest_message.get("risk")
        return Assessment.from_record(record) if record else NO_RISK

    @property
    def shows_risk(self) -> bool:
        """Whether the risk screen found a concern or worse."""
        return self.assessment.severity > Severity.NONE

    @property
    def text(self) -> str:
        """The message as it was typed: what the places of its signals refer to."""
        return as_typed(self.tracker.latest_message.get("text") or "")

    @property
    def topic(self) -> str | None:
        """The topic that the message asks about, or None."""
        intent: str = (self.tracker.latest_message.get("intent") or {}).get("name") or ""
        return intent.removeprefix(TOPIC_PREFIX) if intent.startswith(TOPIC_PREFIX) else None

    @property
    def about(self) -> str | None:
        """What help is needed with: the first risk category of the message, else its topic."""
        categories = self.assessment.categories
        return categories[0] if categories else self.topic

    @property
    def audience(self) -> str | None:
        """Who is asking, as far as they have said."""
        audience: str | None = self.slot("audience")
        return audience

    @property
    def area(self) -> str | None:
        """Where help should come from, as far as they have said."""
        area: str | None = self.slot("area")
        return area

    @cached_property
    def before(self) -> ConversationState:
        """What the conversation had come to before this message."""
        metadata = self.tracker.latest_message.get("metadata") or {}
        return ConversationState.from_record(metadata.get("state") or {})

    @cached_property
    def state(self) -> ConversationState:
        """What it has come to with this message."""
        return self.before.after(self.assessment)

    def showing(self) -> Showing:
        """What may be shown today, by whose signatures."""
        composition = self.composition
        return Showing(composition.now().date(), composition.approved, composition.require_approval)

    def slot(self, name: str) -> Any:
        """What is remembered of the conversation under this name, or None."""
        return self.tracker.get_slot(name)

    def entity(self, name: str) -> str | None:
        """What the message names, or None. A slot would still hold what was named long ago."""
        found = self.tracker.latest_message.get("entities") or []
        return next((entity["value"] for entity in found if entity.get("entity") == name), None)

    @property
    def ever_shown(self) -> AlreadyShown:
        """What the person was shown in this conversation, in this turn too."""
        before = AlreadyShown.from_record(self.slot(ALREADY_SHOWN) or {})
        said = (event for event in self.tracker.events if event["event"] == "bot")
        return before.and_of((event.get("data") or {}).get("custom") or {} for event in said)

    def who_knows(self) -> list[ContactCard]:
        """Of the contacts that fit, those who know about it, or look after where the person is."""
        return self.content.contacts.for_person(
            audience=self.audience,
            area=self.area,
            need=self.about,
            at=self.composition.now(),
            age=self.state.age,
            knowing=True,
        )

    def who_can_help(self) -> list[ContactCard]:
        """The contacts that fit the audience, the area, what it is about and the hour."""
        return self.content.contacts.for_person(
            audience=self.audience, area=self.area, need=self.about, at=self.composition.now()
        )

    def contacts(self, ids: Iterable[str]) -> list[ContactCard]:
        """Those of these services that are for this audience and area."""
        return self.content.contacts.cards(
            ids, audience=self.audience, area=self.area, at=self.composition.now()
        )

    def say(self, message: Message) -> None:
        """Show a message to the person."""
        self.dispatcher.utter_message(json_message=message)

    def remember(self, slot: str, value: object) -> None:
        """Keep something for the rest of the conversation."""
        self.events.append(SlotSet(slot, value))
