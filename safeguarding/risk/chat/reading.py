"""What a pasted chat shows: whose lines show which signs, and whether they make a pattern."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np

from safeguarding.risk.assessment import NO_RISK, Assessment, Signal, upgraded
from safeguarding.risk.chat.lines import ME
from safeguarding.risk.chat.pasted import ChatLine, PastedChat
from safeguarding.risk.chat.thresholds import KIND, ChatThresholds, source_of
from safeguarding.risk.encoder.classifier import Scores
from safeguarding.risk.text.dictionary import is_word
from safeguarding.risk.text.normalise import Canonical
from safeguarding.risk.thresholds import Evidence, Thresholds
from safeguarding.risk.witness import Witness
from safeguarding.taxonomy import Severity

MOST_LINES, _ENDS = 64, 16
"""Lines read of a chat, and how many of its first and last lines always are: what bounds the time
that it takes."""
_WORDS_OF_A_LINE = 80
"""Words up to which the encoder reads a line to its end."""
_AROUND = 150
"""Characters read before and after a reviewed phrase that stands in a longer line."""
_WORDS_LOOKED_AT = 40
_GOLDEN = 0.618
"""Its multiples, without their whole part, spread evenly however many are taken."""
_RUN, _SMOOTHING = 12, 2
"""Lines of one speaker in which signs are counted together; a few lines prove less than many."""
STRETCH, _STEP, _TOGETHER = 8, 4, 2
"""Lines read as one text, as in training; how far the next begins; how many of the gravest make a
tone."""
_OTHERS = "them"


Line = TypeVar("Line")


class ChatLineClassifier(Protocol):
    """safeguarding.risk.encoder.classifier.RiskClassifier."""

    @property
    def version(self) -> str:
        """The digest of its weights."""

    def read(self, canonical: str) -> Scores:
        """The scores of a text."""

    def signs(self, lines: Sequence[str]) -> Sequence[Mapping[str, float]]:
        """How probable each sign is in each line."""

    def chat(self, canonical: str) -> tuple[float, float]:
        """The scores of a stretch with its speakers: at least concern, urgent."""


@dataclass(frozen=True)
class Sign:
    """A sign that somebody's lines show, and the line that shows it best."""

    name: str
    probability: float
    line: ChatLine


@dataclass(frozen=True)
class ChatEvidence:
    """What speaks for a pattern in a chat."""

    pattern: float
    """What the weightiest speaker's lines weigh by their signs, for each line of them."""
    tone: tuple[float, float]
    """The network's scores of the gravest stretches, read with their speakers: at least concern,
    urgent."""
    signs: tuple[Sign, ...]
    """What that speaker's lines show, the weightiest first."""


@dataclass(frozen=True)
class _ScoredLine:
    """A line with at least one word, as the network sees it."""

    line: ChatLine
    canonical: str
    signs: Mapping[str, float]


