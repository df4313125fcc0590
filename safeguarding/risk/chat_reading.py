"""What a pasted chat shows: whose lines show which signs, and whether they make a pattern."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from safeguarding.risk.assessment import NO_RISK, Assessment, Signal, upgraded
from safeguarding.risk.chat import Line, PastedChat
from safeguarding.risk.chat_lines import ME
from safeguarding.risk.chat_signals import KIND, source_of
from safeguarding.risk.chat_weights import ChatWeights
from safeguarding.risk.classifier import Opinion
from safeguarding.risk.judgement import Judge
from safeguarding.risk.normalise import Canonical
from safeguarding.taxonomy import Severity

MOST_LINES = 120
"""Lines read of a chat: of a longer one, its beginning and its end."""
_RUN, _SMOOTHING = 12, 2
"""Lines of one speaker in which signs are counted together; a few lines prove less than many."""
STRETCH, _STEP, _TOGETHER = 6, 3, 4
"""Lines read as one text, as in training; how far the next begins; how many make a tone."""


class Network(Protocol):
    """safeguarding.risk.classifier.RiskClassifier."""

    @property
    def version(self) -> str:
        """The digest of its weights."""

    def read(self, canonical: str) -> Opinion:
        """The scores of a text."""

    def signs(self, canonical: str) -> Mapping[str, float]:
        """How probable each sign is in one line."""


@dataclass(frozen=True)
class Sign:
    """A sign that somebody's lines show, and the line that shows it best."""

    name: str
    probability: float
    line: Line


@dataclass(frozen=True)
class Evidence:
    """What speaks for a pattern in a chat."""

    pattern: float
    """What the weightiest speaker's lines weigh by their signs, for each line of them."""
    tone: float
    """The network's score, "at least a concern", of the gravest part."""
    signs: tuple[Sign, ...]
    """What that speaker's lines show, the weightiest first."""


@dataclass(frozen=True)
class _Heard:
    """A line with at least one word, as the network sees it."""

    line: Line
    canonical: str
    signs: Mapping[str, float]


