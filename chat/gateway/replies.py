"""The gateway's own replies, and the check that each reply from Rasa holds the help that is due."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import datetime

import msgspec
import structlog

from chat.gateway.conversations import Conversation, Exchange
from chat.gateway.metrics import GatewayMetrics
from safeguarding.content.articles import ANOTHER_WAY
from safeguarding.content.guides import TOPIC as GUIDE
from safeguarding.content.help_cards import AGAIN, EMERGENCY, STILL_HERE
from safeguarding.content.items import Showing
from safeguarding.content.languages import ID as LANGUAGE_CARD
from safeguarding.content.reader import Content
from safeguarding.content.replies import ASK_WHICH, FIRST_TOPIC, HEARD
from safeguarding.content.replies import PREFIX as REPLY
from safeguarding.conversation_state import DANGER_NOW, DENIED, ConversationState
from safeguarding.dialogue.model import DialogueModel
from safeguarding.dialogue.plan import ReplyPlanner
from safeguarding.dialogue.risk_reply import answers_alone, stands_alone
from safeguarding.dialogue.understand import ABOUT_THE_TALK, IncomingText, Understanding
from safeguarding.messages import ContactCard, Message
from safeguarding.risk.assessment import AssessedMessage
from safeguarding.taxonomy import PARENT, Severity

FIRST_CONTACTS = (EMERGENCY, "childline")
log = structlog.get_logger("gateway.proof")


class GatewayPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/gateway.yml."""

    empty: str
    cannot_answer: str
    too_fast: str
    demonstration: str


class OwnReplies:
    """The messages that the gateway shows without Rasa; all of their words are content."""

    def __init__(
        self,
        content: Content,
        model: DialogueModel,
        now: Callable[[], datetime],
        *,
        demonstration: bool,
    ) -> None:
        """Take the words from the content; `model` chooses among its replies.

        A `demonstration` says so in its opening. It also shows replies that are not signed yet.
        """
        self._content = content
        self._phrases = content.phrases.of("gateway", GatewayPhrases)
        self._now = now
        self._demonstration = demonstration
        self._understanding = Understanding(
            model, content.replies, content.questions, content.facts
        )
        self._planner = ReplyPlanner(content.help_cards, content.choices)

    def opening(self) -> list[Message]:
        """Return the first messages of a conversation."""
        opening = deepcopy(list(self._content.opening))
        notice = Message(kind="notice", text=self._phrases.demonstration)
        return [notice, *opening] if self._demonstration else opening

    def help_card(self, state: ConversationState) -> Message:
        """Return the help card for a conversation; with severity `none`, the numbers alone."""
        audience = PARENT if state.reader == "adult" else state.audience
        return self._content.help_cards.message(state.severity, audience, state.need)

    def in_language(self, message: Message) -> Message:
        """Return a message of Rasa; a card in another language in the words that may be shown.

        That is the English where the translation is withdrawn, or not signed and signatures are
        required (ADR 62).
        """
        is_card = message.get("topic") == LANGUAGE_CARD or message["kind"] == "help_card"
        language = self._content.languages.get(message.get("lang", "")) if is_card else None
        if language is None:
            return message
        text, code = language.shown_for(
            _severity(message), require_approval=not self._demonstration
        )
        shown: Message = {**message, "text": text}
        if code is None:
            del shown["lang"]
        return shown

    def empty(self) -> list[Message]:
        """Return the reply to a message without words."""
        return [Message(kind="text", text=self._phrases.empty)]

    def cannot_answer(self, audience: str | None) -> list[Message]:
        """Return an apology with contacts: Rasa is silent and the message shows no danger."""
        now = self._now()
        contacts = [self._content.contacts.card(each, now, audience) for each in FIRST_CONTACTS]
        return [Message(kind="contacts", text=self._phrases.cannot_answer, contacts=contacts)]

    def planned(self, exchange: Exchange, assessed: AssessedMessage) -> list[Message]:
        """Return the reply of content/replies that surely fits a message, or nothing.

        It is the plan that Rasa carries out otherwise, without the topic classifier. Where
        signatures are required it is empty: the gateway may not read them.
        """
        after = exchange.conversation.state
        message = _incoming(exchange.sent.text, assessed)
        turn = self._understanding.understand(message, exchange.state)
        plan = self._planner.plan(turn, exchange.state, after)
        if plan.reply is None or plan.reply.startswith(HEARD):
            return []
        showing = Showing(self._now().date(), require_approval=not self._demonstration)
        shown = self._content.replies.message(plan.reply, after, showing, plan.ask)
        if shown and plan.owns_up:
            shown = self._content.help_cards.owning_up(shown, after)
        if shown and plan.asks_if_safe:
            shown = self._content.help_cards.asking_if_safe(shown, after.reader)
        return [shown] if shown else []

    def understood(
        self,
        exchange: Exchange,
        assessed: AssessedMessage | None,
    ) -> ConversationState:
        """Return the conversation's state after what a message, or a pressed button, asks for.

        A correction of an alarm that only the network raised is noted, too.
        """
        sent, state = exchange.sent, exchange.conversation.state
        if sent.choice is not None:
            pressed = sent.choice.removeprefix(REPLY)
            known = sent.choice.startswith(REPLY) and pressed in self._content.replies.all()
            return state.leaning_to({pressed: 1.0}) if known else state
        if assessed is None:
            return state.leaning_to({})
        message = _incoming(sent.text, assessed)
        if self._understanding.takes_back(message, exchange.state):
            state = state.with_facts({DENIED}, assessed.assessment)
        return state.leaning_to(self._understanding.model.asked(assessed.dialogue))

    def too_fast(self, state: ConversationState) -> list[Message]:
        """Return help and then the request to wait: the limit of messages is reached."""
        waiting = Message(kind="text", text=self._phrases.too_fast)
        return [self.help_card(state), waiting]


