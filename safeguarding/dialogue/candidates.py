"""Chooses among the replies that may answer a message: which may be given, which are likely enough.

The thresholds were chosen on the development part of data/dialogues (ADR 41).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from safeguarding.content.replies import FIRST, HEARD
from safeguarding.conversation_state import ConversationState
from safeguarding.dialogue.model import Candidate
from safeguarding.dialogue.understand import ABOUT_THE_TALK, STORY_WORDS, UnderstoodTurn
from safeguarding.taxonomy import Severity

ANSWER, ANSWER_BESIDE_TOPIC, ANSWER_LIGHTLY = 0.4, 0.55, 0.6
"""The least probability of a reply that is given: at all; outside what was said before, or in place
of the article of a topic of which the classifier is sure; and of small talk after a disclosure."""
ANSWER_FIRST, ANSWER_UNHEARD, ANSWER_BESIDE_KEPT = 0.3, 0.7, 0.9
"""The least probability of a first answer in place of a card's general text, of one where the risk
engine has heard nothing, and of a reply in place of a story or tool that was asked for."""
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
OF_EVERY_DAY = ("chat_", "good_ordinary", "grief_", "lantern_what_can_you_do", "worry_")
"""Beginnings of the ids of replies that would hurt most where something was disclosed."""
_LIGHT = (*OF_EVERY_DAY, "unclear_", "thanks_", "bye_", HEARD, "minimise_", "insult_", "real_")
"""Beginnings of the ids of replies that do not move a person in danger a step on."""
_RELIEVED = (
    "good_", "safe_yes", "mind_calmed_down", "correct_said_im_safe", "friend_is_safe_now",
    "friend_says_theyre_fine", "parent_came_home", "parent_safe_in_hospital", "danger_quiet_now",
    "minimise_fine_now",
)  # fmt: skip
"""Beginnings of the ids of replies that take it that the danger is over."""
OF_LIFE = frozenset({"suicide", "self_harm", "adult_in_crisis"})
"""Needs in which life may be at risk: what takes up little then names 999, and the person is asked,
once, if they are safe before a reply that only takes up what they said."""
_REQUESTS = ("asks_", "wants_", "complains", "insult", "takes_back")
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
_WORRIES = frozenset({"ordinary_worry", "grief"})
"""Acts of talk that is listened to with care."""
SURE_OF_ACT = 0.5
"""The least probability of an act that counts as sure."""
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
    in_danger = turn.severity == Severity.IMMEDIATE and not after.is_over
    for each in candidates:
        if in_danger and each.id.startswith(_RELIEVED):
            continue
        if turn.act == _GRIEF and each.id.startswith(_CHEERFUL):
            continue
        if _TOLD_IN_VAIN in turn.facts and each.id in _WELL_TOLD:
            continue
        grave = after.is_near_danger or (after.in_hand and after.need in OF_LIFE)
        if grave and each.id.startswith(_LIGHT) and not each.names_999:
            continue
        if after.in_hand and each.id.startswith(_LIGHT) and each.probability < ANSWER_BESIDE_TOPIC:
            continue
        in_danger_now = after.alarm == Severity.IMMEDIATE and after.in_hand
        if in_danger_now and each.id.startswith(OF_EVERY_DAY) and not each.names_999:
            continue
        light = _LIGHT if after.alarm == Severity.IMMEDIATE else OF_EVERY_DAY
        graver = after.alarm >= Severity.URGENT and each.id.startswith(light)
        if not graver or each.probability >= ANSWER_LIGHTLY:
            yield each


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
    """Return the first of `candidates` that is likely enough; out of place, far likelier."""
    beside = max(least, ANSWER_BESIDE_TOPIC)
    enough = (
        each for each in candidates if each.probability >= (least if each.in_place else beside)
    )
    return next((each.id for each in enough), None)


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


def first_answer(turn: UnderstoodTurn) -> str | None:
    """Return the first answer to a disclosure that is likely enough, in place of a card's text."""
    firsts = (each for each in turn.candidates if each.id.startswith(FIRST))
    return next((each.id for each in firsts if each.probability >= ANSWER_FIRST), None)


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