class ChatReader:
    """Reads pasted chats. Holds no state: safe to share between threads."""

    def __init__(
        self,
        network: Network,
        judge: Judge,
        weights: ChatWeights,
        canonical: Callable[[str], Canonical],
    ) -> None:
        self._network = network
        self._judge = judge
        self._weights = weights
        self._canonical = canonical

    def read(self, chat: PastedChat, phrases: Sequence[Signal]) -> Assessment:
        """What the chat shows. `phrases` are the lexicon's signals on the whole message.

        The pattern decides: a line that sounds alarming by itself is quiet among quiet ones, unless
        a reviewed phrase and the network agree on it.
        """
        heard = self._heard(chat)
        if not heard:
            return NO_RISK
        found = self._pattern(self._weigh(heard))
        if not chat.guessed:
            for line in heard:
                found = upgraded(found, self._alone(line, phrases))
        return found

    def evidence(self, chat: PastedChat) -> Evidence | None:
        """What the bars are set on; None of a chat without words."""
        heard = self._heard(chat)
        return self._weigh(heard) if heard else None

    def _heard(self, chat: PastedChat) -> list[_Heard]:
        half = MOST_LINES // 2
        lines = chat.lines
        if len(lines) > MOST_LINES:
            lines = lines[:half] + lines[-half:]
        found = []
        for line in lines:
            words = " ".join(self._canonical(line.text).words)
            if words:
                found.append(_Heard(line, words, self._network.signs(words)))
        return found

    def _weigh(self, heard: Sequence[_Heard]) -> Evidence:
        """The speaker whose lines weigh most decides; whoever pasted the chat is not suspected."""
        others = [each for each in heard if each.line.speaker != ME]
        by_speaker: dict[str | None, list[_Heard]] = {}
        for each in others:
            by_speaker.setdefault(each.line.speaker, []).append(each)
        weighed = [(self._density(lines), lines) for lines in by_speaker.values()]
        pattern, lines = max(weighed, key=lambda pair: pair[0], default=(0.0, []))
        return Evidence(pattern, self._tone(heard), tuple(self._signs(lines)))

    def _density(self, lines: Sequence[_Heard]) -> float:
        """The weight of the signs a line, in the run of lines that shows most of them."""
        weight = self._weights.signs
        each = np.array([sum(weight[s] * p for s, p in line.signs.items()) for line in lines])
        run = min(_RUN, len(each))
        sums = np.convolve(each, np.ones(run), "valid")
        return float(sums.max()) / (run + _SMOOTHING)

    def _tone(self, heard: Sequence[_Heard]) -> float:
        """The highest mean score of neighbouring stretches: a chat does not turn on one of them."""
        starts = range(0, max(1, len(heard) - STRETCH + _STEP), _STEP)
        texts = (" ".join(h.canonical for h in heard[at : at + STRETCH]) for at in starts)
        scores = np.array([self._network.read(text).steps[0] for text in texts])
        run = min(_TOGETHER, len(scores))
        return float(np.convolve(scores, np.ones(run), "valid").max()) / run

    def _signs(self, lines: Sequence[_Heard]) -> Iterator[Sign]:
        weight = self._weights.signs
        best = {sign: _clearest(lines, sign) for sign in (weight if lines else ())}
        order = sorted(best, key=lambda sign: -weight[sign] * best[sign].signs[sign])
        return (Sign(sign, best[sign].signs[sign], best[sign].line) for sign in order)

    def _pattern(self, evidence: Evidence) -> Assessment:
        severity = self.severity(evidence)
        if severity == Severity.NONE or not evidence.signs:
            return NO_RISK
        shown = [sign for sign in evidence.signs if sign.probability >= self._weights.shown]
        shown = shown or list(evidence.signs[:1])
        category = category_of([sign.name for sign in shown])
        signals = tuple(self._signal(sign, category, severity) for sign in shown)
        return Assessment(severity, (category,), "unknown", signals)

    def severity(self, evidence: Evidence) -> Severity:
        """What the evidence comes to by the bars."""
        if self._weights.urgent.over(evidence.pattern, evidence.tone) >= 0:
            return Severity.URGENT
        over = self._weights.concern.over(evidence.pattern, evidence.tone) >= 0
        return Severity.CONCERN if over else Severity.NONE

    def _signal(self, sign: Sign, category: str, severity: Severity) -> Signal:
        return Signal(
            source=source_of(sign.name),
            kind=KIND,
            version=self._network.version,
            category=category,
            severity=severity,
            start=sign.line.start,
            end=sign.line.end,
            weight=round(sign.probability, 4),
        )

    def _alone(self, heard: _Heard, phrases: Sequence[Signal]) -> Assessment:
        """What one line says by itself: a disclosure may stand in a chat between friends."""
        within = [
            phrase
            for phrase in phrases
            if phrase.kind == "lexicon"
            and phrase.severity >= Severity.URGENT
            and heard.line.start <= phrase.start < phrase.end <= heard.line.end
        ]
        if not within:
            return NO_RISK
        gravest = max(phrase.severity for phrase in within)
        steps = self._network.read(heard.canonical).steps
        agreed = self._judge.weigh(steps, gravest, self._weights.line).severity
        if agreed < Severity.URGENT:
            return NO_RISK
        severity = min(agreed, gravest)
        signals = tuple(replace(phrase, severity=severity) for phrase in within)
        categories = tuple(dict.fromkeys(phrase.category for phrase in within))
        return Assessment(severity, categories, "unknown", signals)


def _clearest(lines: Sequence[_Heard], sign: str) -> _Heard:
    return max(lines, key=lambda line: line.signs[sign])


def category_of(signs: Sequence[str]) -> str:
    """The risk category that the signs of a chat, the weightiest first, speak of."""
    if signs[0] == "requests_job":
        return "criminal_exploitation"
    if "threats" in signs and not {"pictures", "money"}.isdisjoint(signs):
        return "image_abuse"
    return "grooming"