def _incoming(text: str, assessed: AssessedMessage) -> IncomingText:
    """Return a message as it is understood without the classifier of topics."""
    return IncomingText(
        text,
        assessed.canonical,
        assessed.dialogue,
        assessed.assessment,
        assessed.language,
        question=assessed.question,
    )


class ReplyCheck:
    """Decides what the person is shown: Rasa's replies with help first, or the gateway's own."""

    def __init__(self, own: OwnReplies, content: Content, metrics: GatewayMetrics) -> None:
        self._own = own
        self._choices, self._questions = content.choices, content.questions
        self._help_cards, self._guides = content.help_cards, content.guides
        self._facts, self._replies = content.facts, content.replies
        self._metrics = metrics

    def shown(
        self, exchange: Exchange, assessed: AssessedMessage | None, replies: list[Message]
    ) -> list[Message]:
        """Return what is shown for Rasa's replies; without any, the gateway's own. Never raises.

        `assessed` is None if the message could not be assessed.
        """
        try:
            replies = [self._own.in_language(reply) for reply in replies]
            if replies:
                shown = self._checked(exchange, assessed, replies)
            else:
                shown = self._fallback(exchange, assessed)
            shown = self._asked_once(exchange, self._with_way_back(exchange, shown))
            closed = self._facts.closed_by(exchange.conversation.state.facts)
            return [_through_open_ways(message, closed) for message in shown] if closed else shown
        except Exception as error:  # noqa: BLE001 - the message must still be recorded
            # Only the kind of error: its message or its traceback may quote a child.
            log.error("message.not_checked", error=type(error).__name__)  # noqa: TRY400
            return [self._own.help_card(exchange.conversation.state), *replies]

    def _checked(
        self, exchange: Exchange, assessed: AssessedMessage | None, replies: list[Message]
    ) -> list[Message]:
        """Put help first if the message is recorded or could not be assessed.

        A help card that the person has seen before is not shown again: one line names the numbers.
        """
        severity = assessed.assessment.severity if assessed else Severity.NONE
        if assessed is not None and severity < Severity.CONCERN:
            # Buttons and answers to an open question lead to reviewed words, never to small talk.
            # The question is not put again.
            answers_question = self._questions.answer(exchange.state.asked, exchange.sent.text)
            if exchange.sent.choice or answers_question is not None:
                return replies
            return self.still_helped(exchange.conversation, replies)
        first = replies[0].get("topic", "")
        reply = first.removeprefix(REPLY)
        everyday = self._replies.is_everyday(reply)
        alone = assessed is not None and answers_alone(
            reply, assessed.assessment, is_everyday=everyday
        )
        if alone:
            return self._with_a_way_to_someone(replies)
        if self._is_helped_again(exchange, severity, replies):
            return replies
        if assessed is not None and self._stands_alone(exchange, assessed, first):
            return self._help_cards.naming_999(replies, exchange.conversation.state.reader)
        answers = [reply for reply in replies if reply.get("topic") not in {STILL_HERE, AGAIN}]
        card = self._own.help_card(replace(exchange.conversation.state, severity=severity))
        shown = with_help_first(answers, card, severity)
        if shown[0] is card:
            self._metrics.upgrades.inc()
        return self._with_first_answer(exchange, shown)

    def _with_a_way_to_someone(self, replies: list[Message]) -> list[Message]:
        """Return the replies with the button that leads to a person, where no card does."""
        *others, last = replies
        buttons = [each for each in last.get("choices", []) if each["id"] != ANOTHER_WAY]
        return [*others, {**last, "choices": [*buttons, self._choices.button(ANOTHER_WAY)]}]

    @staticmethod
    def _stands_alone(exchange: Exchange, assessed: AssessedMessage, topic: str) -> bool:
        """Return whether a message of this topic may lead without the card that is due."""
        planned = topic.startswith(REPLY) and not topic.startswith(FIRST_TOPIC)
        # "he is not here, im safe" ends what only the network hears in it.
        said_over = exchange.conversation.state.is_over
        corrects = topic.startswith(tuple(REPLY + each for each in ABOUT_THE_TALK))
        alone = stands_alone(assessed.assessment, exchange.state, corrects=corrects)
        return (planned or said_over) and alone

    def _is_helped_again(
        self, exchange: Exchange, severity: Severity, replies: Sequence[Message]
    ) -> bool:
        """Return whether the line that replaces a card leads, and the card was shown before."""
        if severity == Severity.NONE or not _stands_for_card(replies[0], severity):
            return False
        need = DANGER_NOW if severity == Severity.IMMEDIATE else exchange.conversation.state.need
        return exchange.state.has_seen(need, severity)

    def still_helped(self, conversation: Conversation, replies: list[Message]) -> list[Message]:
        """Return the replies; after a concern, "we are still here" first if they hold no help."""
        stays = (STILL_HERE, REPLY, ASK_WHICH, GUIDE, LANGUAGE_CARD)
        helped = holds_help(replies) or any(
            reply.get("topic", "").startswith(stays) for reply in replies
        )
        if conversation.state.alarm < Severity.CONCERN or helped:
            return replies
        return [self._help_cards.still_here(conversation.state), *replies]

    def _with_way_back(self, exchange: Exchange, shown: list[Message]) -> list[Message]:
        """Add a button back to the guide that the person left to type something."""
        danger = any(message.get("severity") == "immediate" for message in shown)
        guide = exchange.state.guide
        if exchange.sent.choice or not guide or not shown or danger:
            return shown
        button = self._guides.resume(guide)
        if button is None:
            return shown
        *first, last = shown
        return [*first, {**last, "choices": [button, *last.get("choices", [])]}]

    def _asked_once(self, exchange: Exchange, shown: list[Message]) -> list[Message]:
        """Return the messages without the question that the last ones asked, where it is open."""
        asked = exchange.state.asked
        if asked is None or self._questions.open_after(shown) != asked:
            return shown
        return [
            {**message, "text": _without_question(message["text"])}
            if message.get("topic") == STILL_HERE
            else message
            for message in shown
        ]

    def _fallback(self, exchange: Exchange, assessed: AssessedMessage | None) -> list[Message]:
        """Return the reply when Rasa is silent. The conversation's severity still counts."""
        conversation, choice = exchange.conversation, exchange.sent.choice
        planned = self._own.planned(exchange, assessed) if assessed and not choice else []
        cannot_call = choice and self._choices[choice].intent == "say_cannot_call"
        if assessed is None or cannot_call or conversation.state.severity >= Severity.CONCERN:
            return self._with_first_answer(
                exchange, [self._own.help_card(conversation.state), *planned]
            )
        return planned or self._own.cannot_answer(conversation.state.audience)

    def _with_first_answer(self, exchange: Exchange, shown: list[Message]) -> list[Message]:
        first_answers = (m for m in shown if m.get("topic", "").startswith(FIRST_TOPIC))
        reader = exchange.conversation.state.reader
        return self._help_cards.with_first_answer(shown, next(first_answers, None), reader)


