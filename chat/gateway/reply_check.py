"""The proof that a reply helps: help first in whatever is grave, and never silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog

from chat.gateway.conversation import Conversation, Exchange
from chat.gateway.metrics import GatewayMetrics
from chat.gateway.replies import OwnReplies, holds_help, with_help_first
from safeguarding.content.choices import Choices, Questions
from safeguarding.content.follow_ups import ID as FOLLOW_UP
from safeguarding.content.guides import TOPIC as GUIDE
from safeguarding.content.help_cards import AGAIN, STILL_HERE
from safeguarding.content.languages import ID as LANGUAGE_CARD
from safeguarding.conversation_state import DANGER_NOW
from safeguarding.messages import Message
from safeguarding.risk.assessed import AssessedMessage
from safeguarding.taxonomy import Severity

log = structlog.get_logger("gateway.proof")


class ReplyCheck:
    """Makes of what Rasa replied, or did not, what the person is shown."""

    def __init__(
        self, own: OwnReplies, choices: Choices, questions: Questions, metrics: GatewayMetrics
    ) -> None:
        self._own = own
        self._choices = choices
        self._questions = questions
        self._metrics = metrics

    def shown(
        self, exchange: Exchange, assessed: AssessedMessage | None, replies: list[Message]
    ) -> list[Message]:
        """What is shown of Rasa's replies; with none the gateway answers by itself. Never raises.

        `assessed` None: it could not be assessed.
        """
        try:
            if replies:
                shown = self._checked(exchange, assessed, replies)
            else:
                shown = self._fallback(exchange, assessed)
            return self._with_way_back(exchange, shown)
        except Exception as error:  # noqa: BLE001 - the message must still reach the log
            # Only the kind of error: its message or its traceback may quote a child.
            log.error("message.not_checked", error=type(error).__name__)  # noqa: TRY400
            return [self._own.help_card(exchange.conversation.state), *replies]

    def _checked(
        self, exchange: Exchange, assessed: AssessedMessage | None, replies: list[Message]
    ) -> list[Message]:
        """Rasa's replies, with help first in whatever is recorded or could not be assessed.

        A help card that the person has seen before is not shown again: one line names the numbers.
        """
        severity = _severity(assessed)
        if assessed is not None and severity < Severity.CONCERN:
            # What a button leads to is known and reviewed: never small talk. So is what the
            # answer to an open question leads to, and the question is not put again.
            if exchange.sent.choice or self._answers(exchange):
                return replies
            return self.still_helped(exchange.conversation, replies)
        if self._is_helped_again(exchange, severity, replies):
            return replies
        answers = [reply for reply in replies if reply.get("topic") not in {STILL_HERE, AGAIN}]
        card = self._own.help_card(replace(exchange.conversation.state, severity=severity))
        shown = with_help_first(answers, card, severity)
        if shown[0] is card:
            self._metrics.upgrades.inc()
        return shown

    def _answers(self, exchange: Exchange) -> bool:
        """Whether the message answers the question that was open."""
        return self._questions.answer(exchange.state.asked, exchange.sent.text) is not None

    def _is_helped_again(
        self, exchange: Exchange, severity: Severity, replies: Sequence[Message]
    ) -> bool:
        """Whether the line that stands in for a card leads, and the card was shown before."""
        if severity == Severity.NONE or replies[0].get("topic") not in {STILL_HERE, AGAIN}:
            return False
        need = DANGER_NOW if severity == Severity.IMMEDIATE else exchange.conversation.state.need
        return exchange.state.has_seen(need, severity)

    def still_helped(self, conversation: Conversation, replies: list[Message]) -> list[Message]:
        """The replies; after a concern, led by "we are still here" when they hold no help."""
        stays = (STILL_HERE, f"{FOLLOW_UP}_", GUIDE, LANGUAGE_CARD)
        helped = holds_help(replies) or any(
            reply.get("topic", "").startswith(stays) for reply in replies
        )
        if conversation.state.severity < Severity.CONCERN or helped:
            return replies
        return [self._own.still_here(conversation.state), *replies]

    def _with_way_back(self, exchange: Exchange, shown: list[Message]) -> list[Message]:
        """What is shown, with a button back to the guide that somebody left to say something."""
        danger = any(message.get("severity") == "immediate" for message in shown)
        if exchange.sent.choice or not shown or danger:
            return shown
        button = self._own.way_back(exchange.state)
        if button is None:
            return shown
        *first, last = shown
        return [*first, {**last, "choices": [button, *last.get("choices", [])]}]

    def _fallback(self, exchange: Exchange, assessed: AssessedMessage | None) -> list[Message]:
        """What to show when Rasa is silent. A severity once reached still counts."""
        conversation, choice = exchange.conversation, exchange.sent.choice
        cannot_call = choice and self._choices[choice].intent == "say_cannot_call"
        if assessed is None or cannot_call or conversation.state.severity >= Severity.CONCERN:
            return [self._own.help_card(conversation.state)]
        return self._own.cannot_answer(conversation.state.audience)


def _severity(assessed: AssessedMessage | None) -> Severity:
    return assessed.assessment.severity if assessed else Severity.NONE
