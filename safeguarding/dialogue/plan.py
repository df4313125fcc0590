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
from safeguarding.content.replies import ASK_WHICH, FIRST, HEARD, OF_EVERY_DAY, PREFIX
from safeguarding.content.replies import INTENT as ASK_NEXT
from safeguarding.conversation_state import (
    DANGER_NOW,
    HELP_CALLED,
    SAYS_SAFE,
    ConversationState,
)
from safeguarding.dialogue.candidates import (
    ANSWER,
    ANSWER_BESIDE_KEPT,
    ANSWER_BESIDE_TOPIC,
    ANSWER_FIRST_IN_DANGER,
    ANSWER_LIGHTLY,
    ANSWER_RATHER,
    ANSWER_UNHEARD,
    CLOSES,
    EASED,
    FOR_A_PERSON,
    LIGHT_TALK,
    OF_LIFE,
    SAYS_WRONG,
    SURE,
    SURE_OF_ACT,
    about_the_talk,
    allowed,
    asked_again,
    asks_for_its_article,
    asks_what_it_is,
    beside_the_talk,
    best_of,
    is_asked_if_safe,
    is_talk,
    later_answers,
    may_ask_for_an_article,
    offered,
    offered_below,
    reply_to_talk,
    says_it_has_no_answer,
    says_it_is_over,
    talk_taken_for_more,
    with_facts,
)
from safeguarding.dialogue.model import Candidate
from safeguarding.dialogue.risk_reply import (
    ASKS,
    beside_the_card,
    everyday,
    first_of_what_is_told,
    in_place_of_a_card,
    is_lifted,
    main_category,
    stands_alone,
)
from safeguarding.dialogue.understand import ABOUT_THE_TALK, UnderstoodTurn
from safeguarding.taxonomy import PROFESSIONAL, TOPIC_PREFIX, YOUNG_PERSON, Severity

_ENOUGH_WORDS = 3
"""Words from which a message says enough to ask what it meant."""
LIKELY_INTENT = 0.4
"""How sure the classifier must be of an intent, between 0 and 1, for it to count beside another
language, or where it asks for a story, a tool or a person."""
KEPT = frozenset({"read_story", "use_tool", "take_pledge", "choose_area", "follow_guide"})
"""Intents that keep their own answer beside a concern; the gateway puts the help card first."""
OF_LANTERN = frozenset({"who_reads_this", "can_someone_ring_me", "will_you_tell_my_mum"})
"""Intents that ask about Lantern itself: they are answered after a concern, too."""
IN_WORDS = frozenset({"choose_audience", "say_something_else", "say_cannot_call"})
"""Buttons that may also be typed: a sure one is carried out after a concern, too."""
ABOUT_CHAT, LANGUAGE_CARD, STILL_HERE = "ask_about_chat", "language_card", "still_here"
NOT_SAFE, SAFE, AFFIRM = "say_not_safe", "say_safe_now", "affirm"
SAFE_AFTER_DANGER, SAFE_AFTER_HARM = "safe_after_danger", "safe_after_harm"
"""The keys of the responses to a person who says, after immediate danger, that they are safe. The
second one repeats 999: the person may have taken something or be hurt."""
_HARM = frozenset({"tablets", "injury", "suicide", "self_harm", "substance_harm"})
"""Facts and categories of such a danger."""
_REPORTS = re.compile(
    r"\s*(?:he|she|they|mum|dad|my \w+) (?:says|said|told|thinks)\b", re.IGNORECASE
)
"""The beginning of a message that gives another person's words: "he said its fine" is no safety."""
_UNCLEAR = "unclear"
_DISCLOSES = "disclose_"
"""Beginning of the intents of a message that shows a risk."""
_OF_BODY = frozenset(
    {
        "immediate_danger", "suicide", "self_harm", "physical_abuse", "domestic_abuse",
        "relationship_abuse", "substance_harm", "honour_based_abuse",
    }
)  # fmt: skip
"""Categories after which the card of danger stays as it is."""
_ASKED = (TOPIC_PREFIX, "read_story", "use_tool")
"""Prefixes of the intents that ask for something to read."""
_CARES = ("grief_", "worry_")
"""Beginnings of the ids of replies to a worry of everyday life."""
_SAYS_LITTLE = (*CLOSES, "minimise_")
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
    """The replies whose labels are offered: where none is likely enough, or below the reply."""
    asks_if_safe: bool = False
    """Whether the reply ends with the question if the person is safe."""
    owns_up: bool = False
    """Whether the reply begins with the word that Lantern understood something wrongly."""


