"""The risk engine's input and output: turns, signals and assessments, and the need that follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from safeguarding.taxonomy import PARENT, SIGNS, YOUNG_PERSON, Severity, taxonomy


@dataclass(frozen=True)
class Turn:
    """One earlier message of the conversation. A history holds the oldest first."""

    by: str
    """ "user" or "assistant"."""
    text: str


@dataclass(frozen=True)
class Signal:
    """One reason for a severity: the source that fired, and the words on which it fired."""

    source: str
    """Permanent id of a lexicon entry, a combination or a model output."""
    kind: str
    """lexicon, combination, conversation, model, chat, length, button or answer."""
    version: str
    """Version of the source: a digest of the lexicon files or of the model weights."""
    category: str
    severity: Severity
    start: int
    """Offset of the first character of the words, in the text as typed."""
    end: int
    """One past the last character; start == end == 0 if the signal has no words of its own."""
    weight: float = 1.0
    """How sure the source is, from 0 to 1."""
    like: tuple[str, ...] = ()
    """For a model's signal, our own labelled sentences that are nearest to the message."""

    def as_record(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary; the severity becomes its label."""
        return {**vars(self), "severity": self.severity.label, "like": list(self.like)}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Signal:
        """Read the result of `as_record`, also of records from before `like`."""
        severity, like = Severity.named(record["severity"]), tuple(record.get("like", ()))
        return cls(**{**record, "severity": severity, "like": like})


CHAT = "chat"
"""The kind of a pasted chat's signals."""
_CHAT_SOURCE = "chat-"


def source_of(sign: str) -> str:
    """Return the permanent id by which a signal names a sign of grooming as its source."""
    return f"{_CHAT_SOURCE}{sign}"


def sign_of(signal: Signal) -> str | None:
    """Return the sign of grooming that a signal is about, if it is about one."""
    sign = signal.source.removeprefix(_CHAT_SOURCE)
    return sign if signal.kind == CHAT and sign in SIGNS else None


@dataclass(frozen=True)
class Assessment:
    """The severity of one message, and what it is about."""

    severity: Severity
    categories: tuple[str, ...]
    """Risk categories, the most severe first; empty if the severity is none."""
    subject: str
    """One of the taxonomy's subjects: self, friend, own_child, other_child, unknown."""
    signals: tuple[Signal, ...]

    @property
    def need(self) -> str | None:
        """One of the taxonomy's needs, by the message alone; None without a risk."""
        return need_of(self)

    @property
    def topics(self) -> tuple[str, ...]:
        """The articles for a young person about its categories, the most severe first."""
        known = taxonomy().category_help
        articles = (known[name]["young_person"] for name in self.categories if name in known)
        return tuple(dict.fromkeys(articles))

    def as_record(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary: `make -s screen` prints it, the tracker keeps it."""
        return {
            "severity": self.severity.label,
            "categories": list(self.categories),
            "need": self.need,
            "subject": self.subject,
            "topics": list(self.topics),
            "signals": [signal.as_record() for signal in self.signals],
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Assessment:
        """Read the result of `as_record`. Need and topics are derived, also for old records."""
        return cls(
            severity=Severity.named(record["severity"]),
            categories=tuple(record["categories"]),
            subject=record["subject"],
            signals=tuple(Signal.from_record(signal) for signal in record["signals"]),
        )


NO_RISK = Assessment(severity=Severity.NONE, categories=(), subject="unknown", signals=())


_OWN_BEHAVIOUR, _UNCLEAR, _SUICIDE = "own_behaviour", "unclear", "suicide"
_NEEDS_OF_OTHERS = {
    "friend": "friend",
    "own_child": "adult_for_child",
    "other_child": "adult_for_child",
}
_ADULTS = frozenset({"parent", "professional"})
_OF_ADULTS_AT_WORK = frozenset({"suicide", "self_harm", "distress", "domestic_abuse"})
_OF_ADULTS = _OF_ADULTS_AT_WORK | {
    "relationship_abuse", "sexual_abuse", "physical_abuse", "emotional_abuse", "eating_disorder",
    "honour_based_abuse",
}  # fmt: skip


def need_of(assessment: Assessment, audience: str | None = None) -> str | None:
    """Return the help that is needed: one of the taxonomy's needs, or None without a risk.

    Danger now comes before everything else. For an adult (`audience` is "parent" or "professional")
    it then only matters whether the message is about themselves. `audience` None means unknown.
    """
    if assessment.severity == Severity.NONE:
        return None
    if assessment.severity == Severity.IMMEDIATE:
        return "danger_now"
    if audience in _ADULTS:
        return _need_of_an_adult(assessment, audience)
    if assessment.subject in _NEEDS_OF_OTHERS:
        # To a young person another child is a friend.
        return "friend" if audience == YOUNG_PERSON else _NEEDS_OF_OTHERS[assessment.subject]
    return "suicide" if _speaks_of_dying(assessment) else _need_of_the_first(assessment)


def _need_of_an_adult(assessment: Assessment, audience: str | None) -> str:
    """Return the need of an adult, who writes about a child unless the message is about themselves
    and of a category that concerns adults. For a professional fewer categories do, since their
    reports read like their own experience.
    """
    first = next(iter(assessment.categories), "")
    if assessment.subject != "self":
        return "adult_for_child"
    if first == "harmful_sexual_behaviour":
        return _OWN_BEHAVIOUR
    own = _OF_ADULTS if audience == PARENT else _OF_ADULTS_AT_WORK
    return "adult_in_crisis" if first in own else "adult_for_child"


def _speaks_of_dying(assessment: Assessment) -> bool:
    """Return whether suicide is the main category, or a reviewed phrase is about it."""
    phrases = (signal for signal in assessment.signals if signal.kind == "lexicon")
    return assessment.categories[:1] == (_SUICIDE,) or any(
        phrase.category == _SUICIDE and phrase.severity >= Severity.URGENT for phrase in phrases
    )


def _need_of_the_first(assessment: Assessment) -> str:
    """Return the need of the most severe category; "own behaviour" only if the subject is self."""
    known = taxonomy().category_help
    for name in assessment.categories[:1]:
        if name in known and (
            known[name]["need"] != _OWN_BEHAVIOUR or assessment.subject == "self"
        ):
            return known[name]["need"]
    return _UNCLEAR


def upgraded(first: Assessment, second: Assessment) -> Assessment:
    """Join two assessments of one message: the higher severity, and each signal once."""
    higher, lower = (first, second) if first.severity >= second.severity else (second, first)
    categories = tuple(dict.fromkeys(higher.categories + lower.categories))
    signals = tuple(dict.fromkeys(higher.signals + lower.signals))
    subject = higher.subject if higher.subject != "unknown" else lower.subject
    return Assessment(higher.severity, categories, subject, signals)


_IN_PART = Signal(
    source="read-in-part",
    kind="length",
    version="1",
    category="distress",
    severity=Severity.CONCERN,
    start=0,
    end=0,
)


def read_in_part(assessment: Assessment) -> Assessment:
    """Return the assessment of a message that was not read whole.

    It is at least a concern, and a signal tells staff why.
    """
    if assessment.severity == Severity.NONE:
        return Assessment(Severity.CONCERN, (_IN_PART.category,), assessment.subject, (_IN_PART,))
    return replace(assessment, signals=(*assessment.signals, _IN_PART))


def is_read_in_part(assessment: Assessment) -> bool:
    """Return whether the message was too long to be read whole."""
    return any(signal.source == _IN_PART.source for signal in assessment.signals)


_RISK_OF_CHOICE = {"not_safe_now": ("immediate_danger", Severity.IMMEDIATE)}


def assessment_of_choice(choice_id: str) -> Assessment | None:
    """Return the assessment that pressing a button amounts to, if it shows a risk."""
    if choice_id not in _RISK_OF_CHOICE:
        return None
    category, severity = _RISK_OF_CHOICE[choice_id]
    signal = Signal(
        source=f"button-{choice_id}",
        kind="button",
        version="1",
        category=category,
        severity=severity,
        start=0,
        end=0,
    )
    return Assessment(severity, (category,), "unknown", (signal,))
