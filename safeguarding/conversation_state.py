"""What a conversation has come to: how grave, about what, for whom, and what was shown.

The gateway keeps it and hands it to Rasa with each message; where there is no gateway, Rasa makes
it anew from the assessments in its tracker. It holds no words of anybody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from safeguarding.risk.assessment import Assessment, need_of
from safeguarding.taxonomy import PARENT, Severity, reader_of

UNCLEAR, DANGER_NOW = "unclear", "danger_now"
_OF_LIFE = frozenset({"suicide", "adult_in_crisis"})
_KEPT = 4
ADULTS_NEEDS = frozenset({"adult_for_child", "adult_in_crisis"})
"""Needs of somebody who writes as an adult, also when they have not said who they are."""


@dataclass(frozen=True)
class ConversationState:
    """The state before or after a message. It never becomes less grave."""

    severity: Severity = Severity.NONE
    need: str | None = None
    """What help was asked for, danger left aside; it carries over to what follows."""
    categories: tuple[str, ...] = ()
    """The main risk category of each message that told something, the latest first."""
    audience: str | None = None
    area: str | None = None
    age: int | None = None
    """In years, where the person has said it."""
    topic: str | None = None
    """The article in hand: the last one asked about or shown."""
    cards: Mapping[str, Severity] = field(default_factory=dict)
    """Which help cards were shown, by need, and the highest severity of each."""
    guide: str | None = None
    """The step of a guide that is open, as "sextortion/2"."""
    asked: str | None = None
    """The question that is open, by its id in content/questions.yml."""
    replies: int = 0
    """How many messages were answered: whose words take turns count by it."""

    def after(self, assessment: Assessment) -> ConversationState:
        """The state once a message has been assessed."""
        audience = self.audience
        if audience is None and assessment.subject == "own_child":
            audience = PARENT
        state = replace(self, audience=audience, replies=self.replies + 1)
        if assessment.severity < Severity.CONCERN:
            return state
        return replace(
            state,
            severity=max(self.severity, assessment.severity),
            need=self._need_after(assessment, audience),
            categories=tuple(dict.fromkeys((*assessment.categories[:1], *self.categories)))[:_KEPT],
        )

    def _need_after(self, assessment: Assessment, audience: str | None) -> str:
        """The need of the conversation. A later message that is no graver says little by itself
        of whom it is about: only one that speaks of dying changes what was told before."""
        told = replace(assessment, severity=min(assessment.severity, Severity.URGENT))
        need = need_of(told, audience) or UNCLEAR
        need = UNCLEAR if need == DANGER_NOW else need
        if self.need in {None, UNCLEAR}:
            return need
        says_whom = need != UNCLEAR and assessment.subject != "unknown"
        graver = assessment.severity > self.severity and says_whom
        dying = assessment.categories[:1] == ("suicide",) and need in _OF_LIFE
        return need if graver or dying else self.need or UNCLEAR

    def shown(self, need: str, severity: Severity) -> ConversationState:
        """The state once the help card for this need was shown."""
        highest = max(severity, self.cards.get(need, Severity.NONE))
        return replace(self, cards={**self.cards, need: highest})

    def joined(self, other: ConversationState) -> ConversationState:
        """The state of a conversation of which two gateways know apart: the graver counts, and
        else what this one says."""
        graver = self if self.severity >= other.severity else other
        cards = {
            need: max(state.cards.get(need, Severity.NONE) for state in (self, other))
            for need in {**self.cards, **other.cards}
        }
        return replace(
            self,
            severity=graver.severity,
            need=graver.need or self.need or other.need,
            categories=tuple(dict.fromkeys((*self.categories, *other.categories)))[:_KEPT],
            audience=self.audience or other.audience,
            area=self.area or other.area,
            age=self.age or other.age,
            cards=cards,
            asked=self.asked or other.asked,
            replies=max(self.replies, other.replies),
        )

    def needs(self, name: str) -> bool:
        """Whether the conversation came to this need; `danger_now` once it was immediate."""
        if name == DANGER_NOW:
            return self.severity == Severity.IMMEDIATE
        return self.need == name

    def has_seen(self, need: str | None, severity: Severity) -> bool:
        """Whether a help card for this need, at least this grave, was shown before."""
        return need is not None and self.cards.get(need, Severity.NONE) >= severity

    @property
    def reader(self) -> str:
        """Whose words a help card has: "young_person" or "adult"."""
        return "adult" if self.need in ADULTS_NEEDS else reader_of(self.audience)

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready dictionary, without what is not known."""
        record = {
            "severity": self.severity.label,
            "need": self.need,
            "categories": list(self.categories),
            "audience": self.audience,
            "area": self.area,
            "age": self.age,
            "topic": self.topic,
            "cards": {need: severity.label for need, severity in self.cards.items()},
            "guide": self.guide,
            "asked": self.asked,
            "replies": self.replies,
        }
        return {name: value for name, value in record.items() if value not in (None, {}, [])}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ConversationState:
        """The inverse of `as_record`. Raises KeyError, TypeError or ValueError."""
        cards = {need: Severity.named(label) for need, label in record.get("cards", {}).items()}
        severity = Severity.named(record.get("severity", "none"))
        categories = tuple(record.get("categories", ()))
        return cls(**{**record, "cards": cards, "severity": severity, "categories": categories})