class ChatReader:
    """Reads pasted chats. Holds no state: safe to share between threads."""

    def __init__(
        self,
        network: ChatLineClassifier,
        witness: Witness,
        thresholds: Thresholds,
        chat_thresholds: ChatThresholds,
        canonical: Callable[[str], Canonical],
    ) -> None:
        self._network = network
        self._witness = witness
        self._thresholds = thresholds
        self._chat_thresholds = chat_thresholds
        self._canonical = canonical

    def read(self, chat: PastedChat, phrases: Sequence[Signal]) -> Assessment:
        """What the chat shows. `phrases` are the lexicon's signals on the whole message.

        The pattern decides: a line that sounds alarming by itself is quiet among quiet ones, unless
        a reviewed phrase and the network agree on it.
        """
        scored = self._scored(chat, phrases)
        if not scored:
            return NO_RISK
        found = self._pattern(self._weigh(scored))
        if not chat.guessed:
            for line in scored:
                found = upgraded(found, self._alone(line, phrases))
        return found

    def evidence(self, chat: PastedChat) -> ChatEvidence | None:
        """What the thresholds are set on; None of a chat without words."""
        scored = self._scored(chat)
        return self._weigh(scored) if scored else None

    def _scored(self, chat: PastedChat, phrases: Sequence[Signal] = ()) -> list[_ScoredLine]:
        chosen = _chosen(chat.lines, phrases, lambda text: self._witness.scores(text)[0])
        read = [(line, " ".join(self._canonical(line.text).words)) for line in chosen]
        said = [(line, words) for line, words in read if words]
        signs = self._network.signs([words for _, words in said]) if said else ()
        return [_ScoredLine(*each, found) for each, found in zip(said, signs, strict=True)]

    def _weigh(self, scored: Sequence[_ScoredLine]) -> ChatEvidence:
        """The speaker whose lines weigh most decides; whoever pasted the chat is not suspected."""
        others = [each for each in scored if each.line.speaker != ME]
        by_speaker: dict[str | None, list[_ScoredLine]] = {}
        for each in others:
            by_speaker.setdefault(each.line.speaker, []).append(each)
        weighed = [(self._density(lines), lines) for lines in by_speaker.values()]
        pattern, lines = max(weighed, key=lambda pair: pair[0], default=(0.0, []))
        return ChatEvidence(pattern, self._tone(scored), tuple(self._signs(lines)))

    def _density(self, lines: Sequence[_ScoredLine]) -> float:
        """The weight of the signs a line, in the run of lines that shows most of them."""
        weight = self._chat_thresholds.signs
        each = np.array([sum(weight[s] * p for s, p in line.signs.items()) for line in lines])
        run = min(_RUN, len(each))
        sums = np.convolve(each, np.ones(run), "valid")
        return float(sums.max()) / (run + _SMOOTHING)

    def _tone(self, scored: Sequence[_ScoredLine]) -> tuple[float, float]:
        """The mean of the highest scores: a chat does not turn on one stretch of it."""
        texts = [
            with_speakers([(each.line.speaker, each.canonical) for each in lines])
            for lines in stretches(scored)
        ]
        scores = np.sort(np.array([self._network.chat(text) for text in texts]), axis=0)
        concern, urgent = scores[-_TOGETHER:].mean(axis=0)
        return float(concern), float(urgent)

    def _signs(self, lines: Sequence[_ScoredLine]) -> Iterator[Sign]:
        weight = self._chat_thresholds.signs
        best = {sign: _clearest(lines, sign) for sign in (weight if lines else ())}
        order = sorted(best, key=lambda sign: -weight[sign] * best[sign].signs[sign])
        return (Sign(sign, best[sign].signs[sign], best[sign].line) for sign in order)

    def _pattern(self, evidence: ChatEvidence) -> Assessment:
        severity = self.severity(evidence)
        if severity == Severity.NONE or not evidence.signs:
            return NO_RISK
        shown = [sign for sign in evidence.signs if sign.probability >= self._chat_thresholds.shown]
        shown = shown or list(evidence.signs[:1])
        category = category_of([sign.name for sign in shown])
        signals = tuple(self._signal(sign, category, severity) for sign in shown)
        return Assessment(severity, (category,), "unknown", signals)

    def severity(self, evidence: ChatEvidence) -> Severity:
        """What the evidence comes to by the thresholds."""
        concern, urgent = evidence.tone
        if self._chat_thresholds.urgent.over(evidence.pattern, urgent) >= 0:
            return Severity.URGENT
        over = self._chat_thresholds.concern.over(evidence.pattern, concern) >= 0
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

    def _alone(self, scored: _ScoredLine, phrases: Sequence[Signal]) -> Assessment:
        """What one line says by itself: a disclosure may stand in a chat between friends."""
        within = [
            phrase
            for phrase in phrases
            if phrase.kind == "lexicon"
            and phrase.severity >= Severity.URGENT
            and _fired_in(scored.line, phrase)
        ]
        if not within:
            return NO_RISK
        gravest = max(phrase.severity for phrase in within)
        first = max(within, key=lambda phrase: phrase.severity)
        text = _around(scored.line, first)
        canonical = " ".join(self._canonical(text).words)
        network = self._network.read(canonical).steps
        evidence = Evidence(network, self._witness.scores(text), gravest)
        agreed = self._thresholds.probabilities(evidence, self._chat_thresholds.line).severity
        if agreed < Severity.URGENT:
            return NO_RISK
        severity = min(agreed, gravest)
        signals = tuple(replace(phrase, severity=severity) for phrase in within)
        categories = tuple(dict.fromkeys(phrase.category for phrase in within))
        return Assessment(severity, categories, "unknown", signals)


