"""Plans the reply to a turn: which card, which reviewed reply, or which question.

The order: danger first; then the help card, once for each need; then the reply that fits; else a
question by buttons made of the likeliest replies; else a reply that takes up what was said; else
what the classifier understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from safeguarding.content.choices import Choices
from safeguarding.content.help_cards import HelpCards
from safeguarding.content.replies import ASK_WHICH, FIRST, HEARD
from safeguarding.content.replies import INTENT as ASK_NEXT
from safeguarding.conversation_state import (
    DANGER_NOW,
    HELP_CALLED,
    OVER,
    SAYS_SAFE,
    ConversationState,
)
from safeguarding.dialogue.candidates import (
    ANSWER,
    ANSWER_BESIDE_KEPT,
    ANSWER_BESIDE_TOPIC,
    ANSWER_FIRST_IN_DANGER,
    ANSWER_RATHER,
    ANSWER_UNHEARD,
    LIGHT_TALK,
    OF_EVERY_DAY,
    OF_LIFE,
    SURE_OF_ACT,
    TALKS,
    allowed,
    beside_the_talk,
    best_of,
    first_answer,
    is_talk,
    later_answers,
    offered,
    reply_to_talk,
)
from safeguarding.dialogue.understand import UnderstoodTurn
from safeguarding.risk.assessment import Assessment
from safeguarding.taxonomy import ADULTS, PROFESSIONAL, TOPIC_PREFIX, Severity

_ENOUGH_WORDS = 3
"""Words from which a message says enough to ask what it meant."""
SURE, LIKELY_INTENT = 0.8, 0.4
"""How sure the classifier must be of an intent, between 0 and 1, to change the subject; and for the
intent to count beside another language, or where it asks for a story, a tool or a person."""
KEPT = frozenset({"read_story", "use_tool", "take_pledge", "choose_area", "follow_guide"})
"""Intents that keep their own answer beside a concern; the gateway puts the help card first."""
OF_LANTERN = frozenset({"who_reads_this", "can_someone_ring_me", "will_you_tell_my_mum"})
"""Intents that ask about Lantern itself: they are answered after a concern, too."""
IN_WORDS = frozenset({"choose_audience", "say_something_else", "say_cannot_call"})
"""Buttons that may also be typed: a sure one is carried out after a concern, too."""
_FOR_A_PERSON = ("ask_talk_to_someone", "ask_local_contacts", "ask_contact_")
"""Beginnings of the intents that ask for a person or a number: never a change of subject."""
ABOUT_CHAT, LANGUAGE_CARD, STILL_HERE = "ask_about_chat", "language_card", "still_here"
NOT_SAFE, SAFE, AFFIRM = "say_not_safe", "say_safe_now", "affirm"
SAFE_AFTER_DANGER, SAFE_AFTER_HARM = "safe_after_danger", "safe_after_harm"
"""The keys of the responses to a person who says, after immediate danger, that they are safe. The
second one repeats 999: the person may have taken something or be hurt."""
_HARM = frozenset({"tablets", "injury", "suicide", "self_harm", "substance_harm"})
"""Facts and categories of such a danger."""
_TELLS = frozenset({"discloses", "adds_detail"})
"""Acts of a message that tells something: a card that is due to it comes first."""
_DENIES = frozenset({"answers_no", "corrects", "minimises"})
"""Acts of a message that denies what Lantern asked or took it for."""
_REPORTS = re.compile(
    r"\s*(?:he|she|they|mum|dad|my \w+) (?:says|said|told|thinks)\b", re.IGNORECASE
)
"""The beginning of a message that gives another person's words: "he said its fine" is no safety."""
_UNCLEAR = "unclear"
_ASKS = "asks_"
"""Beginning of the acts of a question."""
_OF_BODY = frozenset(
    {
        "immediate_danger", "suicide", "self_harm", "physical_abuse", "domestic_abuse",
        "relationship_abuse", "substance_harm", "honour_based_abuse",
    }
)  # fmt: skip
"""Categories after which the card of danger stays as it is."""
_ASKED = (TOPIC_PREFIX, "read_story", "use_tool")
"""Prefixes of the intents that ask for something to read."""
_SAYS_LITTLE = ("bye_", "minimise_", "thanks_", "unclear_")
"""Beginnings of the ids of replies that ask the person, once, if they are safe."""
OUT_OF_SCOPE, NOT_UNDERSTOOD = "out_of_scope", "nlu_fallback"
"""The classifier's intent of everyday talk that no article is about, and that of no intent."""


@dataclass(frozen=True)
class ReplyPlan:
    """The reply to one message, and the Rasa rule that carries it out."""

    intent: str | None = None
    """The intent that replaces the one understood; None to keep it."""
    help: str | None = None
    """The key of the card, or of the line that stands for it, to show first."""
    reply: str | None = None
    """The id of the reply of content/replies."""
    ask: tuple[str, ...] = ()
    """The replies whose labels are offered, where none is likely enough."""
    asks_if_safe: bool = False
    """Whether the reply ends with the question if the person is safe."""


