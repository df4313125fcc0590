"""The state of a conversation: severity, need, audience, and the content already shown.

The gateway keeps the state and hands it to Rasa with each message. Without a gateway, Rasa rebuilds
it from the assessments in its tracker. It holds ids and labels, never a person's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from safeguarding.risk.assessment import CONVERSATION, Assessment, need_of
from safeguarding.taxonomy import ADULTS, PARENT, YOUNG_PERSON, Severity, reader_of, taxonomy

UNCLEAR, DANGER_NOW = "unclear", "danger_now"
_OF_LIFE = frozenset({"suicide", "adult_in_crisis"})
_OWN_CARD = _OF_LIFE | {"self_harm"}
"""Needs whose own card is shown although another need's was before."""
_OF_LIFE_CATEGORIES = frozenset({"suicide", "self_harm"})
_MEANS = frozenset({"has_means", "tablets"})
"""Facts about something to hurt oneself with: beside such a category the need is clear."""
_CATEGORIES = 4
_NEAR_DANGER = 1
"""For how many messages immediate danger stays close."""
CALM_AFTER = 2
"""Messages without a risk after which a concern no longer decides the replies."""
ADULTS_NEEDS = frozenset({"adult_for_child", "adult_in_crisis"})
"""Needs of a person who writes as an adult, also when they have not said who they are."""
_OF_ADULTS = frozenset({"domestic_abuse", "relationship_abuse", "suicide", "self_harm", "distress"})
"""Categories that a parent tells of themselves."""
_PARTNER = "other_is_partner"
_LEANS, _FADES, _LEAST_LEANING = 16, 0.5, 0.005
"""How many replies `leaning` keeps, the share of a weight that the next message leaves, and the
weight below which a reply is dropped."""
SAYS_SAFE, HELP_CALLED = "says_safe", "help_was_called"
DENIED = "meant_otherwise"
OVER = frozenset({SAYS_SAFE, HELP_CALLED, DENIED})
"""The facts of content/facts.yml that lift an alarm."""
ALREADY_SHOWN = "already_shown"
"""The Rasa slot that carries AlreadyShown with a message."""
MOST_SHOWN = 200
"""How many ids of each kind AlreadyShown keeps; the oldest are dropped."""


