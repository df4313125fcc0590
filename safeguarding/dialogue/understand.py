"""Understands a message in its place: what it does, which facts it says, which replies may fit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from safeguarding.content.choices import SAFE_NOW, Questions
from safeguarding.content.facts import Facts
from safeguarding.content.replies import FIRST, HEARD, Replies, ReplyRecord
from safeguarding.conversation_state import DENIED, SAYS_SAFE, ConversationState
from safeguarding.dialogue.model import Candidate, DialogueModel, Place
from safeguarding.risk.assessment import Assessment, sign_of
from safeguarding.risk.chat.pasted import pasted_chat
from safeguarding.taxonomy import Severity

PHRASING = 0.9
"""The probability of a reply of which the message is a phrasing."""
_SURE_OF_REPLY = 0.5
"""The probability from which a reply stays, whatever the message does by its act."""
_ACT_FROM, _ACT_OF_TALK_FROM = 0.05, 0.3
"""The least probability that the message does one of the acts that a reply answers; and where the
reply is about the talk itself."""
ABOUT_THE_TALK = ("complain_", "correct_")
"""Beginnings of the ids of replies to a complaint or a correction."""
LOOK_ABOVE = "again_look_above"
"""The reply to a question that was answered before, given once in a conversation."""
STORY_WORDS = 10
"""Words from which everyday talk without a question is a story."""
_TO_A_STORY = ("chat_long_story", "chat_more_about_that", "chat_just_chatting")
_TO_TALK = ("chat_more_about_that", "chat_just_chatting", "heard_go_on")
_TO_GRIEF = ("heard_go_on", "heard_slowly", "heard_still_listening")
_GRIEF = ("grief_", "heard_")
"""Beginnings of the ids of replies after which a person who tells more may be grieving."""
_TELLS = ("discloses", "adds_detail")
_ADDS = "adds_detail"
_SAYS_AGAIN = ("corrects", "complains")
_SURELY_CORRECTS, _TELLS_FROM, _TAKEN_BACK_FROM = 0.5, 0.15, 0.4
"""The least probability that a message corrects an alarm, the one from which a first answer shows
that it tells of harm, and the least one of the reply that shows that it does not."""
_TAKE_BACK = frozenset(
    {
        "correct_not_hurt", "correct_not_literal", "correct_nobody_died", "correct_nothing_taken",
        "correct_ordinary_after_all", "correct_song_game_or_story", "lantern_why_that_card",
    }
)  # fmt: skip
"""The replies to a person who says that what Lantern took for harm was none."""
_EMERGENCY, _ASKS = "999", "asks_"
_WANTS = (_ASKS, "wants_")
"""Beginnings of the acts of a message that asks or wants something."""
_ANYBODY = 100
"""More people than a reply names."""
_TOPIC_FROM = 0.5
"""How sure the classifier must be of a topic for it to count as a place of the conversation."""


@dataclass(frozen=True)
class IncomingText:
    """A message, and what the engine and the topic classifier make of it."""

    text: str
    canonical: str
    """Its words as the normaliser spells them, between single spaces."""
    vector: npt.NDArray[np.float32] | None
    """The vector of DialogueEncoder, shape (1536,); None for a message without a word."""
    assessment: Assessment
    language: str | None = None
    """The code of the other language that it is in, of those in content/languages."""
    intent: str = ""
    """The intent of the classifier; empty where none ran."""
    confidence: float = 0.0
    topic: str | None = None
    """The topic that the classifier ranks first, where it finds one."""
    topic_confidence: float = 0.0
    question: npt.NDArray[np.float32] | None = None
    """Such a vector of the question at the end of a longer message; None without one."""


@dataclass(frozen=True)
class UnderstoodTurn:
    """What a message does in its place."""

    message: IncomingText
    act: str
    """The likeliest dialogue act."""
    act_probability: float
    facts: frozenset[str]
    """The facts that it says."""
    answered: str | None
    """The button that it means, as an answer to the open question."""
    about_chat: bool
    """Whether it holds a pasted chat: with names, or with a sign that stands out."""
    candidates: tuple[Candidate, ...]
    """Replies that may answer it and were not given before, likeliest first."""
    listening: tuple[str, ...] = ()
    """The replies for a message of this act that no other reply fits, and that fit any; after
    something urgent only those that name 999, unless it asks something."""
    by_fact: tuple[Candidate, ...] = ()
    """The replies for a fact that the message says: they need no likeness to its words. Those about
    the fewest people come first. To a question only those that answer one."""
    steps_on: tuple[str, ...] = ()
    """The replies that take a person a step on who adds a detail, those about the fewest categories
    of the conversation first; after something urgent only those that name 999."""
    to_talk: tuple[str, ...] = ()
    """The replies to everyday talk that asks nothing and that no other reply fits, in the order in
    which they are given."""

    picked: str | None = None
    """The button, of those below the last answer, that the person picks: "the first one"."""
    again: Candidate | None = None
    """The likeliest reply, where it was given before and LOOK_ABOVE was not."""

    @property
    def severity(self) -> Severity:
        """The severity of the message."""
        return self.message.assessment.severity


@dataclass(frozen=True)
class Understanding:
    """Everything that understanding a message needs; pure and shared between threads."""

    model: DialogueModel
    replies: Replies
    questions: Questions
    facts: Facts

    def understand(self, message: IncomingText, before: ConversationState) -> UnderstoodTurn:
        """Return what the message does in a conversation of this state."""
        answered = self.questions.answer(before.asked, message.text)
        said = self.facts.said_by_writer(message.text, message.canonical)
        said |= {SAYS_SAFE} if answered == SAFE_NOW else set()
        said |= {DENIED} if self.takes_back(message, before) else set()
        after = before.after(message.assessment).with_facts(said, message.assessment)
        place = _place(message, before, after, self.replies)
        words = len(message.canonical.split())
        acts = self.model.act_probabilities(message.vector, place, words)
        act = max(acts, key=lambda name: acts[name])
        suiting = self.replies.suiting(after)
        about = _with_matters_of(after, self.replies.all())
        in_place = {
            id_
            for id_, each in suiting.items()
            if each.counts_after(before) or each.counts_after(about)
        }
        fresh = {id_: each for id_, each in suiting.items() if id_ not in before.said}
        ranked = self._ranked(message, place, words, fresh, acts)
        again = None
        if LOOK_ABOVE in fresh and len(fresh) < len(suiting):
            best = self._ranked(message, place, words, suiting, acts)[:1]
            again = next((each for each in best if each.id in before.said), None)
        if _tells_something_new(message.assessment, before):
            # What is disclosed for the first time is answered as where a conversation begins.
            begun = replace(
                place,
                need=None,
                last_kind="none",
                last_reply=None,
                said=frozenset(),
                asked=False,
                leaning={},
                themes={},
            )
            first = {id_: each for id_, each in fresh.items() if id_.startswith(FIRST)}
            tells = self.model.act_probabilities(message.vector, begun, words)
            ranked = _likelier(ranked, self.model.rank(message.vector, begun, words, first, tells))
        ranked = _with_phrasings(ranked, self.replies.asked_by(message.text) & in_place & {*fresh})
        words_of = {id_: each.text_in(after) or "" for id_, each in fresh.items()}
        grave = after.is_grave
        asks = act.startswith(_ASKS) or "?" in message.text
        return UnderstoodTurn(
            message,
            act,
            acts[act],
            said,
            answered,
            _is_about_a_chat(message),
            tuple(
                replace(
                    each,
                    in_place=each.id in in_place,
                    names_999=_EMERGENCY in words_of[each.id],
                    need=next(iter(fresh[each.id].needs), None),
                    of_other_matter=_is_of_other_matter(fresh[each.id], about),
                    is_everyday=fresh[each.id].is_everyday,
                    is_question=any(name.startswith(_WANTS) for name in fresh[each.id].acts),
                )
                for each in ranked
                if each.probability >= _SURE_OF_REPLY or _does(fresh[each.id], acts)
            ),
            tuple(
                id_
                for id_, each in fresh.items()
                if id_.startswith(HEARD)
                and not each.when_said  # that it keeps happening is said only to who said so
                and id_ in in_place
                and act in each.acts
                and (_EMERGENCY in words_of[id_] or not grave or act.startswith(_ASKS))
            ),
            by_fact=tuple(
                Candidate(
                    id_,
                    PHRASING,
                    names_999=_EMERGENCY in words_of[id_],
                    of_this_matter=bool(each.categories),
                )
                for id_, each in sorted(fresh.items(), key=lambda each: _breadth(each[1]))
                if id_ in in_place
                and not said.isdisjoint(each.when_said)
                and (not asks or any(name.startswith(_ASKS) for name in each.acts))
            ),
            steps_on=tuple(
                id_
                for id_ in (_steps_on(fresh, in_place, after) if act == _ADDS else ())
                if _EMERGENCY in words_of[id_] or not grave
            ),
            to_talk=tuple(id_ for id_ in _listens(before, words) if id_ in fresh),
            picked=self.questions.picked(before.offered, message.text),
            again=again,
        )

    def takes_back(self, message: IncomingText, before: ConversationState) -> bool:
        """Return whether a message corrects an alarm that only the network has raised.

        It does what a correction does, nothing but the network hears a risk in it, and the
        likeliest reply is one to ordinary life or one that takes the alarm back: "its a HAMSTER".
        """
        assessment = message.assessment
        silent = assessment.severity == Severity.NONE or assessment.is_by_network_alone
        if not before.cards or before.is_sure or not silent:
            return False
        after = before.after(assessment).with_facts({DENIED}, assessment)
        place, words = _place(message, before, after, self.replies), len(message.canonical.split())
        acts = self.model.act_probabilities(message.vector, place, words)
        if sum(acts.get(name, 0.0) for name in _SAYS_AGAIN) < _SURELY_CORRECTS:
            return False
        suiting = self.replies.suiting(after)
        ranked = self.model.rank(message.vector, place, words, suiting, acts)
        if any(each.id.startswith(FIRST) and each.probability >= _TELLS_FROM for each in ranked):
            return False
        return any(
            each.probability >= _TAKEN_BACK_FROM
            and (self.replies.is_everyday(each.id) or each.id in _TAKE_BACK)
            for each in ranked[:1]
        )

    def _ranked(
        self,
        message: IncomingText,
        place: Place,
        words: int,
        replies: Mapping[str, ReplyRecord],
        acts: Mapping[str, float],
    ) -> list[Candidate]:
        """Rank the replies by the whole message, and by the question at its end if it has one."""
        ranked = self.model.rank(message.vector, place, words, replies, acts)
        if message.question is None:
            return ranked
        asks = self.model.act_probabilities(message.question, place, words)
        # A question discloses nothing by itself.
        later = {id_: each for id_, each in replies.items() if not id_.startswith(FIRST)}
        asked = self.model.rank(message.question, place, words, later, asks)
        return _likelier(ranked, asked)


def _steps_on(
    replies: Mapping[str, ReplyRecord], in_place: Collection[str], state: ConversationState
) -> tuple[str, ...]:
    """Return the replies that go on from a detail, the narrowest first; none near danger.

    Nor any where only the network has heard something, which may be everyday talk.
    """
    if not state.in_hand or state.is_near_danger or not state.is_sure:
        return ()
    found = [
        each
        for each in replies.values()
        if each.goes_on and each.id in in_place and {*each.categories} & {*state.categories[:1]}
    ]
    found += [
        each
        for each in replies.values()
        if each.goes_on and each.id in in_place and not each.categories
    ]
    return tuple(each.id for each in sorted(found, key=lambda each: _breadth(each)[1:]))


def _with_matters_of(
    state: ConversationState, replies: Mapping[str, ReplyRecord]
) -> ConversationState:
    """Return the state with the categories of the first answers that were given.

    A recording on a video call may be heard as grooming; the first answer says that it is about a
    picture, and what is asked next is too.
    """
    given = (replies[id_] for id_ in state.said if id_.startswith(FIRST) and id_ in replies)
    matters = (category for each in given for category in each.categories)
    return replace(state, categories=tuple(dict.fromkeys((*state.categories, *matters))))


def _is_of_other_matter(reply: ReplyRecord, about: ConversationState) -> bool:
    """Return whether a reply is about other categories than what was told."""
    return bool(reply.categories and about.categories) and not (
        {*reply.categories} & {*about.categories}
    )


def _listens(before: ConversationState, words: int) -> tuple[str, ...]:
    """Return the replies that have listened to everyday talk; none is cheerful after grief."""
    if (before.last_reply or "").startswith(_GRIEF):
        return _TO_GRIEF
    return _TO_A_STORY if words >= STORY_WORDS else _TO_TALK


def _breadth(reply: ReplyRecord) -> tuple[int, bool, int]:
    """Return how broad a reply is: how many people it may be about, and how many categories.

    One about anybody, or about any category, is the broadest.
    """
    return len(reply.by) or _ANYBODY, not reply.categories, len(reply.categories)


def _tells_something_new(assessment: Assessment, before: ConversationState) -> bool:
    """Return whether a message discloses what the conversation was not about before."""
    new = not {*assessment.categories[:1]} <= {*before.categories}
    return assessment.severity >= Severity.URGENT and before.need is not None and new


def _likelier(some: list[Candidate], others: list[Candidate]) -> list[Candidate]:
    """Return the candidates of both, each with its higher probability, the likeliest first."""
    found: dict[str, Candidate] = {}
    for each in sorted([*some, *others], key=lambda each: -each.probability):
        found.setdefault(each.id, each)
    return list(found.values())


def _does(reply: ReplyRecord, acts: Mapping[str, float]) -> bool:
    """Return whether a message of these acts may do what the reply answers."""
    if reply.id.startswith(ABOUT_THE_TALK):
        return sum(acts.get(name, 0.0) for name in reply.acts) >= _ACT_OF_TALK_FROM
    # A correction or a complaint says again what was not answered, which may be anything.
    own = {*reply.acts, *_SAYS_AGAIN}
    # The model calls a disclosure that comes later a detail, although it may be new.
    own |= {*_TELLS} if not own.isdisjoint(_TELLS) else set()
    return sum(acts.get(name, 0.0) for name in own) >= _ACT_FROM


def _with_phrasings(ranked: list[Candidate], asked: frozenset[str]) -> list[Candidate]:
    """Return the candidates with those of which the message is a phrasing as sure ones."""
    chances = {each.id: each.probability for each in ranked}
    chances |= {id_: max(chances.get(id_, 0.0), PHRASING) for id_ in sorted(asked)}
    ordered = sorted(chances.items(), key=lambda each: -each[1])
    return [Candidate(id_, chance) for id_, chance in ordered]


def _place(
    message: IncomingText, before: ConversationState, after: ConversationState, replies: Replies
) -> Place:
    asks = message.topic if message.topic_confidence >= _TOPIC_FROM else None
    leaning = dict(before.leaning)
    return Place(
        need=before.need_in_hand,
        need_after=after.need_in_hand,
        categories=frozenset(after.categories),
        topics=frozenset(each for each in (before.topic, asks) if each),
        facts=frozenset(after.facts),
        last_kind=before.last_kind,
        last_reply=before.last_reply,
        said=frozenset(before.said),
        asked=before.asked is not None,
        audience=after.audience,
        leaning=leaning,
        themes=replies.in_themes(leaning) if leaning else {},
    )


def _is_about_a_chat(message: IncomingText) -> bool:
    if any(sign_of(signal) for signal in message.assessment.signals):
        return True
    chat = pasted_chat(message.text)
    return chat is not None and not chat.guessed
