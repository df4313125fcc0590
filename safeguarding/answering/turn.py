"""The turn that an action answers: the message as it was understood, and what was said so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from safeguarding.answering.composition import ActionPhrases, Composition
from safeguarding.answering.parsed import TopicAsked
from safeguarding.content.items import Showing
from safeguarding.content.reader import Content
from safeguarding.conversation_state import AlreadyShown, ConversationState
from safeguarding.messages import ContactCard, Message
from safeguarding.risk.assessment import NO_RISK, Assessment
from safeguarding.taxonomy import TOPIC_PREFIX, Severity


@dataclass(frozen=True)
class LatestTurn:
    """The latest message of a conversation, and the reply to it."""

    text: str
    """The message as typed; the positions of signals refer to it."""
    intent: str
    composition: Composition
    before: ConversationState = field(default_factory=ConversationState)
    """The state of the conversation before this message."""
    assessment: Assessment = NO_RISK
    """The risk screen's assessment; NO_RISK for a message that it did not see."""
    asked: TopicAsked | None = None
    """The topic that the classifier finds in the message."""
    entities: Sequence[Mapping[str, Any]] = ()
    ranking: Sequence[Mapping[str, Any]] = ()
    """The classifier's intents, the surest first."""
    slots: Mapping[str, Any] = field(default_factory=dict)
    ever_shown: AlreadyShown = field(default_factory=AlreadyShown)
    """The content that the person was shown, by earlier actions of this turn included."""
    said: list[Message] = field(default_factory=list)
    """The messages that the action has said."""
    remembered: dict[str, Any] = field(default_factory=dict)
    """The slots that the action has set."""

    @property
    def content(self) -> Content:
        """The reviewed content."""
        return self.composition.content

    @property
    def phrases(self) -> ActionPhrases:
        """The sentences of the actions themselves."""
        return self.composition.phrases

    @property
    def shows_risk(self) -> bool:
        """Whether the risk screen found a concern or worse."""
        return self.assessment.severity > Severity.NONE

    @property
    def topic(self) -> str | None:
        """The topic that the message asks about, or None."""
        is_topic = self.intent.startswith(TOPIC_PREFIX)
        return self.intent.removeprefix(TOPIC_PREFIX) if is_topic else None

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
    def state(self) -> ConversationState:
        """The state of the conversation with this message."""
        return self.before.after(self.assessment)

    def showing(self) -> Showing:
        """Return the date and the signatures that decide what may be shown."""
        composition = self.composition
        return Showing(composition.now().date(), composition.approved, composition.require_approval)

    def slot(self, name: str) -> Any:
        """Return the value of a slot, or None."""
        return self.slots.get(name)

    def entity(self, name: str) -> str | None:
        """Return an entity of this message, or None. A slot would hold earlier ones as well."""
        return next((each["value"] for each in self.entities if each.get("entity") == name), None)

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
        self.said.append(message)

    def remember(self, slot: str, value: object) -> None:
        """Set a slot, which lasts for the rest of the conversation."""
        self.remembered[slot] = value
