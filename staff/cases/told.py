"""What a case tells: the message to read first, whom it is about, and which harms were told.

Lantern reads each message together with those before it, so that a slow build-up counts. What it
finds in that way belongs to the conversation and not to the message that came last: "what will they
ask" after a disclosure is as severe as the disclosure, and tells nothing. So only what a message
says in words of its own decides here (docs/adr/0055-what-a-case-tells.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from safeguarding.risk.assessment import CONVERSATION, Assessment, Signal
from safeguarding.taxonomy import Severity
from staff.cases.service_questions import asks_about_the_service

_CARRIED = frozenset({CONVERSATION, "length", "gateway"})
"""The kinds of signals that no words of their message cause: what was read together with earlier
messages, what could not be read, and help that was shown."""
_LONGEST_LINE = 120
"""Characters of a message that a row of the queue shows."""
_SURE = 0.5
"""The probability from which a model is sure enough to go before an earlier message."""
_REVIEWED = frozenset({"lexicon", "combination"})
_DYING, _UNKNOWN = "suicide", "unknown"
_WHEN, _NO_CAUSE = "immediate_danger", "distress"
"""A category that says when, and one that is only used where no cause was given."""


class ReadMessage(Protocol):
    """A message on record: an Escalation, or a row of one without its words."""

    @property
    def message_id(self) -> str:
        """The key of the message."""

    @property
    def raised_at(self) -> datetime:
        """The time at which it came."""

    @property
    def assessment(self) -> Assessment:
        """What Lantern made of it."""


_M = TypeVar("_M", bound=ReadMessage)


def own_signals(assessment: Assessment) -> tuple[Signal, ...]:
    """Return the signals that words of the message itself cause, or a button that was pressed."""
    return tuple(each for each in assessment.signals if each.kind not in _CARRIED)


def told_severity(assessment: Assessment) -> Severity:
    """Return how severe a message is by its own words; NONE where only its context is severe."""
    return max((each.severity for each in own_signals(assessment)), default=Severity.NONE)


def in_reading_order(messages: Iterable[_M]) -> list[_M]:
    """Return messages in the order in which they tell most.

    Graver by its own words goes first, then graver with its context, then what a reviewed phrase or
    a sure model heard, then what came earlier: that message changed the assessment.
    """

    def rank(message: _M) -> tuple[int, int, bool, bool, datetime, str]:
        found = message.assessment
        told = told_severity(found)
        gravest = [each for each in own_signals(found) if each.severity >= told]
        by_phrase = any(each.kind in _REVIEWED for each in gravest)
        is_sure = any(each.weight >= _SURE for each in gravest)
        ids = message.raised_at, message.message_id
        return -told, -found.severity, not by_phrase, not is_sure, *ids

    return sorted(messages, key=rank)


def first_to_read(messages: Iterable[_M], text_of: Callable[[_M], str]) -> _M:
    """Return the message to read first: the one that tells most and does not ask about the service.

    `text_of` returns the words of a message; it is called for as few messages as possible. Where
    all of them ask about the service, it is the one that tells most. Raises ValueError without a
    message.
    """
    ordered = in_reading_order(messages)
    if not ordered:
        raise ValueError("a case has a message")
    severe = (each for each in ordered if each.assessment.severity > Severity.NONE)
    telling = (each for each in severe if not _only_asks(each, text_of))
    return next(telling, ordered[0])


def told_categories(
    messages: Iterable[_M], first: _M, text_of: Callable[[_M], str]
) -> tuple[str, ...]:
    """Return the harms that were told, the main one first.

    A category counts where words of a message caused a signal of it; `first` is the message to read
    first. A message that is less grave needs a reviewed phrase: in few words a model hears many
    things. Where a conversation is severe only as a whole, it is the main category of `first`.
    """
    named = _categories_in(first.assessment)
    gravest = told_severity(first.assessment)
    for message in in_reading_order(each for each in messages if each is not first):
        signals = own_signals(message.assessment)
        by_phrase = any(each.kind in _REVIEWED for each in signals)
        if not by_phrase and told_severity(message.assessment) < gravest:
            continue
        if signals and not _only_asks(message, text_of):
            named += _categories_in(message.assessment)
    named = list(dict.fromkeys(named))
    harms = [name for name in named if name not in {_WHEN, _NO_CAUSE}]
    when = [_WHEN] if _WHEN in named else []
    if harms or when:
        return (*harms, *when)
    return tuple(named) or first.assessment.categories[:1]


def possible_categories(
    messages: Iterable[ReadMessage], first: ReadMessage, told: Sequence[str]
) -> tuple[str, ...]:
    """Return the categories that a model finds possible where something was told, and no words say.

    They do not count as told, but a record that may be of one is kept as long as one that is.
    """
    telling = (each for each in messages if told_severity(each.assessment) > Severity.NONE)
    named = (name for each in (first, *telling) for name in each.assessment.categories)
    return tuple(dict.fromkeys(name for name in named if name not in told))


def told_subject(messages: Iterable[ReadMessage], first: ReadMessage) -> str:
    """Return whom a case is about: what the message to read first says, or the next that does."""
    for message in (first, *in_reading_order(messages)):
        subject = message.assessment.subject
        if subject != _UNKNOWN and own_signals(message.assessment):
            return subject
    return first.assessment.subject


def line_that_tells(text: str, signals: Sequence[Signal]) -> str:
    """Return the line on which the gravest signal fired, shortened around its words."""
    spans = [
        (-each.severity, each.kind not in _REVIEWED, each.start, each.end)
        for each in signals
        if each.kind not in _CARRIED and 0 <= each.start < each.end <= len(text)
    ]
    *_, start, end = min(spans, default=(0, False, 0, 0))
    first, last = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    last = len(text) if last < 0 else last
    if last - first <= _LONGEST_LINE:
        return text[first:last].strip()
    beginning = max(first, min(start - _LONGEST_LINE // 4, last - _LONGEST_LINE))
    ending = min(last, beginning + _LONGEST_LINE)
    cut = text[beginning:ending].strip()
    return f"{'… ' if beginning > first else ''}{cut}{' …' if ending < last else ''}"


def _categories_in(assessment: Assessment) -> list[str]:
    """Return the categories that a message tells: the gravest first, then the most often heard.

    That it happens now makes no harm graver than another.
    """
    heard = [each for each in own_signals(assessment) if not _is_within_another(each, assessment)]
    gravest: dict[str, Severity] = {}
    for signal in heard:
        known = gravest.get(signal.category, Severity.NONE)
        gravest[signal.category] = max(known, min(signal.severity, Severity.URGENT))
    sources = Counter(category for category, _ in {(each.category, each.source) for each in heard})
    phrases = {each.category for each in heard if each.kind in _REVIEWED}
    assessed = [name for name in assessment.categories if name in gravest]
    return sorted(
        dict.fromkeys((*assessed, *gravest)),
        key=lambda name: (-gravest[name], -sources[name], name not in phrases),
    )


def _is_within_another(signal: Signal, assessment: Assessment) -> bool:
    """Return whether a phrase is a part of a longer one that says another harm.

    "mum kicked me" is a part of "mum kicked me out", and nobody was kicked. What is said of dying
    always counts.
    """
    if signal.kind != "lexicon" or signal.category == _DYING:
        return False
    length = signal.end - signal.start
    return any(
        other.start <= signal.start
        and signal.end <= other.end
        and other.end - other.start > length
        and other.severity >= min(signal.severity, Severity.URGENT)
        and other.category not in {signal.category, _WHEN}
        for other in assessment.signals
        if other.kind == "lexicon"
    )


def _only_asks(message: _M, text_of: Callable[[_M], str]) -> bool:
    reviewed = (each for each in own_signals(message.assessment) if each.kind in _REVIEWED)
    is_told = any(each.severity >= Severity.URGENT for each in reviewed)
    return not is_told and asks_about_the_service(text_of(message))