@dataclass(frozen=True)
class ReplyPlanner:
    """Plans replies from the reviewed content; pure and shared between threads."""

    cards: HelpCards
    choices: Choices

    def plan(
        self, turn: UnderstoodTurn, before: ConversationState, after: ConversationState
    ) -> ReplyPlan:
        """Return the plan of the reply to `turn`; `before` and `after` are the states around it."""
        talk = talk_taken_for_more(turn)
        suited = self._suited(turn, after)
        return _completed(self._planned(suited, before, after, talk), suited, before)

    @staticmethod
    def _suited(turn: UnderstoodTurn, after: ConversationState) -> UnderstoodTurn:
        """Return the turn with the candidates that may follow what was disclosed."""
        by_fact = tuple(allowed(turn, turn.by_fact, after))
        fitting = tuple(allowed(turn, beside_the_talk(turn), after))
        if not asks_for_its_article(turn):
            fitting = with_facts(fitting, by_fact)
        return replace(turn, candidates=fitting, by_fact=by_fact)

    def _planned(
        self,
        turn: UnderstoodTurn,
        before: ConversationState,
        after: ConversationState,
        talk: Candidate | None,
    ) -> ReplyPlan:
        if turn.severity >= Severity.CONCERN and not is_lifted(turn, before, after):
            return self._to_a_disclosure(turn, before, after, talk)
        if turn.answered:
            intent = self.choices[turn.answered].intent
            return ReplyPlan(intent, help=safe_key(after) if intent == SAFE else None)
        if turn.picked:
            reply = turn.picked.removeprefix(PREFIX)
            is_reply = turn.picked.startswith(PREFIX)
            return ReplyPlan(ASK_NEXT, reply=reply) if is_reply else ReplyPlan(turn.picked)
        if plan := self._by_rule(turn, before, after):
            return plan
        if not may_ask_for_an_article(turn):
            unread = replace(turn.message, intent=NOT_UNDERSTOOD)
            turn = replace(turn, message=unread)
            plan = self._to_anything_else(turn, before, after)
            return plan if plan != ReplyPlan() else _to_what_is_not_read(turn)
        return self._to_anything_else(turn, before, after)

    def _to_a_disclosure(
        self,
        turn: UnderstoodTurn,
        before: ConversationState,
        after: ConversationState,
        talk: Candidate | None,
    ) -> ReplyPlan:
        severity, language = turn.severity, turn.message.language
        need = DANGER_NOW if severity == Severity.IMMEDIATE else after.need
        due, shown = self.cards.due_key(before, after, severity), before.has_seen(need, severity)
        intent = f"{_DISCLOSES}{severity.label}"
        if severity < Severity.URGENT and turn.about_chat:
            intent = ABOUT_CHAT
        elif severity < Severity.URGENT and turn.message.intent in KEPT:
            intent = turn.message.intent
        elif language and (not shown or severity == Severity.IMMEDIATE):
            due = language_key(language)
        elif severity == Severity.IMMEDIATE:
            return self._to_danger(turn, before, due)
        elif not before.in_hand and (light := everyday(turn, talk)):
            return ReplyPlan(ASK_NEXT, reply=light)
        elif not shown:
            if reply := in_place_of_a_card(turn, before):
                return ReplyPlan(ASK_NEXT, reply=reply)
            beside = beside_the_card(turn, before)
            alone = turn.message.assessment.is_by_network_alone
            young = after.reader == YOUNG_PERSON
            if beside is None and not before.cards and alone and young:
                # Nothing tells what it is about: the card presumes nothing either. Adults' cards
                # presume little.
                due = self.cards.key(severity, after.reader, _UNCLEAR)
            return ReplyPlan(intent, help=due, reply=beside)
        else:
            # The card stands above already: answer what is said now.
            return self._to_what_is_said(turn, before, after) or ReplyPlan(intent, help=due)
        return ReplyPlan(intent, help=due)

    def _to_danger(self, turn: UnderstoodTurn, before: ConversationState, due: str) -> ReplyPlan:
        """Return the card of danger, or what answers a message whose danger is not sure."""
        later = later_answers(turn.candidates, in_hand=before.in_hand)
        assessment = turn.message.assessment
        intent = f"{_DISCLOSES}{Severity.IMMEDIATE.label}"
        if stands_alone(assessment, before):
            asks = turn.act.startswith(ASKS) or before.has_card(DANGER_NOW, Severity.IMMEDIATE)
            # "hes given me till 9" after blackmail is a matter of the picture and not of the body.
            known = before.in_hand and before.categories
            asks = asks or bool(known and _OF_BODY.isdisjoint(before.categories))
            says_safe = turn.message.intent == SAFE and turn.message.confidence >= SURE
            if (asks or says_safe) and (best := best_of(later, ANSWER)):
                return ReplyPlan(ASK_NEXT, reply=best)
        elif not assessment.is_sure_of_danger and _OF_BODY.isdisjoint(main_category(turn, before)):
            first = best_of(turn.candidates[:1], ANSWER_FIRST_IN_DANGER)
            if first and first.startswith(FIRST):
                return ReplyPlan(intent, help=due, reply=first)
        # What surely begins something leaves no room for an answer to what comes later.
        begins = not before.in_hand and best_of(turn.candidates[:1], ANSWER_FIRST_IN_DANGER)
        told = begins and begins.startswith(FIRST)
        return ReplyPlan(intent, help=due, reply=None if told else best_of(later, ANSWER))

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
        says_safe = says_safe and says_it_is_over(turn, after)
        if sure and message.intent == SAFE and before.need is not None and says_safe:
            eased = best_of((c for c in turn.candidates if c.id.startswith(EASED)), ANSWER)
            if eased and after.severity < Severity.IMMEDIATE:
                # Its own words fit better than those for a button, and ask nothing twice.
                return ReplyPlan(ASK_NEXT, reply=eased)
            return ReplyPlan(SAFE, help=safe_key(after))
        if sure and message.intent == NOT_SAFE and HELP_CALLED not in turn.facts:
            return ReplyPlan(NOT_SAFE, help=self.cards.due_key(before, after, Severity.IMMEDIATE))
        if turn.about_chat and not (sure and message.intent.startswith(_ASKED)):
            return ReplyPlan(ABOUT_CHAT)
        kept = message.intent in KEPT and message.confidence >= LIKELY_INTENT
        kept = kept and not best_of(turn.candidates, ANSWER_BESIDE_KEPT)
        defines = sure and asks and not after.in_hand and asks_what_it_is(message.text)
        return ReplyPlan() if kept or defines else None

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
            # A person who asks for a topic wants its article and not talk; a worry may fit better.
            asked = (
                each
                for each in turn.candidates
                if not each.id.startswith(OF_EVERY_DAY)
                or (each.id.startswith(_CARES) and each.probability >= ANSWER_LIGHTLY)
            )
            turn = replace(turn, candidates=tuple(asked))
        unheard = best_of(turn.candidates[:1], ANSWER_UNHEARD)
        tells = not in_hand and not light and not turn.act.startswith(ASKS)
        if unheard and unheard.startswith(FIRST) and tells:
            # The card makes the gateway hand the message over, as any that was answered with help.
            card = self.cards.key(Severity.CONCERN, after.reader, turn.candidates[0].need)
            return ReplyPlan(f"{_DISCLOSES}{Severity.CONCERN.label}", help=card, reply=unheard)
        later = later_answers(turn.candidates, in_hand=in_hand)
        if again := asked_again(turn, later):
            return ReplyPlan(ASK_NEXT, reply=again)
        if best := best_of(later, least):
            asks_if_safe = best.startswith(_SAYS_LITTLE) and is_asked_if_safe(after)
            return ReplyPlan(ASK_NEXT, reply=best, asks_if_safe=asks_if_safe)
        if in_hand and asks_topic and (best := best_of(later_answers(turn.by_fact), ANSWER)):
            # "hes 23" tells something; it asks for no article.
            return ReplyPlan(ASK_NEXT, reply=best)
        likely = message.confidence >= LIKELY_INTENT
        for_a_person = likely and message.intent.startswith(FOR_A_PERSON)
        if (asks_topic and (sure or not (in_hand or talks))) or for_a_person:
            return ReplyPlan()
        return self._to_what_is_said(turn, before, after) or self._else(turn, before, after)

    def _else(
        self, turn: UnderstoodTurn, before: ConversationState, after: ConversationState
    ) -> ReplyPlan:
        """Return what the classifier understood, or a word that stays with what was disclosed."""
        message = turn.message
        sure = message.confidence >= SURE
        likely = message.confidence >= LIKELY_INTENT
        of_lantern = message.intent in OF_LANTERN and likely
        own = message.intent in KEPT or of_lantern or (sure and message.intent in IN_WORDS)
        if after.in_hand and not own:
            later = later_answers(turn.candidates, in_hand=True)
            may_ask = before.last_kind != "ask" and _says_enough(turn) and not after.is_near_danger
            if may_ask and (ask := offered(later, rather=True)):
                return ReplyPlan(ASK_WHICH, ask=ask)
            return ReplyPlan(STILL_HERE, help=self.cards.still_key(after, message.intent))
        if message.intent == NOT_SAFE:
            return ReplyPlan(NOT_SAFE, help=self.cards.due_key(before, after, Severity.IMMEDIATE))
        in_talk = before.last_kind in {"reply", "ask"}
        unread = message.intent in {OUT_OF_SCOPE, NOT_UNDERSTOOD}
        about_a_topic = message.intent.startswith(TOPIC_PREFIX)
        unread = unread or (is_talk(turn) and (about_a_topic or message.confidence < SURE))
        talk = reply_to_talk(turn, in_talk=in_talk) or says_it_has_no_answer(turn)
        if unread and talk:
            return ReplyPlan(ASK_NEXT, reply=talk)
        # "its fine now" is no answer about danger where nothing was disclosed.
        return ReplyPlan(AFFIRM) if message.intent == SAFE else ReplyPlan()

    def _to_what_is_said(
        self, turn: UnderstoodTurn, before: ConversationState, after: ConversationState
    ) -> ReplyPlan | None:
        """Return the reply that fits, or a question by buttons, or a word to go on."""
        later = later_answers(turn.candidates, in_hand=after.in_hand)
        asks = turn.act.startswith(ASKS) and turn.act_probability >= SURE_OF_ACT
        likely = best_of([*later, *later_answers(turn.by_fact)], ANSWER)
        if best := asked_again(turn, later) or first_of_what_is_told(turn) or likely:
            return ReplyPlan(ASK_NEXT, reply=best)
        # Something urgent is not answered by a question about what was meant, unless it asks.
        may_ask = before.last_kind != "ask" and (asks or turn.severity < Severity.URGENT)
        # Nor is talk: it is listened to, and what is a little likely is seldom right.
        talks, rather = not after.in_hand and is_talk(turn), after.in_hand and asks
        if may_ask and not talks and _says_enough(turn) and (ask := offered(later, rather=rather)):
            # An everyday question is seldom one of what is a little likely: that stands below.
            unknown = says_it_has_no_answer(turn) if asks and not after.in_hand else None
            return ReplyPlan(ASK_NEXT, reply=unknown) if unknown else ReplyPlan(ASK_WHICH, ask=ask)
        return None if talks and turn.act in LIGHT_TALK else self._rather(turn, before, after)

    def _rather(
        self, turn: UnderstoodTurn, before: ConversationState, after: ConversationState
    ) -> ReplyPlan | None:
        """Return a reply that is only fair, a step on, or a word that takes up what was said."""
        later = later_answers(turn.candidates, in_hand=after.in_hand)
        light = not after.in_hand and turn.act in LIGHT_TALK
        fair = None if light else best_of(later, ANSWER_RATHER)
        if after.is_near_danger and not before.asked_if_safe:
            # Where the network alone heard the danger, a fair answer goes before "999 first".
            answers = fair and not after.is_sure
            return ReplyPlan(ASK_NEXT, reply=fair, asks_if_safe=True) if answers else None
        sure = turn.message.confidence >= SURE and turn.message.intent != OUT_OF_SCOPE
        unsure = not sure or not turn.message.intent
        if not after.in_hand and not (before.last_kind in {"reply", "ask"} and unsure):
            return None
        if fair is None and after.need in OF_LIFE and is_asked_if_safe(after):
            return ReplyPlan(STILL_HERE, help=self.cards.still_key(after, turn.message.intent))
        tells = turn.act != _UNCLEAR or _says_enough(turn)
        # "ok" is not thanked for telling that too.
        listened = next(iter((*turn.steps_on, *turn.listening)), None) if tells else None
        said = fair or about_the_talk(turn) or listened
        return ReplyPlan(ASK_NEXT, reply=said) if said else None


