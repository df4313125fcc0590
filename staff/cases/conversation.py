"""The conversation of a case as its page shows it: messages, answers, and why each was raised."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from safeguarding.escalation import Escalation
from safeguarding.live_chat import ADDRESS, LIVE_CHAT
from safeguarding.messages import ShownContact
from safeguarding.risk.assessment import Signal
from safeguarding.taxonomy import Severity
from staff.cases import wording as case_wording
from staff.cases.case import LiveWords, with_live_words
from staff.console import wording

EXCERPT_MARGIN = 120
"""Characters of a long line shown on either side of a mark."""
_CHAT_SOURCE = "chat-"
_IDS = frozenset({LIVE_CHAT, ADDRESS})
"""Facts of a message that are ids, and tell a reader nothing."""


@dataclass(frozen=True)
class MarkedText:
    """A stretch of text; `severity` is the highest of the signals on it, or None."""

    text: str
    severity: Severity | None


@dataclass(frozen=True)
class Excerpt:
    """The line on which a signal fired, shortened where it is long."""

    before: str
    marked: str
    after: str


@dataclass(frozen=True)
class SignalView:
    """One signal, ready for the template."""

    severity: Severity
    category: str
    says: str
    """The beginning of a sentence: "A reviewed phrase"."""
    quote: str
    """The words it fired on; empty where there are none, and where `line` shows them."""
    line: Excerpt | None
    """For a sign in a pasted chat, its line."""
    weighed: bool
    """Whether a model weighed the message; the quote is then what weighed most."""
    sureness: str
    """ "Fairly sure, 82%"; empty for a signal that is certain."""
    nearest: tuple[str, ...]
    """The project's own examples most like the message."""
    source: str
    version: str


@dataclass(frozen=True)
class EarlierTurn:
    """A turn before the first hand-off. Its time is not known."""

    by_person: bool
    who: str
    text: str


@dataclass(frozen=True)
class StaffTurn:
    """What a member of staff wrote in a live chat."""

    by: str
    """Their id."""
    at: datetime
    text: str
    whisper: bool
    """Whether the person never sees it."""
    withdrawn: bool
    """Whether it was not shown, and is not shown any more."""


@dataclass(frozen=True)
class MessageView:
    """A message on record, and what the person was shown in answer."""

    id: str
    number: int
    """Its place among the messages of the case, from 1."""
    who: str
    at: datetime
    severity: Severity
    """NONE for a message that is only there for the context."""
    categories: list[str]
    text: tuple[MarkedText, ...]
    answers: tuple[str, ...]
    """The texts shown in answer; empty where they are not known."""
    contacts: tuple[ShownContact, ...] | None
    """The contacts shown; None where they were not recorded."""
    contacts_line: str
    signals: tuple[SignalView, ...]
    extra: tuple[tuple[str, str], ...]


def message_view(message: Escalation, number: int) -> MessageView:
    """Return a message with its words."""
    assessment = message.assessment
    return MessageView(
        id=message.message_id,
        number=number,
        who=wording.writer(message.audience),
        at=message.raised_at,
        severity=assessment.severity,
        categories=[wording.label(name) for name in assessment.categories],
        text=marked(message.text, assessment.signals),
        answers=tuple(map(displayable, message.shown)),
        contacts=message.contacts,
        contacts_line=_contacts_line(message),
        signals=signals_of(message.text, assessment.signals),
        extra=tuple(
            (wording.label(key), value) for key, value in message.extra.items() if key not in _IDS
        ),
    )


def conversation_of(
    messages: Sequence[Escalation], spoken: Sequence[LiveWords] = ()
) -> list[EarlierTurn | StaffTurn | MessageView]:
    """Return everything in the order in which it was said.

    Messages, and what staff have `spoken` in live chats, are given oldest first.
    """
    shown: list[EarlierTurn | StaffTurn | MessageView] = []
    for number, (turns_before, message, words) in enumerate(with_live_words(messages, spoken), 1):
        for each in words:
            text = displayable(each.text)
            shown.append(StaffTurn(each.by, each.at, text, each.is_whisper, each.withdrawn))
        if message is None:
            continue
        for turn in turns_before:
            by_person = turn.by == "user"
            who = wording.writer(message.audience) if by_person else wording.LANTERN
            shown.append(EarlierTurn(by_person, who, displayable(turn.text)))
        shown.append(message_view(message, number))
    return shown


