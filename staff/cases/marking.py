"""A text cut where signals fired, so that a page can mark what they fired on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from safeguarding.risk.assessment import Signal
from safeguarding.taxonomy import Severity

AROUND = 120
"""Characters shown of a long line, on either side of the mark."""


@dataclass(frozen=True)
class MarkedText:
    """A stretch of the text; `severity` is the highest of the signals on it, or None."""

    text: str
    severity: Severity | None


@dataclass(frozen=True)
class Excerpt:
    """A line of a text, or the middle of a long one, with what a signal fired on."""

    before: str
    marked: str
    after: str


def marked(text: str, signals: Sequence[Signal]) -> list[MarkedText]:
    """Cut `text` at the edges of the signals' spans; joined, the stretches are the text."""
    spans = [span for signal in signals if (span := _span(signal, len(text)))]
    edges = sorted({0, len(text), *(edge for start, end, _ in spans for edge in (start, end))})
    result: list[MarkedText] = []
    for start, end in pairwise(edges):
        over = [severity for first, last, severity in spans if first <= start and end <= last]
        stretch = MarkedText(shown(text[start:end]), max(over, default=None))
        if result and result[-1].severity == stretch.severity:
            stretch = MarkedText(result.pop().text + stretch.text, stretch.severity)
        result.append(stretch)
    return result


def quoted(text: str, signal: Signal) -> str:
    """What a signal fired on; empty when that is nothing of its own."""
    span = _span(signal, len(text))
    return shown(text[span[0] : span[1]]) if span else ""


def excerpt(text: str, signal: Signal) -> Excerpt | None:
    """The line on which a signal fired; None when it fired on nothing of its own."""
    span = _span(signal, len(text))
    if span is None:
        return None
    start, end, _ = span
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    before, after = text[first:start], text[end : last if last >= 0 else len(text)]
    if len(before) > AROUND:
        before = f"… {before[-AROUND:].lstrip()}"
    if len(after) > AROUND:
        after = f"{after[:AROUND].rstrip()} …"
    return Excerpt(shown(before.lstrip()), shown(text[start:end]), shown(after.rstrip()))


def line_of(text: str, signal: Signal) -> int | None:
    """The number of the line a signal is on; None without a span, or where there is but one."""
    span = _span(signal, len(text))
    if span is None or "\n" not in text.strip():
        return None
    return text.count("\n", 0, span[0]) + 1


def shown(text: str) -> str:
    """The text as it can be sent to a browser: half an emoji becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _span(signal: Signal, length: int) -> tuple[int, int, Severity] | None:
    start, end = max(0, signal.start), min(signal.end, length)
    return (start, end, signal.severity) if start < end else None