@dataclass(frozen=True)
class ConversationState:
    """The state before or after a message. Its severity never falls."""

    severity: Severity = Severity.NONE
    need: str | None = None
    """The help that was asked for, immediate danger aside; later messages inherit it."""
    categories: tuple[str, ...] = ()
    """The main risk category of each message that showed risk, the latest first."""
    audience: str | None = None
    is_guessed: bool = False
    """Whether the audience is a guess from what was told: replies fit it, and records leave it
    out."""
    area: str | None = None
    age: int | None = None
    """In years; None when the person has not said it."""
    topic: str | None = None
    """The article last asked about or shown."""
    cards: Mapping[str, Severity] = field(default_factory=dict)
    """The highest severity of the help cards shown, by need."""
    guide: str | None = None
    """The open step of a guide, as "sextortion/2"."""
    asked: str | None = None
    """The open question, by its id in content/questions.yml."""
    replies: int = 0
    """Number of replies so far; rotates alternative wordings."""
    facts: tuple[str, ...] = ()
    """The facts that the person has said (content/facts.yml)."""
    said: tuple[str, ...] = ()
    """The replies of content/replies that were given, the latest last: none is given twice."""
    last_kind: str = "none"
    """What was said last: "card", "reply", "article", "guide", "contacts", "ask" or "other"."""
    offered: tuple[str, ...] = ()
    """The ids of the buttons of replies and articles below what was said last, in their order."""
    calm: int = 0
    """Number of messages without a risk since the last one with a risk."""
    since_danger: int = 0
    """Number of messages since the last one in immediate danger; 0 before and at one."""
    asked_if_safe: bool = False
    """Whether the person was asked if they are safe."""
    is_over: bool = False
    """Whether they have said since that the danger is past, that help was called, or that it was
    not meant so (facts OVER). What staff see stays; replies no longer sound the alarm."""
    talked: bool = False
    """Whether the last message with a risk was answered as everyday talk, without a help card."""
    is_sure: bool = False
    """Whether more than the network has heard something urgent: a reviewed phrase, a button, or
    another reader."""
    leaning: tuple[tuple[str, float], ...] = ()
    """The replies that the messages so far asked for, each with a weight above 0, the greatest
    first: what the person has been talking about."""

    def after(self, assessment: Assessment) -> ConversationState:
        """Return the state after a message with this assessment."""
        audience, is_guessed = self.audience, self.is_guessed
        tells_as_adult = self.need is None or self.need in ADULTS_NEEDS
        if audience is None and assessment.subject == "own_child" and tells_as_adult:
            audience, is_guessed = PARENT, True
        calm = self.calm + 1 if self.severity else 0
        danger = assessment.severity == Severity.IMMEDIATE
        since = 0 if danger or self.severity < Severity.IMMEDIATE else self.since_danger + 1
        state = replace(
            self,
            audience=audience,
            is_guessed=is_guessed,
            replies=self.replies + 1,
            calm=calm,
            since_danger=since,
        )
        if assessment.severity < Severity.CONCERN:
            return state
        return replace(
            state,
            calm=0,
            talked=False,
            is_sure=self.is_sure or assessment.is_sure_of(Severity.URGENT),
            is_over=self.is_over and assessment.severity < Severity.URGENT,
            severity=max(self.severity, assessment.severity),
            need=self._need_after(assessment, audience),
            categories=tuple(dict.fromkeys((*assessment.categories[:1], *self.categories)))[
                :_CATEGORIES
            ],
        )

    def _need_after(self, assessment: Assessment, audience: str | None) -> str:
        """Return the need of the conversation after this assessment.

        A later message that is no graver seldom says whom it is about, so it changes the need only
        when it speaks of dying.
        """
        at_most_urgent = replace(assessment, severity=min(assessment.severity, Severity.URGENT))
        need = need_of(at_most_urgent, audience) or UNCLEAR
        need = UNCLEAR if need == DANGER_NOW else need
        if self.need in {None, UNCLEAR}:
            return need
        if audience is None and (need in ADULTS_NEEDS) != (self.need in ADULTS_NEEDS):
            # Who writes changes by a button or a plain statement, never by a guess.
            return self.need or UNCLEAR
        says_whom = need != UNCLEAR and assessment.subject != "unknown"
        graver = assessment.severity > self.severity and says_whom
        # The network may hear it in all messages together, without a word of it in this one.
        elsewhere = {signal.kind for signal in assessment.signals} == {CONVERSATION}
        dying = assessment.categories[:1] == ("suicide",) and need in _OF_LIFE and not elsewhere
        return need if graver or dying else self.need or UNCLEAR

    def shown(self, need: str, severity: Severity) -> ConversationState:
        """Return the state after the help card for this need was shown."""
        highest = max(severity, self.cards.get(need, Severity.NONE))
        return replace(self, cards={**self.cards, need: highest})

    def joined(self, other: ConversationState) -> ConversationState:
        """Return the union of two gateways' states of one conversation.

        The graver severity and need and the later risk count; else this state goes first.
        """
        graver = self if self.severity >= other.severity else other
        cards = {
            need: max(state.cards.get(need, Severity.NONE) for state in (self, other))
            for need in {**self.cards, **other.cards}
        }
        return replace(
            self,
            severity=graver.severity,
            need=graver.need or self.need or other.need,
            categories=tuple(dict.fromkeys((*self.categories, *other.categories)))[:_CATEGORIES],
            audience=self.audience or other.audience,
            is_guessed=self.is_guessed if self.audience else other.is_guessed,
            area=self.area or other.area,
            age=self.age or other.age,
            cards=cards,
            asked=self.asked or other.asked,
            replies=max(self.replies, other.replies),
            facts=tuple(dict.fromkeys((*self.facts, *other.facts))),
            said=(*(each for each in other.said if each not in self.said), *self.said)[
                -MOST_SHOWN:
            ],
            offered=self.offered or other.offered,
            calm=min(self.calm, other.calm),
            since_danger=min(self.since_danger, other.since_danger),
            asked_if_safe=self.asked_if_safe or other.asked_if_safe,
            is_over=self.is_over and other.is_over,
            is_sure=self.is_sure or other.is_sure,
            talked=self.talked and other.talked,
            leaning=self.leaning or other.leaning,
        )

    @property
    def said_audience(self) -> str | None:
        """The audience that the person gave, in words or by a button."""
        return None if self.is_guessed else self.audience

    @property
    def need_in_hand(self) -> str | None:
        """The need that a reply still has to keep in mind.

        A concern lets go after CALM_AFTER messages without a risk; something graver stays, unless
        the person has said that it was not meant so. What only the network heard lets go at once
        then.
        """
        if self.severity <= Severity.CONCERN and self.calm >= CALM_AFTER:
            return None
        if self.was_talk:
            return None
        denied = self.is_over and DENIED in self.facts
        if denied and self.calm >= (CALM_AFTER if self.is_sure else 1):
            return None
        return self.need

    @property
    def was_talk(self) -> bool:
        """Whether all that was heard so far was answered as everyday talk, without a help card.

        Only the network heard it. What staff see stays.
        """
        by_network = not self.is_sure and self.severity < Severity.IMMEDIATE
        return by_network and self.talked and not self.cards

    @property
    def last_reply(self) -> str | None:
        """The reply that was said last, if it was one of content/replies."""
        return self.said[-1] if self.said and self.last_kind == "reply" else None

    @property
    def alarm(self) -> Severity:
        """The severity that still decides how a reply sounds: at most a concern once it is over.

        Immediate danger that was answered without the card of danger sounds like the gravest card.
        """
        if self.was_talk:
            return Severity.NONE
        if self.is_over:
            return min(self.severity, Severity.CONCERN)
        answered = self.severity == Severity.IMMEDIATE and self.since_danger > 0
        shown = max(self.cards.values(), default=self.severity)
        return min(self.severity, shown) if answered else self.severity

    @property
    def is_grave(self) -> bool:
        """Whether replies keep to something urgent: one that not the network alone has heard.

        Immediate danger counts, and so does a need in which life may be at risk. What the network
        alone takes for urgent is often ordinary talk, which is then not asked if it is safe.
        """
        sure = self.is_sure or self.alarm == Severity.IMMEDIATE or self.need in _OWN_CARD
        return self.alarm >= Severity.URGENT and sure

    @property
    def is_near_danger(self) -> bool:
        """Whether immediate danger was told in this message or in the one before."""
        return self.alarm == Severity.IMMEDIATE and self.since_danger <= _NEAR_DANGER

    def with_facts(
        self, said: Iterable[str], assessment: Assessment | None = None
    ) -> ConversationState:
        """Return the state after a message that says these facts.

        Danger in the same message is not over, but once help was called the person is not told to
        call again. After a card, a danger that only the network hears in the message (its
        `assessment`) is over when the person says so.
        """
        said = sorted(said)
        in_danger = self.severity == Severity.IMMEDIATE and self.since_danger == 0
        guessed = assessment is not None and not assessment.is_sure_of_danger and bool(self.cards)
        in_danger = in_danger and HELP_CALLED not in said and not guessed
        of_life = assessment is not None and not _OF_LIFE_CATEGORIES.isdisjoint(
            assessment.categories
        )
        at_hand = of_life and self.need == UNCLEAR and not _MEANS.isdisjoint(said)
        return replace(
            self,
            need="suicide" if at_hand else self.need,
            facts=tuple(dict.fromkeys((*self.facts, *said))),
            is_over=self.is_over or (not in_danger and not OVER.isdisjoint(said)),
        )

    def spoken_by(self, audience: str | None, subject: str | None = None) -> ConversationState:
        """Return the state after the person corrects who they are or whom they write about.

        `subject` is "self" or "friend". The need follows, because it was guessed from the words
        before: a child who was taken for a parent reads no adult's words again.
        """
        guessed = self.is_guessed and audience is None
        state = replace(self, audience=audience or self.audience, is_guessed=guessed)
        if self.need is None:
            return state
        need = self.need
        if audience in ADULTS and need not in ADULTS_NEEDS:
            of_adults = not _OF_ADULTS.isdisjoint(self.categories[:1])
            own = audience == PARENT and (of_adults or _PARTNER in self.facts)
            need = "adult_in_crisis" if own else "adult_for_child"
        elif audience == YOUNG_PERSON and need in ADULTS_NEEDS:
            need = self._own_need()
        if subject == "friend" and need not in ADULTS_NEEDS:
            need = "friend"
        elif subject == "self" and need == "friend":
            need = self._own_need()
        return replace(state, need=need)

    def _own_need(self) -> str:
        """Return the need of a young person about themselves, by what was told last."""
        first = next(iter(self.categories), "")
        return str(taxonomy().category_help.get(first, {}).get("need", UNCLEAR))

    def leaning_to(self, asked: Mapping[str, float]) -> ConversationState:
        """Return the state after a message that asks for these replies, with these probabilities.

        What was asked for before fades by _FADES with each message.
        """
        weights = {reply: weight * _FADES for reply, weight in self.leaning}
        for reply, probability in asked.items():
            weights[reply] = weights.get(reply, 0.0) + probability
        ordered = sorted(weights.items(), key=lambda each: (-each[1], each[0]))
        kept = [(reply, round(weight, 3)) for reply, weight in ordered[:_LEANS]]
        return replace(self, leaning=tuple(each for each in kept if each[1] >= _LEAST_LEANING))

    def having_said(self, reply: str) -> ConversationState:
        """Return the state after this reply of content/replies was given."""
        said = (*(each for each in self.said if each != reply), reply)
        return replace(self, said=said[-MOST_SHOWN:])

    @property
    def in_hand(self) -> bool:
        """Whether something that was disclosed is still to be kept in mind."""
        return self.severity >= Severity.CONCERN and self.need_in_hand is not None

    def needs(self, name: str) -> bool:
        """Return whether the conversation has this need; `danger_now` once it was immediate."""
        if name == DANGER_NOW:
            return self.severity == Severity.IMMEDIATE
        return self.need == name

    def has_seen(self, need: str | None, severity: Severity) -> bool:
        """Return whether a help card for this need, at least this grave, was shown before.

        Up to urgent, an urgent card for another need counts too, except where life may be at risk.
        """
        if need is None:
            return False
        urgent = max(self.cards.values(), default=Severity.NONE) >= Severity.URGENT
        covered = severity <= Severity.URGENT and urgent and need not in _OWN_CARD
        return self.cards.get(need, Severity.NONE) >= severity or covered

    def has_card(self, need: str | None, severity: Severity) -> bool:
        """Return whether the card for this very need, at least this grave, was shown before."""
        return need is not None and self.cards.get(need, Severity.NONE) >= severity

    @property
    def reader(self) -> str:
        """The reader that help cards address: "young_person" or "adult"."""
        if self.audience is None and self.need in ADULTS_NEEDS:
            return "adult"
        return reader_of(self.audience)

    def as_record(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary without empty values."""
        record = {
            **vars(self),
            "severity": self.severity.label,
            "categories": list(self.categories),
            "facts": list(self.facts),
            "said": list(self.said),
            "offered": list(self.offered),
            "last_kind": None if self.last_kind == "none" else self.last_kind,
            "calm": self.calm or None,
            "since_danger": self.since_danger or None,
            "is_guessed": self.is_guessed or None,
            "asked_if_safe": self.asked_if_safe or None,
            "is_over": self.is_over or None,
            "is_sure": self.is_sure or None,
            "talked": self.talked or None,
            "leaning": [list(each) for each in self.leaning],
            "cards": {need: severity.label for need, severity in self.cards.items()},
        }
        return {name: value for name, value in record.items() if value not in (None, {}, [])}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ConversationState:
        """Return the inverse of `as_record`. Raises KeyError, TypeError or ValueError."""
        cards = {need: Severity.named(label) for need, label in record.get("cards", {}).items()}
        severity = Severity.named(record.get("severity", "none"))
        names = ("categories", "facts", "said", "offered")
        lists = {name: tuple(record.get(name, ())) for name in names}
        lists["leaning"] = tuple((str(id_), float(w)) for id_, w in record.get("leaning", ()))
        return cls(**{**record, "cards": cards, "severity": severity, **lists})


@dataclass(frozen=True)
class AlreadyShown:
    """The ids of the content shown before, in order of first showing, so that none is repeated."""

    contacts: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    """Ids of the buttons that were offered."""
    topics: tuple[str, ...] = ()
    """Topics of messages: articles, and steps of guides."""

    def and_of(self, messages: Iterable[Mapping[str, Any]]) -> AlreadyShown:
        """Return these ids together with those in messages (safeguarding.messages.Message)."""
        shown = list(messages)
        return AlreadyShown(
            _latest(self.contacts, (each["id"] for m in shown for each in m.get("contacts") or ())),
            _latest(self.choices, (each["id"] for m in shown for each in m.get("choices") or ())),
            _latest(self.topics, (m["topic"] for m in shown if m.get("topic"))),
        )

    def as_record(self) -> dict[str, list[str]]:
        """Return a JSON-ready dictionary without empty kinds."""
        kinds = {"contacts": self.contacts, "choices": self.choices, "topics": self.topics}
        return {kind: list(ids) for kind, ids in kinds.items() if ids}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> AlreadyShown:
        """Return the inverse of `as_record`. Raises TypeError for any other record."""
        return cls(**{kind: _ids(ids) for kind, ids in record.items()})


def _latest(before: tuple[str, ...], now: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *now)))[-MOST_SHOWN:]


def _ids(ids: Any) -> tuple[str, ...]:
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise TypeError("a list of ids is expected")
    return _latest((), ids)