def _stands_for_card(first: Message, severity: Severity) -> bool:
    """Return whether this message may lead a reply to a person who has seen the card."""
    topic = first.get("topic", "")
    planned = topic.startswith(REPLY) or topic == ASK_WHICH
    return topic in {STILL_HERE, AGAIN} or (planned and severity < Severity.IMMEDIATE)


def with_help_first(replies: Sequence[Message], card: Message, severity: Severity) -> list[Message]:
    """Put a help card of at least this severity first: the one in the replies, or else `card`.

    Only one card is shown, because a milder one would take back what the first says. The contacts
    on the card are left out of the replies below it.
    """
    held = [reply for reply in replies if reply["kind"] == "help_card"]
    rest = [reply for reply in replies if reply["kind"] != "help_card"]
    own = max(held, key=_severity, default=None)
    first = own if own is not None and _severity(own) >= severity else card
    shown = {contact["id"] for contact in first.get("contacts", [])}
    return [first, *(_without(reply, shown) for reply in rest)]


def holds_help(messages: Iterable[Message]) -> bool:
    """Return whether a help card or contacts are among the messages."""
    return any(message["kind"] == "help_card" or message.get("contacts") for message in messages)


def highest_shown(messages: Sequence[Message]) -> Severity:
    """Return the severity of the most severe help card among the messages."""
    cards = (message for message in messages if message["kind"] == "help_card")
    return max(map(_severity, cards), default=Severity.NONE)


def _without_question(text: str) -> str:
    """Return a text of several sentences without the question at its end."""
    return re.sub(r"(?<=[.!?])\s+[^.!?]*\?$", "", text.rstrip())


def _without(message: Message, shown: set[str]) -> Message:
    # A first answer becomes one with the card, which then takes the order of its contacts.
    if "contacts" not in message or message.get("topic", "").startswith(FIRST_TOPIC):
        return message
    contacts = [contact for contact in message["contacts"] if contact["id"] not in shown]
    return {**message, "contacts": contacts}


def _through_open_ways(message: Message, closed: Collection[str]) -> Message:
    """Return the message without the contacts and ways that the person said are closed to them.

    999 stays, and so do the contacts of a message that would be left without any.
    """
    found: list[ContactCard] = []
    for contact in message.get("contacts", []):
        ways = [way for way in contact["ways"] if way["kind"] not in closed]
        if contact["id"] == EMERGENCY:
            found.append(contact)
        elif contact["id"] not in closed and ways:
            found.append({**contact, "ways": ways})
    return {**message, "contacts": found} if found else message


def _severity(message: Message) -> Severity:
    return Severity.named(message.get("severity", "none"))
