"""The risk engine's input and output: turns, signals and assessments, and the need that follows."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from safeguarding.taxonomy import PARENT, SIGNS, YOUNG_PERSON, Severity, taxonomy

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

WIDTH = 768
"""Number of numbers in a sentence vector."""
_LITTLE_ENDIAN = "<f4"


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


MODEL, CONVERSATION = "model", "conversation"
"""The kinds of the network's signals: from a message, and from it read with those before."""
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
    def is_by_network_alone(self) -> bool:
        """Whether only the network heard a risk: no reviewed phrase, and nothing else, agrees."""
        kinds = {signal.kind for signal in self.signals}
        return bool(kinds) and kinds <= {MODEL, CONVERSATION}

    def is_sure_of(self, severity: Severity) -> bool:
        """Return whether more than the network says that it is at least this severe."""
        return self.severity >= severity and any(
            signal.severity >= severity and signal.kind not in {MODEL, CONVERSATION}
            for signal in self.signals
        )

    @property
    def is_sure_of_danger(self) -> bool:
        """Whether more than the network says that the danger is immediate."""
        return self.is_sure_of(Severity.IMMEDIATE)

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


def categories_of(need: str) -> frozenset[str]:
    """Return the categories that call for this need; empty if it does not depend on them."""
    if need == "adult_in_crisis":
        return _OF_ADULTS
    known = taxonomy().category_help
    return frozenset(name for name in known if known[name]["need"] == need)


def subjects_of(need: str) -> tuple[str, ...]:
    """Return the subjects of a message that has this need."""
    others = tuple(name for name in _NEEDS_OF_OTHERS if _NEEDS_OF_OTHERS[name] == need)
    return others or ("self",)


def _need_of_an_adult(assessment: Assessment, audience: str | None) -> str:
    """Return the need of an adult.

    An adult writes about a child unless the message is about themselves and of a category that
    concerns adults. For a professional fewer categories do, since their reports read like their own
    experience.
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
    first = next(iter(assessment.categories), "")
    need = taxonomy().category_help.get(first, {}).get("need", _UNCLEAR)
    return _UNCLEAR if need == _OWN_BEHAVIOUR and assessment.subject != "self" else need


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


@dataclass(frozen=True)
class Analysis:
    """Everything that the risk engine makes of one message, in one pass."""

    assessment: Assessment
    canonical: str
    """The words as the lexicon and the encoder read them."""
    vector: Floats | None
    """The unit-length sentence vector of the whole message, shape (768,); None when there is no
    encoder, or when it failed: the assessment counts all the same."""


@dataclass(frozen=True)
class AssessedMessage:
    """The risk engine's verdict on a message, and what the encoder makes of it."""

    assessment: Assessment
    vector: Floats | None
    """The unit-length sentence vector, shape (768,), from which the topic is read; None for a
    message without a word in it."""
    language: str | None = None
    """The code of the other language that it is in, of those in content/languages."""
    canonical: str = ""
    """The words as the lexicon reads them, between single spaces."""
    dialogue: Floats | None = None
    """The vector by which a reply is chosen, shape (1536,); None for a message without a word."""
    question: Floats | None = None
    """Such a vector of the question at the end of a longer message; None without one."""

    def as_record(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary, as the gateway hands it to Rasa's channel.

        A vector becomes 32-bit little-endian floats in base64.
        """
        vector = written_vector(self.vector) if self.vector is not None else None
        others = {"dialogue": self.dialogue, "question": self.question}
        record = {
            "assessment": self.assessment.as_record(),
            "vector": vector,
            "canonical": self.canonical,
        }
        record |= {"language": self.language} if self.language else {}
        return record | {
            name: written_vector(each) for name, each in others.items() if each is not None
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> AssessedMessage:
        """Read the result of `as_record`. Raises KeyError, TypeError or ValueError."""
        return cls(
            Assessment.from_record(record["assessment"]),
            _vector_of(record["vector"]),
            record.get("language"),
            str(record.get("canonical", "")),
            _joined_of(record.get("dialogue")),
            _joined_of(record.get("question")),
        )


def _vector_of(text: str | None) -> Floats | None:
    if text is None:
        return None
    vector = read_vector(text)
    if len(vector) != WIDTH:
        raise ValueError(f"a vector of {len(vector)} numbers, not {WIDTH}")
    return vector


def _joined_of(text: str | None) -> Floats | None:
    """Return a vector of the planner; None where a gateway of another version sent another one."""
    vector = read_vector(text) if text is not None else None
    return vector if vector is not None and len(vector) == 2 * WIDTH else None


def written_vector(vector: Floats) -> str:
    """Return a sentence vector as text: 32-bit little-endian floats in base64."""
    return b64encode(vector.astype(_LITTLE_ENDIAN).tobytes()).decode("ascii")


def read_vector(text: str) -> Floats:
    """Read the result of `written_vector`. Raises TypeError or ValueError for anything else."""
    import numpy as np  # noqa: PLC0415 - staff's processes read assessments, and no vectors

    return np.frombuffer(b64decode(text, validate=True), _LITTLE_ENDIAN).astype(np.float32)
