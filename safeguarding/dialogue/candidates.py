"""Chooses among the replies that may answer a message: which may be given, which are likely enough.

It also says when an article is asked for instead.

The thresholds were chosen on the development part of data/dialogues (ADR 41).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from safeguarding.content.replies import FIRST, HEARD, OF_EVERY_DAY
from safeguarding.conversation_state import OVER, UNCLEAR, ConversationState
from safeguarding.dialogue.model import Candidate
from safeguarding.dialogue.understand import ABOUT_THE_TALK, LOOK_ABOVE, STORY_WORDS, UnderstoodTurn
from safeguarding.taxonomy import PROFESSIONAL, TOPIC_PREFIX, YOUNG_PERSON, Severity

ANSWER, ANSWER_BESIDE_TOPIC, ANSWER_LIGHTLY = 0.4, 0.55, 0.6
"""The least probability of a reply that is given: at all; about another matter than what was told,
or in place of the article of a topic of which the classifier is sure; and of small talk after a
disclosure."""
ANSWER_FIRST, ANSWER_UNHEARD, ANSWER_BESIDE_KEPT = 0.3, 0.45, 0.9
"""The least probability of a first answer in place of a card's general text, of one where the risk
engine has heard nothing, and of a reply in place of a story or tool that was asked for."""
ANSWER_BEFORE_FACT = 0.65
"""The least probability of a reply that comes before one to a fact that the message says, if that
one is about the categories of the conversation: "i dont have any money" after blackmail."""
ANSWER_BESIDE_CARD = 0.3
"""The least probability of a reply that stands below a card."""
ANSWER_ASTRAY = 0.65
"""The least probability of a reply out of its place after something grave."""
ANSWER_OVER_FIRST = 0.55
"""The least probability of a later answer in place of a less likely first answer, where something
else was in hand already."""
LEAST_FIRST = 0.15
"""The probability below which all first answers are where only the network takes talk for something
urgent."""
ANSWER_RATHER = 0.25
"""The least probability of a reply where the alternative only takes up what was said, or says that
Lantern has no good answer."""
ANSWER_FIRST_IN_DANGER = 0.5
"""The least probability of a first answer below the line that names 999, in place of the general
card of danger, where only the network hears the danger."""
_NO_ANSWER = f"{HEARD}no_answer"
"""Beginning of the ids of the replies that say so; they come last."""
ASK_FROM, ASK = 0.2, 0.08
"""The least probability of the likeliest reply, and of the others, whose labels are offered."""
ASK_RATHER_FROM, ASK_RATHER = 0.15, 0.05
"""The same where the alternative says that Lantern has no good answer."""
MOST_ASKED = 3
"""How many labels are offered."""
_BELOW, _BELOW_SURE, _BELOW_OUT_OF_PLACE = 0.05, 0.12, 0.2
"""The least probability of a reply whose label is offered below another reply: below one that is
unsure or only takes up what was said, below a sure one, and of one out of place."""
_MOST_BELOW, _MOST_BELOW_HEARD = 2, 3
"""How many labels are offered below a reply, and below one that only takes up what was said."""
_CORRECTS_ALONE, _LEAST_BESIDE_THE_TALK = 5, 0.25
"""The number of words up to which a correction or a complaint says nothing else, and the least
probability of a reply to what a longer one says."""
_NO_BUTTON = (
    FIRST, HEARD, "bye_", "chat_", "complain_", "correct_", "good_", "grief_", "insult_",
    "minimise_", "open_", "real_", "thanks_", "unclear_", "wont_",
    "danger_how_long_ago", "eating_calories", "mind_have_means", "overdose_how_many",
)  # fmt: skip
"""Beginnings of the ids of replies to what a person says, which a button could not ask for; and
those that would put a means or an amount into a button."""
_LIGHT = (*OF_EVERY_DAY, "unclear_", "thanks_", "bye_", HEARD, "minimise_", "insult_", "real_")
"""Beginnings of the ids of replies that do not move a person in danger a step on."""
_SAFE = "safe_yes"
"""The reply to a person who says that they are safe."""
EASED = (
    _SAFE, "mind_calmed_down", "correct_said_im_safe", "friend_is_safe_now",
    "friend_says_theyre_fine", "parent_came_home", "parent_safe_in_hospital", "danger_quiet_now",
    "minimise_fine_now",
)  # fmt: skip
"""Beginnings of the ids of replies to a person who says that it is over for now."""
CLOSES = ("bye_", "good_", "thanks_", "unclear_")
"""Beginnings of the ids of replies to a message that says little or that is about to end the talk:
after something grave they end with the question if the person is safe, which names 999."""
_RELIEVED = ("good_", *EASED)
"""Beginnings of the ids of replies that take it that the danger is over."""
OF_LIFE = frozenset({"suicide", "self_harm", "adult_in_crisis"})
"""Needs in which life may be at risk: what takes up little then names 999, and the person is asked,
once, if they are safe before a reply that only takes up what they said."""
_ASKS = "asks_"
_REQUESTS = (_ASKS, "wants_", "complains", "insult", "takes_back")
"""Beginnings of the acts of a message that wants more than to be listened to."""
TALKS = frozenset(
    {
        "small_talk", "joke", "good_news", "goodbye", "thanks", "asks_if_real", "insult",
        "ordinary_worry", "grief", "opens", "complains",
    }
)  # fmt: skip
"""Acts of everyday talk."""
LIGHT_TALK = frozenset({"small_talk", "joke", "good_news"})
"""Acts of talk that is listened to with interest."""
TELLS = frozenset({"discloses", "adds_detail"})
"""Acts of a message that tells something: a card that is due to it comes first."""
SAYS_WRONG = frozenset({"corrects", "complains"})
"""Acts of a message that says that Lantern understood something wrongly."""
_WORRIES = frozenset({"ordinary_worry", "grief"})
"""Acts of talk that is listened to with care."""
SURE_OF_ACT = 0.5
"""The least probability of an act that counts as sure."""
SURE, LIKELY_TOPIC = 0.8, 0.6
"""How sure the classifier must be of an intent, between 0 and 1, to change the subject; and of a
topic to show its article. Below LIKELY_TOPIC 36 of 42 articles had nothing to do with the message.
"""
FOR_A_PERSON = ("ask_talk_to_someone", "ask_local_contacts", "ask_contact_")
"""Beginnings of the intents that ask for a person or a number: never a change of subject."""
_WHAT_IS = re.compile(
    r"\W*(?:(?:so|ok|hi|hello|hey|and) )*(?:what(?:'?s| is| are| does)|define)\b", re.IGNORECASE
)
_MOST_TO_DEFINE = 5
"""The most words of a question what something is: "what is grooming". Its article says so."""
_MOST_TO_BE_SAFE = 4
"""The most words of a message that says that it is over now, in words that no fact knows."""
_GRIEF = "grief"
_CHEERFUL = ("good_", "chat_")
"""Beginnings of the ids of replies that would hurt who grieves."""
_TOLD_IN_VAIN = "told_adult_no_help"
_WELL_TOLD = ("good_told_someone", "good_they_listened", "good_they_sorted_it")
"""Replies that take it that somebody listened."""


def allowed(
    turn: UnderstoodTurn, candidates: Iterable[Candidate], after: ConversationState
) -> Iterator[Candidate]:
    """Yield the candidates that may follow what was disclosed."""
    in_danger = _is_in_danger(turn, after)
    for each in candidates:
        if _contradicts(each, turn, after):
            continue
        # What is only a concern is often low spirits, and a worry may be answered as one.
        of_life = after.in_hand and after.need in OF_LIFE and after.is_grave
        grave = after.is_near_danger or of_life
        if after.is_grave and _is_astray(each):
            continue
        likely = each.probability >= ANSWER
        # The question if they are safe, which then follows, names 999.
        asks = not in_danger and (not grave or is_asked_if_safe(after))
        closes = likely and asks and each.id.startswith(CLOSES)
        if grave and each.id.startswith(_LIGHT) and not (closes or each.names_999):
            continue
        if after.in_hand and each.id.startswith((*_LIGHT, *_RELIEVED)) and not likely:
            continue
        in_danger_now = after.alarm == Severity.IMMEDIATE and after.in_hand
        if in_danger_now and each.id.startswith(OF_EVERY_DAY) and not each.names_999:
            continue
        light = _LIGHT if after.alarm == Severity.IMMEDIATE else OF_EVERY_DAY
        graver = after.is_grave and each.id.startswith(light)
        if not graver or each.probability >= ANSWER_LIGHTLY:
            yield each


def _is_in_danger(turn: UnderstoodTurn, after: ConversationState) -> bool:
    """Return whether a message tells of immediate danger that is not over."""
    return turn.severity == Severity.IMMEDIATE and not after.is_over


def _contradicts(candidate: Candidate, turn: UnderstoodTurn, after: ConversationState) -> bool:
    """Return whether a reply would deny what the message tells, however likely it is."""
    id_ = candidate.id
    if id_.startswith(_RELIEVED):
        doubtful = after.is_near_danger or id_ == _SAFE
        if _is_in_danger(turn, after) or (doubtful and not says_it_is_over(turn, after)):
            return True
    if turn.act == _GRIEF and id_.startswith(_CHEERFUL):
        return True
    if _TOLD_IN_VAIN in turn.facts and id_ in _WELL_TOLD:
        return True
    # "i feel like dying" is no panic attack: the card speaks of life and names 999.
    of_life = turn.severity >= Severity.URGENT and after.need in OF_LIFE
    return of_life and id_.startswith(FIRST) and candidate.need == UNCLEAR


def says_it_is_over(turn: UnderstoodTurn, after: ConversationState) -> bool:
    """Return whether a message that is heard as "I'm safe" may be taken at that.

    Right after a danger, and where a young person disclosed something, only plain words or a few
    are: "were in the cupboard cos its the safe place" is no relief.
    """
    young = after.in_hand and after.reader == YOUNG_PERSON
    if not (after.is_near_danger or young):
        return True
    short = len(turn.message.text.split()) <= _MOST_TO_BE_SAFE
    return short or turn.answered is not None or not OVER.isdisjoint(turn.facts)


def is_asked_if_safe(after: ConversationState) -> bool:
    """Return whether the person is still to be asked, once, if they are safe.

    Professionals are asked only in danger: their replies ask what they have done.
    """
    of_staff = after.audience == PROFESSIONAL
    due = after.alarm == Severity.IMMEDIATE if of_staff else after.is_grave
    return after.in_hand and due and not after.asked_if_safe


def _is_astray(candidate: Candidate) -> bool:
    """Return whether a later reply is out of place, and not sure enough after something grave."""
    later = not candidate.in_place and not candidate.id.startswith(FIRST)
    return later and candidate.probability < ANSWER_ASTRAY


def beside_the_talk(turn: UnderstoodTurn) -> tuple[Candidate, ...]:
    """Return the candidates; to a longer correction those first that answer what it says.

    "its not my family its my coach" is not answered by an apology alone.
    """
    short = len(turn.message.text.split()) <= _CORRECTS_ALONE
    others = tuple(each for each in turn.candidates if not each.id.startswith(ABOUT_THE_TALK))
    if short or not others or others[0].probability < _LEAST_BESIDE_THE_TALK:
        return turn.candidates
    talk = tuple(each for each in turn.candidates if each.id.startswith(ABOUT_THE_TALK))
    return (*others, *talk)


def with_facts(
    candidates: Sequence[Candidate], by_fact: Sequence[Candidate]
) -> tuple[Candidate, ...]:
    """Return the candidates with the replies to facts of this matter among them.

    Only what is likelier than ANSWER_BEFORE_FACT stays before these, and a likely first answer.
    """
    own = [each for each in by_fact if each.of_this_matter and not each.id.startswith(FIRST)]
    if not own:
        return tuple(candidates)
    likely = [
        each
        for each in candidates
        if each.probability >= (ANSWER if each.id.startswith(FIRST) else ANSWER_BEFORE_FACT)
    ]
    ids = {each.id for each in own}
    others = [each for each in candidates if each not in likely and each.id not in ids]
    return (*likely, *(each for each in own if each not in likely), *others)


def later_answers(candidates: Iterable[Candidate], *, in_hand: bool = False) -> list[Candidate]:
    """Return the candidates that answer a message after the first; none that gives up.

    With something `in_hand`, a first answer that is likely is among them: something else was
    disclosed.
    """
    return [
        each
        for each in candidates
        if not each.id.startswith(_NO_ANSWER)
        and (not each.id.startswith(FIRST) or (in_hand and each.probability >= ANSWER))
    ]


def best_of(candidates: Iterable[Candidate], least: float) -> str | None:
    """Return the id of the first of `candidates` that is likely enough."""
    best = likely_of(candidates, least)
    return best.id if best else None


def likely_of(candidates: Iterable[Candidate], least: float) -> Candidate | None:
    """Return the first of `candidates` that is likely enough; of another matter, far likelier."""
    other = max(least, ANSWER_BESIDE_TOPIC)
    enough = (
        each
        for each in candidates
        if each.probability >= (other if each.of_other_matter else least)
    )
    return next(enough, None)


def offered(later: Sequence[Candidate], *, rather: bool = False) -> tuple[str, ...]:
    """Return the replies whose labels are offered, or none: a choice needs two.

    `rather` says that nothing else answers the message.
    """
    first, others = (ASK_RATHER_FROM, ASK_RATHER) if rather else (ASK_FROM, ASK)
    likely = [
        each.id
        for each in later
        if each.probability >= others and each.in_place and not each.id.startswith(_NO_BUTTON)
    ][:MOST_ASKED]
    enough = len(likely) > 1 and later[0].probability >= first
    return tuple(likely) if enough else ()


def offered_below(turn: UnderstoodTurn, given: str) -> tuple[str, ...]:
    """Return the replies whose labels are offered below the reply `given`, likeliest first.

    A reply that is not what the person meant is then one press away from the one that is. Nothing
    is offered below everyday talk, thanks or a goodbye.
    """
    heard = given.startswith(HEARD)
    if given.startswith(_LIGHT) and not heard:
        return ()
    chance = next((each.probability for each in turn.candidates if each.id == given), 0.0)
    least = _BELOW_SURE if chance >= ANSWER else _BELOW
    found = [
        each.id
        for each in turn.candidates
        if each.id != given
        and each.is_question
        and not each.id.startswith(_NO_BUTTON)
        and each.probability >= (least if each.in_place else max(least, _BELOW_OUT_OF_PLACE))
    ]
    return tuple(found[: _MOST_BELOW_HEARD if heard else _MOST_BELOW])


def asked_again(turn: UnderstoodTurn, later: Sequence[Candidate]) -> str | None:
    """Return the reply that points further up, where an earlier reply answers a question best."""
    if turn.again is None or not turn.act.startswith(_ASKS) or turn.act_probability < SURE_OF_ACT:
        return None
    own = (each.probability for each in later if not each.of_other_matter)
    fresh = max(own, default=0.0)
    return LOOK_ABOVE if turn.again.probability >= max(ANSWER, fresh) else None


def about_the_talk(turn: UnderstoodTurn) -> str | None:
    """Return the likeliest reply to a correction or a complaint, where the message is one."""
    says_so = turn.act in SAYS_WRONG and turn.act_probability >= SURE_OF_ACT
    found = (each.id for each in turn.candidates if each.id.startswith(ABOUT_THE_TALK))
    return next(found, None) if says_so else None


def says_it_has_no_answer(turn: UnderstoodTurn) -> str | None:
    """Return the reply that says that Lantern has no answer, where the message asks something."""
    if not turn.act.startswith(_ASKS):
        return None
    return next((id_ for id_ in turn.listening if id_.startswith(_NO_ANSWER)), None)


def first_answer(turn: UnderstoodTurn) -> str | None:
    """Return the first answer to a disclosure that is likely enough, in place of a card's text."""
    firsts = (each for each in turn.candidates if each.id.startswith(FIRST))
    return next((each.id for each in firsts if each.probability >= ANSWER_FIRST), None)