def reads_whole(chat: PastedChat) -> bool:
    """Whether the encoder reads every line of the chat, each to its end."""
    return len(chat.lines) <= MOST_LINES and all(
        len(line.text.split()) <= _WORDS_OF_A_LINE for line in chat.lines
    )


def stretches(lines: Sequence[Line]) -> list[Sequence[Line]]:
    """Overlapping runs of neighbouring lines, of which each is read as one text."""
    starts = range(0, max(1, len(lines) - STRETCH + _STEP), _STEP)
    return [lines[at : at + STRETCH] for at in starts]


def with_speakers(said: Iterable[tuple[str | None, str]]) -> str:
    """Who says what, as the encoder reads it: "them how old are you me 13"."""
    words: list[str] = []
    before = ""
    for speaker, text in said:
        who = ME if speaker == ME else _OTHERS
        if who != before:
            words.append(who)
        words.append(text)
        before = who
    return " ".join(words)


def _chosen(
    lines: Sequence[ChatLine], phrases: Sequence[Signal], gravity: Callable[[str], float]
) -> list[ChatLine]:
    """The lines to read, in their order: of a long chat the beginning, the end, those on which a
    reviewed phrase fired, then those with a word of the dictionary that are gravest; of lines alike
    in that, some from everywhere."""
    if len(lines) <= 2 * _ENDS:
        return list(lines)
    between = [line for line in lines[_ENDS:-_ENDS] if _has_a_word(line)]
    phrased = [any(_fired_in(line, phrase) for phrase in phrases) for line in between]
    grave = [round(gravity(line.text), 2) for line in between]
    order = sorted(
        range(len(between)), key=lambda at: (not phrased[at], -grave[at], at * _GOLDEN % 1)
    )
    kept = sorted(order[: MOST_LINES - 2 * _ENDS])
    return [*lines[:_ENDS], *(between[at] for at in kept), *lines[-_ENDS:]]


def _has_a_word(line: ChatLine) -> bool:
    return any(is_word(word) for word in line.text.casefold().split()[:_WORDS_LOOKED_AT])


def _fired_in(line: ChatLine, phrase: Signal) -> bool:
    return line.start <= phrase.start < phrase.end <= line.end


def _around(line: ChatLine, phrase: Signal) -> str:
    """The line; of one too long for the encoder, the words around the phrase."""
    if len(line.text.split()) <= _WORDS_OF_A_LINE:
        return line.text
    at, end = phrase.start - line.start, phrase.end - line.start
    first = line.text.rfind(" ", 0, max(at - _AROUND, 0)) + 1
    last = line.text.find(" ", end + _AROUND)
    return line.text[first : last if last >= 0 else None]


def _clearest(lines: Sequence[_ScoredLine], sign: str) -> _ScoredLine:
    return max(lines, key=lambda line: line.signs[sign])


def category_of(signs: Sequence[str]) -> str:
    """The risk category that the signs of a chat, the weightiest first, speak of."""
    if signs[0] == "requests_job":
        return "criminal_exploitation"
    if "threats" in signs and not {"pictures", "money"}.isdisjoint(signs):
        return "image_abuse"
    return "grooming"