def signals_of(text: str, signals: Iterable[Signal]) -> tuple[SignalView, ...]:
    """Return the signals on the message `text`, each once, the most severe first."""
    # Of one source on one span, the surest and best explained.
    best: dict[tuple[str, int, int], Signal] = {}
    for signal in sorted(signals, key=lambda each: (each.weight, len(each.like))):
        best[signal.source, signal.start, signal.end] = signal
    in_order = sorted(
        best.values(),
        key=lambda each: (-each.severity, _is_weighed(each), each.start, each.source),
    )
    return tuple(_signal_view(text, signal) for signal in in_order)


def marked(text: str, signals: Sequence[Signal]) -> tuple[MarkedText, ...]:
    """Cut `text` at the edges of the signals' spans; joined, the stretches are the text."""
    spans = [span for signal in signals if (span := _span(signal, len(text)))]
    edges = sorted({0, len(text), *(edge for start, end, _ in spans for edge in (start, end))})
    result: list[MarkedText] = []
    for start, end in pairwise(edges):
        over = [severity for first, last, severity in spans if first <= start and end <= last]
        stretch = MarkedText(displayable(text[start:end]), max(over, default=None))
        if result and result[-1].severity == stretch.severity:
            stretch = MarkedText(result.pop().text + stretch.text, stretch.severity)
        result.append(stretch)
    return tuple(result)


def quoted(text: str, signal: Signal) -> str:
    """Return the words on which a signal fired; empty where it has no span."""
    span = _span(signal, len(text))
    return displayable(text[span[0] : span[1]]) if span else ""


def displayable(text: str) -> str:
    """Return the text as a browser can show it: half an emoji becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _contacts_line(message: Escalation) -> str:
    if message.contacts is None:
        return case_wording.contacts_shown(None)
    if not message.contacts and message.assessment.severity is Severity.NONE:
        # Small talk shows no contacts: there is nothing to remark on.
        return ""
    return case_wording.contacts_shown(
        [(each.name, each.open_now, each.hours) for each in message.contacts]
    )


def _signal_view(text: str, signal: Signal) -> SignalView:
    in_chat, weighed = signal.kind == "chat", _is_weighed(signal)
    if in_chat:
        says = wording.in_chat(signal.source.removeprefix(_CHAT_SOURCE), _line_number(text, signal))
    elif weighed and signal.kind in wording.WEIGHED_KINDS:
        says = wording.weighed(signal.kind, signal.severity, signal.category)
    else:
        says = wording.SIGNAL_KINDS.get(signal.kind, wording.label(signal.kind))
    return SignalView(
        severity=signal.severity,
        category=wording.label(signal.category),
        says=says,
        quote="" if in_chat else quoted(text, signal),
        line=_excerpt(text, signal) if in_chat else None,
        weighed=weighed,
        sureness=wording.sureness(signal.weight) if weighed else "",
        nearest=tuple(map(displayable, signal.like)),
        source=signal.source,
        version=signal.version,
    )


def _is_weighed(signal: Signal) -> bool:
    return signal.weight < 1 or bool(signal.like)


def _excerpt(text: str, signal: Signal) -> Excerpt | None:
    span = _span(signal, len(text))
    if span is None:
        return None
    start, end, _ = span
    first, last = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    before, after = text[first:start], text[end : last if last >= 0 else len(text)]
    if len(before) > EXCERPT_MARGIN:
        before = f"… {before[-EXCERPT_MARGIN:].lstrip()}"
    if len(after) > EXCERPT_MARGIN:
        after = f"{after[:EXCERPT_MARGIN].rstrip()} …"
    return Excerpt(*map(displayable, (before.lstrip(), text[start:end], after.rstrip())))


def _line_number(text: str, signal: Signal) -> int | None:
    """Return the line of a signal, from 1; None without a span, or where there is one line."""
    span = _span(signal, len(text))
    if span is None or "\n" not in text.strip():
        return None
    return text.count("\n", 0, span[0]) + 1


def _span(signal: Signal, length: int) -> tuple[int, int, Severity] | None:
    start, end = max(0, signal.start), min(signal.end, length)
    return (start, end, signal.severity) if start < end else None