@dataclass(frozen=True)
class ReplyPlanner:
    """Plans replies from the reviewed content; pure and shared between threads."""

    cards: HelpCards
    choices: Choices

    def plan(
        self, turn: UnderstoodTurn, before: ConversationState, after: ConversationState
    ) -> ReplyPlan:
        """Return the plan of the reply to `turn`; `before` and `after` are the states around it."""
        turn = replace(
            turn,
            candidates=tuple(allowed(turn, beside_the_talk(turn), after)),
            by_fact=tuple(allowed(turn, turn.by_fact, after)),
        )
        if turn.severity >= Severity.CONCERN and not _is_lifted(turn, before, after):
            return self._to_a_disclosure(turn, before, after)
        if turn.answered:
            intent = self.choices[turn.answered].intent
            return ReplyPlan(intent, help=safe_key(after) if intent == SAFE else None)
        return self._by_rule(turn, before, after) or self._to_anything_else(turn, before, after)

    def _to_a_disclosure(
        self, turn: UnderstoodTurn, before: ConversationState, after: ConversationState
    ) -> ReplyPlan:
        severity, language = turn.severity, turn.message.language
        need = DANGER_NOW if severity == Severity.IMMEDIATE else after.need
        due, shown = self.cards.due_key(before, after, severity), before.has_seen(need, severity)
        intent = f"disclose_{severity.label}"
        if severity < Severity.URGENT and turn.about_chat:
            intent = ABOUT_CHAT
        elif severity < Severity.URGENT and turn.message.intent in KEPT:
            intent = turn.message.intent
        elif language and (not shown or severity == Severity.IMMEDIATE):
            due = language_key(language)
        elif severity == Severity.IMMEDIATE:
            return self._to_danger(turn, before, due)
        elif before.need_in_hand is None and (light := _everyday(turn)):
            return ReplyPlan(ASK_NEXT, reply=light)
        elif not shown:
            alone = stands_alone(turn.message.assessment, before) and turn.act not in _TELLS
            later = later_answers(turn.candidates, in_hand=True) if alone else ()
            if best := best_of(later, ANSWER):
                return ReplyPlan(ASK_NEXT, reply=best)
            first = first_answer(turn) or best_of(turn.candidates, ANSWER) or _by_who(turn)
            return ReplyPlan(intent, help=due, reply=first)
        else:
            # The card stands above already: answer what is said now.
            return self._to_what_is_said(turn, before, after) or ReplyPlan(intent, help=due)
        return ReplyPlan(intent, help=due)

    def _to_danger(self, turn: UnderstoodTurn, before: ConversationState, due: str) -> ReplyPlan:
        """Return the card of danger, or what answers a message whose danger is not sure."""
        later = later_answers(turn.candidates, in_hand=before.in_hand)
        assessment = turn.message.assessment
        intent = f"disclose_{Severity.IMMEDIATE.label}"
        if stands_alone(assessment, before):
            asks = turn.act.startswith(_ASKS) or before.has_card(DANGER_NOW, Severity.IMMEDIATE)
            if asks and (best := best_of(later, ANSWER)):
                return ReplyPlan(ASK_NEXT, reply=best)
        elif not assessment.is_sure_of_danger and _OF_BODY.isdisjoint(_main(turn, before)):
            first = best_of(turn.candidates[:1], ANSWER_FIRST_IN_DANGER)
            if first and first.startswith(FIRST):
                return ReplyPlan(intent, help=due, reply=first)
        return ReplyPlan(intent, help=due, reply=best_of(later, ANSWER_RATHER))

    def _by_rule(
        self, turn: UnderstoodTurn, before: ConversationState, after: ConversationState
    ) -> ReplyPlan | None:
        """Return the plan for a message of a kind that no reply of the bank may answer."""
        message = turn.message
        sure = message.confidence >= SURE
        asks = message.intent.startswith(TOPIC_PREFIX) and message.confidence >= LIKELY_INTENT
        if message.language and not asks:
            return ReplyPlan(LANGUAGE_CARD, help=language_key(message.language))
        # "she's gone home now" is no relief to staff whom the child told of home.
        relieved = after.audience != PROFESSIONAL or SAYS_SAFE in turn.facts
        says_safe = relieved and not _REPORTS.match(message.text)
        if sure and message.intent == SAFE and before.need is not None and says_safe:
            return ReplyPlan(SAFE, help=safe_key(after))
        if sure and message.intent == NOT_SAFE:
            return ReplyPlan(NOT_SAFE, help=self.cards.due_key(before, after, Severity.IMMEDIATE))
        if turn.about_chat and not (sure and message.intent.startswith(_ASKED)):
            return ReplyPlan(ABOUT_CHAT)
        kept = message.intent in KEPT and message.confidence >= LIKELY_INTENT
        return ReplyPlan() if kept and not best_of(turn.candidates, ANSWER_BESIDE_KEPT) else None

    def _to_anything_else(
        self, turn: UnderstoodTurn, before: ConversationState, after: ConversationState
    ) -> ReplyPlan:
        message, in_hand = turn.message, after.in_hand
        # "elden ring" asks for no article, whatever the classifier hears, and "cant sleep" for its
        # article only where no reply fits.
        talks = not in_hand and is_talk(turn)
        light = talks and turn.act in LIGHT_TALK
        asks_topic = message.intent.startswith(TOPIC_PREFIX) and not light
        sure = message.confidence >= SURE
        least = ANSWER_BESIDE_TOPIC if asks_topic and sure and not talks else ANSWER
        if asks_topic and sure and not talks:
            # A person who asks for a topic wants its article and not talk.
            asked = (each for each in turn.candidates if not each.id.startswith(OF_EVERY_DAY))
            turn = replace(turn, candidates=tuple(asked))
        unheard = best_of(turn.candidates[:1], ANSWER_UNHEARD)
        if unheard and unheard.startswith(FIRST) and not in_hand and turn.act in _TELLS:
            # The card makes the gateway hand the message over, as any that was answered with help.
            card = self.cards.key(Severity.CONCERN, after.reader, turn.candidates[0].need)
            return ReplyPlan(f"disclose_{Severity.CONCERN.label}", help=card, reply=unheard)
        if best := best_of(later_answers(turn.candidates, in_hand=in_hand), least):
            asks_if_safe = best.startswith(_SAYS_LITTLE) and _asks_if_safe(before, after)
            if asks_if_safe and after.is_near_danger:
                return ReplyPlan(STILL_HERE, help=self.cards.still_key(after, message.intent))
            return ReplyPlan(ASK_NEXT, reply=best, asks_if_safe=asks_if_safe)
        if in_hand and asks_topic and (best := best_of(later_answers(turn.by_fact), ANSWER)):
            # "hes 23" tells something; it asks for no article.
            return ReplyPlan(ASK_NEXT, reply=best)
        likely = message.confidence >= LIKELY_INTENT
        for_a_person = likely and message.intent.startswith(_FOR_A_PERSON)
        if (asks_topic and (sure or not (in_hand or talks))) or for_a_person:
            return ReplyPlan()
        return self._to_what_is_said(turn, before, after) or self._else(turn, before, after)

    def _else(
        self, turn: UnderstoodTurn, before: ConversationState, after: ConversationState
    ) -> ReplyPlan:
        """Return what the classifier understood, or a word that stays with what was disclosed."""
        message = turn.message
        sure = message.confidence >= SURE
        own = message.intent in KEPT | OF_LANTERN or (sure and message.intent in IN_WORDS)
        if after.in_hand and not own:
            return ReplyPlan(STILL_HERE, help=self.cards.still_key(after, message.intent))
        if message.intent == NOT_SAFE:
            return ReplyPlan(NOT_SAFE, help=self.cards.due_key(before, after, Severity.IMMEDIATE))
        in_talk = before.last_kind in {"reply", "ask"}
        unread = message.intent in {OUT_OF_SCOPE, NOT_UNDERSTOOD}
        about_a_topic = message.intent.startswith(TOPIC_PREFIX)
        unread = unread or (is_talk(turn) and (about_a_topic or message.confidence < SURE))
        if unread and (talk := reply_to_talk(turn, in_talk=in_talk)):
            return ReplyPlan(ASK_NEXT, reply=talk)
        # "its fine now" is no answer about danger where nothing was disclosed.
        return ReplyPlan(AFFIRM) if message.intent == SAFE else ReplyPlan()

    def _to_what_is_said(
        self, turn: UnderstoodTurn, before: ConversationState, after: ConversationState
    ) -> ReplyPlan | None:
        """Return the reply that fits, or a question by buttons, or a word to go on."""
        later = later_answers(turn.candidates, in_hand=after.in_hand)
        if best := best_of([*later, *later_answers(turn.by_fact)], ANSWER):
            return ReplyPlan(ASK_NEXT, reply=best)
        asks = turn.act.startswith(_ASKS) and turn.act_probability >= SURE_OF_ACT
        # Something urgent is not answered by a question about what was meant, unless it asks.
        may_ask = before.last_kind != "ask" and (asks or turn.severity < Severity.URGENT)
        # Nor is talk: it is listened to, and what is a little likely is seldom right.
        talks = not after.in_hand and is_talk(turn)
        if may_ask and not talks and _says_enough(turn) and (ask := offered(later, rather=asks)):
            return ReplyPlan(ASK_WHICH, ask=ask)
        if talks and turn.act in LIGHT_TALK:
            return None
        sure = turn.message.confidence >= SURE and turn.message.intent != OUT_OF_SCOPE
        unsure = not sure or not turn.message.intent
        talking = after.in_hand or (before.last_kind in {"reply", "ask"} and unsure)
        in_danger = after.is_near_danger and not before.asked_if_safe
        if not talking or in_danger:
            return None
        light = not after.in_hand and turn.act in LIGHT_TALK
        fair = None if light else best_of(later, ANSWER_RATHER)
        if fair is None and after.need in OF_LIFE and _asks_if_safe(before, after):
            return ReplyPlan(STILL_HERE, help=self.cards.still_key(after, turn.message.intent))
        tells = turn.act != _UNCLEAR or _says_enough(turn)
        # "ok" is not thanked for telling that too.
        said = fair or (next(iter(turn.listening), None) if tells else None)
        return ReplyPlan(ASK_NEXT, reply=said) if said else None


