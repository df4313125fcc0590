"""Signals as a safeguarding lead reads them: what was noticed, on which words, and how surely."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from safeguarding.risk.assessment import Signal
from safeguarding.taxonomy import Severity
from web.console import wording
from web.console.marking import Excerpt, excerpt, line_of, shown, words_of

_CHAT = "chat-"
_SURE_OF_A_PHRASE = 1.0


@dataclass(frozen=True)
class SignalView:
    """One signal, ready for the template."""

    severity: Severity
    category: str
    says: str
    """What it is, as the beginning of a sentence: "A reviewed phrase"."""
    words: str
    """The words that it is on; empty when it has none, or shows them within a line."""
    line: Excerpt | None
    """Of a pasted chat, the line with the sign."""
    weighed: bool
    """Whether a model weighed the message: its words are those that weighed most."""
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
    """Each source once for the same words, the surest and the best explained."""
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
        words="" if in_chat else words_of(text, signal),
        line=excerpt(text, signal) if in_chat else None,
        weighed=weighed,
        sureness=wording.sureness(signal.weight) if weighed else "",
        nearest=tuple(shown(sentence) for sentence in signal.like),
        source=signal.source,
        version=signal.version,
    )


def _says(text: str, signal: Signal, *, weighed: bool) -> str:
    if signal.kind == "chat":
        line = line_of(text, signal)
        sign = wording.chat_sign(signal.source.removeprefix(_CHAT))
        return f"A sign in the pasted chat: {sign}" + (f", on line {line}" if line else "")
    if weighed and signal.kind in wording.WEIGHED_KINDS:
        found = wording.SEVERITIES[signal.severity].lower()
        labels = f"{found}, {wording.label(signal.category).lower()}"
        return f"{wording.WEIGHED_KINDS[signal.kind]} sentences that were labelled {labels}"
    return wording.SIGNAL_KINDS.get(signal.kind, wording.label(signal.kind))
