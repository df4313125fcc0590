"""What answers a message that shows a risk: the card that is due, a reply beside it, or one alone.

A reply takes the place of a card only where the network alone hears the risk. Staff are alerted all
the same.
"""

from __future__ import annotations

from safeguarding.content.replies import FIRST, HEARD
from safeguarding.conversation_state import HELP_CALLED, OVER, ConversationState
from safeguarding.dialogue.candidates import (
    ANSWER,
    ANSWER_BEFORE_FACT,
    ANSWER_BESIDE_CARD,
    ANSWER_BESIDE_TOPIC,
    ANSWER_LIGHTLY,
    ANSWER_OVER_FIRST,
    LEAST_FIRST,
    SURE_OF_ACT,
    TALKS,
    TELLS,
    about_the_talk,
    best_of,
    first_answer,
    later_answers,
    likely_of,
)
from safeguarding.dialogue.model import Candidate
from safeguarding.dialogue.understand import UnderstoodTurn
from safeguarding.risk.assessment import Assessment
from safeguarding.taxonomy import ADULTS, Severity

ASKS = "asks_"
"""Beginning of the acts of a question."""
_DENIES = frozenset({"answers_no", "corrects", "minimises"})
"""Acts of a message that denies what Lantern asked or took it for."""


def main_category(turn: UnderstoodTurn, before: ConversationState) -> tuple[str, ...]:
    """Return the main category; of an adult who tells of a child, the one beside danger.

    A man's messages on a daughter's phone are told calmly, and the network hears danger in them.
    """
    found = turn.message.assessment.categories
    told_by_adult = before.audience in ADULTS and turn.message.assessment.subject != "self"
    beside = tuple(each for each in found if each != "immediate_danger")
    return (beside or found)[:1] if told_by_adult else found[:1]


def is_lifted(turn: UnderstoodTurn, before: ConversationState, after: ConversationState) -> bool:
    """Return whether the message says that an alarm is over, so that it raises none itself.

    That help was called counts in any words, where 999 was shown before; anything else where the
    network alone hears a risk, or the message answers "no", corrects or plays down.
    """
    called = HELP_CALLED in turn.facts and before.severity == Severity.IMMEDIATE
    said = not OVER.isdisjoint(turn.facts) and (
        turn.message.assessment.is_by_network_alone or (before.cards and turn.act in _DENIES)
    )
    return after.is_over and bool(called or said)


def in_place_of_a_card(turn: UnderstoodTurn, before: ConversationState) -> str | None:
    """Return the reply to what only the network hears, and that tells nothing new."""
    assessment = turn.message.assessment
    if turn.act in TELLS:
        return None
    if stands_alone(assessment, before):
        return best_of(later_answers(turn.candidates, in_hand=True), ANSWER)
    # "no one hurt me, she just took my phone" is no second disclosure.
    corrects = about_the_talk(turn)
    tells = any(
        each.id.startswith(FIRST) and each.probability >= LEAST_FIRST for each in turn.candidates
    )
    alone = corrects and not tells and stands_alone(assessment, before, corrects=True)
    return corrects if alone else None


def stands_alone(
    assessment: Assessment, before: ConversationState, *, corrects: bool = False
) -> bool:
    """Return whether a reply may answer a message without the card that is due.

    Only the network hears the risk, or that the danger is immediate, and a card has named 999
    already: an urgent one, or any where the message `corrects` what Lantern understood. Staff are
    alerted all the same.
    """
    milder = corrects and assessment.severity < Severity.IMMEDIATE
    least = Severity.CONCERN if milder else Severity.URGENT
    named = max(before.cards.values(), default=Severity.NONE) >= least
    if assessment.severity == Severity.IMMEDIATE:
        return named and not assessment.is_sure_of_danger
    return named and assessment.is_by_network_alone


def answers_alone(reply: str, assessment: Assessment, *, is_everyday: bool) -> bool:
    """Return whether a reply may answer a concern without a help card, by its id.

    The network alone heard it: no reviewed phrase and no other reader agrees. A reply to everyday
    talk may also answer what is urgent to the network alone. The message is handed to staff all the
    same.
    """
    alone = assessment.is_by_network_alone
    told = reply.startswith((FIRST, HEARD))
    most = Severity.URGENT if is_everyday else Severity.CONCERN
    return alone and assessment.severity <= most and not told


def everyday(turn: UnderstoodTurn, talk: Candidate | None) -> str | None:
    """Return the everyday reply that fits what only the network took for a concern.

    It fits surely, or the message asks something or does what everyday talk does; else it is the
    reply of `talk`, the result of talk_taken_for_more.
    """
    talks = turn.act in TALKS or turn.act.startswith(ASKS)
    talks = talks and turn.act_probability >= SURE_OF_ACT
    least = ANSWER_LIGHTLY if turn.act in TELLS else ANSWER_BESIDE_TOPIC
    best = likely_of(turn.candidates, least)
    if best is None or not (talks or best.is_everyday):
        best = talk
    if best is None:
        return None
    alone = answers_alone(best.id, turn.message.assessment, is_everyday=best.is_everyday)
    return best.id if alone else None


def beside_the_card(turn: UnderstoodTurn, before: ConversationState) -> str | None:
    """Return the reply below a card that is due, or in place of its general text.

    Where something else is in hand already, a later answer that is likelier than the first answer
    goes before it: "i was drunk so its my own fault" is no new beginning.
    """
    first = first_answer(turn)
    likely = {each.id: each.probability for each in turn.candidates}
    later = best_of(later_answers(turn.candidates), ANSWER_OVER_FIRST) if before.in_hand else None
    if first and later and likely[later] > likely[first]:
        return later
    return first or best_of(turn.candidates, ANSWER_BESIDE_CARD) or _by_who(turn)


def first_of_what_is_told(turn: UnderstoodTurn) -> str | None:
    """Return the first answer to something urgent that more than the network hears in a message.

    "he wants to see me in my swimming stuff but dont tell mum" asks for no secret to be kept. A
    reply that is surely likelier goes before it.
    """
    assessment = turn.message.assessment
    if assessment.severity < Severity.URGENT or assessment.is_by_network_alone:
        return None
    sure = best_of(later_answers(turn.candidates), ANSWER_BEFORE_FACT)
    tells = turn.act in TELLS and turn.act_probability >= SURE_OF_ACT
    return first_answer(turn) if tells and not sure else None


def _by_who(turn: UnderstoodTurn) -> str | None:
    """Return the first answer that fits who did it and to whom, as far as the message says it."""
    return next((each.id for each in turn.by_fact if each.id.startswith(FIRST)), None)