def _main(turn: UnderstoodTurn, before: ConversationState) -> tuple[str, ...]:
    """Return the main category; of an adult who tells of a child, the one beside danger.

    A man's messages on a daughter's phone are told calmly, and the network hears danger in them.
    """
    found = turn.message.assessment.categories
    told_by_adult = before.audience in ADULTS and turn.message.assessment.subject != "self"
    beside = tuple(each for each in found if each != "immediate_danger")
    return (beside or found)[:1] if told_by_adult else found[:1]


def _says_enough(turn: UnderstoodTurn) -> bool:
    """Return whether a message has words enough to ask what it meant: "im nine" has not."""
    return len(turn.message.text.split()) >= _ENOUGH_WORDS


def _is_lifted(turn: UnderstoodTurn, before: ConversationState, after: ConversationState) -> bool:
    """Return whether the message says that an alarm is over, so that it raises none itself.

    That help was called counts in any words, where 999 was shown before; anything else where the
    network alone hears a risk, or the message answers "no", corrects or plays down.
    """
    called = HELP_CALLED in turn.facts and before.severity == Severity.IMMEDIATE
    said = not OVER.isdisjoint(turn.facts) and (
        turn.message.assessment.is_by_network_alone or (before.cards and turn.act in _DENIES)
    )
    return after.is_over and bool(called or said)


