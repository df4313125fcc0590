"""The signals of a message as a page shows them: what fired, on which words, how surely."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from safeguarding.risk.assessment import Signal
from safeguarding.taxonomy import Severity
from staff.cases.marking import Excerpt, excerpt, line_of, quoted, shown
from staff.console import wording

_CHAT = "chat-"
_SURE_OF_A_PHRASE = 1.0


@dataclass(frozen=True)
class SignalView:
    """One signal, ready for the template."""

    severity: Severity
    category: str
    says: str
    """What it is, as the beginning of a sentence: "A reviewed phrase"."""
    quote: str
    """What it fired on; empty when that is nothing of its own, or is shown within a line."""
    line: Excerpt | None
    """Of a pasted chat, the line with the sign."""
    weighed: bool
    """Whether a model weighed the message: the quote is then what weighed most."""
    sureness: str
    """ "Fairly sure, 82%"; empty of what is there or is not."""
    nearest: tuple[str, ...]
    """The project's own examples that the message is most like."""
    source: str
    version: str


def signals_of(text: str, signals: Iterable[Signal]) -> list[SignalView]:
    """The signals on the message `text`, each once, the gravest first."""
    return [_view(text, signal) for signal in _once(signals)]


def _once(signals: Iterable[Signal]) -> list[Signal]:
    """Each source once for the same span, the surest and the best explained."""
    best: dict[tuple[str, int, int], Signal] = {}
    for signal in sorted(signals, key=lambda each: (each.weight, len(each.like))):
        best[signal.source, signal.start, signal.end] = signal
    return sorted(best.values(), key=_place)


def _place(signal: Signal) -> tuple[int, bool, int, str]:
    """What is there or is not comes before what a model weighed."""
    return -signal.severity, _is_weighed(signal), signal.start, signal.source


def _is_weighed(signal: Signal) -> bool:
    return signal.weight < _SURE_OF_A_PHRASE or bool(signal.like)


def _view(text: str, signal: Signal) -> SignalView:
    in_chat = signal.kind == "chat"
    weighed = _is_weighed(signal)
    return SignalView(
        severity=signal.severity,
        category=wording.label(signal.category),
        says=_says(text, signal, weighed=weighed),
        quote="" if in_chat else quoted(text, signal),
        line=excerpt(text, signal) if in_chat else None,
        weighed=weighed,
        sureness=wording.sureness(signal.weight) if weighed else "",
        nearest=tuple(shown(sentence) for sentence in signal.like),
        source=signal.source,
        version=signal.version,
    )


def _says(text: str, signal: Signal, *, weighed: bool) -> str:
    if signal.kind == "chat":
        return wording.in_chat(signal.source.removeprefix(_CHAT), line_of(text, signal))
    if weighed and signal.kind in wording.WEIGHED_KINDS:
        return wording.weighed(signal.kind, signal.severity, signal.category)
    return wording.SIGNAL_KINDS.get(signal.kind, wording.label(signal.kind))