def _completed(plan: ReplyPlan, turn: UnderstoodTurn, before: ConversationState) -> ReplyPlan:
    """Return the plan with what the reply may need: other replies below it, and an apology.

    A correction or a complaint is met with one, unless the reply is about just that. Below a card
    that no reply goes with stand the replies that may be meant.
    """
    card_alone = (plan.intent or "").startswith(_DISCLOSES) and plan.reply is None
    if card_alone and turn.severity < Severity.IMMEDIATE:
        return replace(plan, ask=offered_below(turn, HEARD))
    if plan.intent != ASK_NEXT or plan.reply is None or turn.severity == Severity.IMMEDIATE:
        return plan
    says_wrong = turn.act in SAYS_WRONG and turn.act_probability >= SURE_OF_ACT
    owns_up = says_wrong and before.replies > 0 and not plan.reply.startswith(ABOUT_THE_TALK)
    below = () if plan.asks_if_safe else offered_below(turn, plan.reply)
    return replace(plan, ask=below, owns_up=owns_up)


def _to_what_is_not_read(turn: UnderstoodTurn) -> ReplyPlan:
    """Return the plan for a message that neither a reply nor an article answers."""
    asks = turn.act.startswith(ASKS) and turn.act_probability >= SURE_OF_ACT
    listens = next(iter(turn.listening), None) if asks else about_the_talk(turn)
    return ReplyPlan(ASK_NEXT, reply=listens) if listens else ReplyPlan(NOT_UNDERSTOOD)


def _says_enough(turn: UnderstoodTurn) -> bool:
    """Return whether a message has words enough to ask what it meant: "im nine" has not."""
    return len(turn.message.text.split()) >= _ENOUGH_WORDS


def safe_key(state: ConversationState) -> str | None:
    """Return the key for "I'm safe" after immediate danger; None after anything milder."""
    if state.severity < Severity.IMMEDIATE:
        return None
    harm = not _HARM.isdisjoint({*state.facts, *state.categories})
    return SAFE_AFTER_HARM if harm else SAFE_AFTER_DANGER


def language_key(code: str) -> str:
    """Return the key of the help card in this language."""
    return f"language-{code}"