def talk_taken_for_more(turn: UnderstoodTurn) -> Candidate | None:
    """Return the everyday reply to what only the network takes for something urgent.

    The likeliest reply is one to everyday talk. Either no first answer is likely at all, or that
    reply is likely enough to be given anywhere, and the message does not tell anything.
    """
    first = any(
        each.id.startswith(FIRST) and each.probability >= LEAST_FIRST for each in turn.candidates
    )
    if first and turn.act in TELLS:
        return None
    best = likely_of(turn.candidates[:1], ANSWER)
    return best if best and best.is_everyday else None


def is_talk(turn: UnderstoodTurn) -> bool:
    """Return whether a message surely does what everyday talk does, and asks nothing."""
    return turn.act in TALKS and turn.act_probability >= SURE_OF_ACT and not _asks(turn)


def reply_to_talk(turn: UnderstoodTurn, *, in_talk: bool) -> str | None:
    """Return a reply that has listened to everyday talk; None to a question or a request.

    `in_talk` says whether the message goes on from what Lantern said. Without that a longer message
    stands by itself, and a shorter one where it surely is talk: "we won 3-1 lol". A worry is not
    listened to as a tale is.
    """
    worries = is_talk(turn) and turn.act in _WORRIES
    light = is_talk(turn) and turn.act in LIGHT_TALK
    stands = in_talk or light or worries or len(turn.message.text.split()) >= STORY_WORDS
    if _asks(turn) or not stands:
        return None
    return next(iter((*turn.listening, *turn.to_talk) if worries else turn.to_talk), None)