def stands_alone(assessment: Assessment, before: ConversationState) -> bool:
    """Return whether a reply may answer a message without the card that is due.

    Only the network hears the risk, or that the danger is immediate, and a card has named 999
    already. Staff are alerted all the same.
    """
    named = max(before.cards.values(), default=Severity.NONE) >= Severity.URGENT
    if assessment.severity == Severity.IMMEDIATE:
        return named and not assessment.is_sure_of_danger
    return named and assessment.is_by_network_alone


def answers_alone(reply: str, assessment: Assessment) -> bool:
    """Return whether a reply may answer a concern without a help card.

    The network alone heard it: no reviewed phrase and no other reader agrees. The message is handed
    to staff all the same.
    """
    alone = assessment.is_by_network_alone
    told = reply.startswith((FIRST, HEARD))
    return alone and assessment.severity == Severity.CONCERN and not told


def _everyday(turn: UnderstoodTurn) -> str | None:
    """Return the everyday reply that fits what only the network took for a concern.

    It fits surely, or the message does what everyday talk does.
    """
    talks = turn.act in TALKS and turn.act_probability >= SURE_OF_ACT
    best = best_of(turn.candidates, ANSWER_BESIDE_TOPIC)
    if best is None or not (talks or best.startswith(OF_EVERY_DAY)):
        return None
    return best if answers_alone(best, turn.message.assessment) else None


def _by_who(turn: UnderstoodTurn) -> str | None:
    """Return the first answer that fits who did it and to whom, as far as the message says it."""
    return next((each.id for each in turn.by_fact if each.id.startswith(FIRST)), None)


def _asks_if_safe(before: ConversationState, after: ConversationState) -> bool:
    """Return whether the person is still to be asked, once, if they are safe.

    Professionals are asked only in danger: their replies ask what they have done.
    """
    least = Severity.IMMEDIATE if after.audience == PROFESSIONAL else Severity.URGENT
    return after.in_hand and after.alarm >= least and not before.asked_if_safe


def safe_key(state: ConversationState) -> str | None:
    """Return the key for "I'm safe" after immediate danger; None after anything milder."""
    if state.severity < Severity.IMMEDIATE:
        return None
    harm = not _HARM.isdisjoint({*state.facts, *state.categories})
    return SAFE_AFTER_HARM if harm else SAFE_AFTER_DANGER


def language_key(code: str) -> str:
    """Return the key of the help card in this language."""
    return f"language-{code}"
