"""Answers a message as Rasa and the action server do, from the same rules, without either."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from safeguarding.answering.actions import ACTIONS
from safeguarding.answering.composition import Composition
from safeguarding.answering.memory import DialogueMemory
from safeguarding.answering.names import ContentNames, LookupNames
from safeguarding.answering.parsed import MessageRead, ParsedMessage, planned, pressed
from safeguarding.answering.rules import Domain, Rules
from safeguarding.answering.topics import TopicClassifier
from safeguarding.answering.turn import LatestTurn
from safeguarding.conversation_state import ConversationState
from safeguarding.dialogue.model import DialogueModel
from safeguarding.dialogue.plan import ReplyPlanner
from safeguarding.dialogue.understand import Understanding
from safeguarding.messages import Choice, Message, as_text, as_typed
from safeguarding.risk.assessment import NO_RISK, AssessedMessage

Variant = Mapping[str, Any]
Choose = Callable[[Sequence[Variant]], Variant]
log = structlog.get_logger("answering")


@dataclass(frozen=True)
class Answered:
    """The messages that answer a message, and what the next one needs."""

    messages: list[Message]
    memory: DialogueMemory


class Assistant:
    """Parses a message, plans the reply and carries it out. Safe to share between threads."""

    def __init__(
        self,
        composition: Composition,
        classifier: TopicClassifier,
        model: DialogueModel,
        choose: Choose = secrets.choice,
    ) -> None:
        """`choose` takes one of several wordings of a response. Raises ContentError."""
        content = composition.content
        self._composition = composition
        self._classifier = classifier
        self._choose = choose
        self._understanding = Understanding(
            model, content.replies, content.questions, content.facts
        )
        self._planner = ReplyPlanner(content.help_cards, content.choices)
        self._rules, self._domain = Rules(content), Domain(content)
        self._named_in_lookups, self._named_in_content = LookupNames(), ContentNames(content)

    def choosing(self, choose: Choose) -> Assistant:
        """Return the same, with another choice among wordings."""
        other = copy(self)
        other._choose = choose
        return other

    def answer_text(
        self,
        text: str,
        assessed: AssessedMessage,
        before: ConversationState,
        memory: DialogueMemory,
    ) -> Answered:
        """Answer a typed message; `before` is the state of the conversation before it."""
        typed = as_typed(as_text(text).strip())
        ranking = self._classifier.ranking(assessed.vector)
        parsed = ParsedMessage(
            typed,
            ranking[0],
            (*self._named_in_lookups(typed), *self._named_in_content(typed)),
            tuple(ranking),
            assessed.assessment,
        )
        read = MessageRead(
            assessed.canonical, assessed.dialogue, assessed.language, assessed.question
        )
        parsed = planned(parsed, before, read, self._understanding, self._planner)
        return self._answer(parsed, before, memory)

    def answer_choice(
        self, choice: str, before: ConversationState, memory: DialogueMemory
    ) -> Answered:
        """Answer a pressed button. Raises KeyError for one that is not in the content."""
        content = self._composition.content
        parsed = pressed(content.choices[choice], before, content.help_cards)
        return self._answer(parsed, before, memory)

    def _answer(
        self, parsed: ParsedMessage, before: ConversationState, memory: DialogueMemory
    ) -> Answered:
        intent = parsed.intent["name"]
        memory = memory.and_of(self._domain.filled(intent, parsed.entities), ())
        said: list[Message] = []
        for action in self._rules.actions(intent):
            if action in ACTIONS:
                turn = self._turn(parsed, before, memory)
                self._run(action, turn)
                said += turn.said
                memory = memory.and_of(turn.remembered, turn.said)
            else:
                variant = self._choose(self._domain.variants(action, memory.slots))
                message = self._worded(variant)
                said.append(message)
                # As in Rasa, only whole messages of the content count as shown.
                memory = memory.and_of({}, [message] if "custom" in variant else ())
        # Copied: what follows may change a message, and must not change the content.
        return Answered(msgspec.json.decode(msgspec.json.encode(said), type=list[Message]), memory)

    def _turn(
        self, parsed: ParsedMessage, before: ConversationState, memory: DialogueMemory
    ) -> LatestTurn:
        return LatestTurn(
            text=parsed.text,
            intent=parsed.intent["name"],
            composition=self._composition,
            before=before,
            assessment=parsed.assessment or NO_RISK,
            asked=parsed.topic,
            entities=parsed.entities,
            ranking=parsed.ranking,
            slots=memory.slots,
            ever_shown=memory.shown,
        )

    @staticmethod
    def _run(action: str, turn: LatestTurn) -> None:
        """Run an action. What it said before a failure is shown, as by the action server."""
        try:
            ACTIONS[action](turn)
        except Exception as error:  # noqa: BLE001 - its text could hold words
            log.error("action.failed", action=action, reason=type(error).__name__)  # noqa: TRY400

    def _worded(self, variant: Variant) -> Message:
        if "custom" in variant:
            message: Message = variant["custom"]
            return message
        worded = Message(kind="text", text=variant["text"])
        if buttons := variant.get("buttons"):
            worded["choices"] = [self._button(button["payload"]) for button in buttons]
        return worded

    def _button(self, id_: str) -> Choice:
        return self._composition.content.choices.button(id_)