def _asks(turn: UnderstoodTurn) -> bool:
    """Return whether a message asks or requests something, by its mark or by what it does."""
    requests = turn.act.startswith(_REQUESTS) and turn.act_probability >= SURE_OF_ACT
    return "?" in turn.message.text or requests


def asks_what_it_is(text: str) -> bool:
    """Return whether a message only asks what something is."""
    return len(text.split()) <= _MOST_TO_DEFINE and bool(_WHAT_IS.match(text))


def asks_for_its_article(turn: UnderstoodTurn) -> bool:
    """Return whether a message asks, and the classifier is sure which article answers it."""
    asks = turn.act.startswith(_ASKS) and turn.message.intent.startswith(TOPIC_PREFIX)
    return asks and turn.message.confidence >= SURE


def may_ask_for_an_article(turn: UnderstoodTurn) -> bool:
    """Return whether the topic that the classifier hears, if it is one, may be meant.

    A correction says what was meant instead, and is seldom heard rightly.
    """
    message = turn.message
    if not message.intent.startswith(TOPIC_PREFIX) or message.intent.startswith(FOR_A_PERSON):
        return True
    corrects = turn.act in SAYS_WRONG and turn.act_probability >= SURE_OF_ACT
    return message.confidence >= LIKELY_TOPIC and not corrects
