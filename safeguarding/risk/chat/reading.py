"""Assesses a pasted chat: the signs of grooming in its lines, and whether they form a pattern."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeVar

import numpy as np

from safeguarding.risk.assessment import CHAT, NO_RISK, Assessment, Signal, source_of, upgraded
from safeguarding.risk.chat.layouts import ME, ChatLine
from safeguarding.risk.chat.pasted import PastedChat
from safeguarding.risk.encoder.classifier import RiskClassifier
from safeguarding.risk.encoder.vectors import MAX_WORD_PIECES
from safeguarding.risk.text.normalise import Canonical
from safeguarding.risk.text.words import is_word
from safeguarding.risk.thresholds import ChatThresholds, Evidence, Thresholds
from safeguarding.risk.witness import Witness
from safeguarding.taxonomy import Severity

MOST_LINES, _ENDS = 64, 16
"""Largest number of lines read of a chat, which bounds the time; number of lines always read at
either end."""
MOST_WORDS = 576
"""Largest number of words read of a chat: 64 lines of the usual length. A word that no dictionary
has counts as many as it has letters, since the encoder reads it in pieces."""
MOST_ALONE = 8
"""Largest number of lines that are read by themselves because of a reviewed phrase in them."""
_WORDS_OF_A_LINE = 80
"""Number of words up to which the encoder reads a line to its end."""
_AROUND = 150
"""Number of characters read before and after a reviewed phrase in a longer line."""
_WORDS_LOOKED_UP = 40
_WORD = re.compile(r"[^\W_]+")
_GOLDEN = 0.618
"""The fractional parts of its multiples spread evenly, however many are taken."""
_RUN, _SMOOTHING = 12, 2
"""Number of one speaker's lines whose signs are counted together; discounts short runs."""
STRETCH, _STEP, _GRAVEST = 8, 4, 2
"""Number of lines read as one text, as in training; distance to the next stretch; number of
stretches whose scores make the tone."""
MOST_STRETCHES = 8
"""Largest number of stretches that the network reads, as many as a chat of 36 lines has. Of more it
reads those that the second witness finds gravest."""
_OTHERS = "them"


Line = TypeVar("Line")


@dataclass(frozen=True)
class Sign:
    """A sign of grooming, and the speaker's line that shows it best."""

    name: str
    probability: float
    line: ChatLine


@dataclass(frozen=True)
class ChatEvidence:
    """The evidence for a pattern in a chat."""

    pattern: float
    """Density of signs in the lines of the speaker who shows most of them."""
    tone: tuple[float, float]
    """The network's scores of the gravest stretches, read with their speakers: at least concern,
    urgent."""
    signs: tuple[Sign, ...]
    """The signs in that speaker's lines, the weightiest first."""


@dataclass(frozen=True)
class _ScoredLine:
    """A line with at least one word, its canonical words and the probability of each sign."""

    line: ChatLine
    canonical: str
    signs: Mapping[str, float]


class ChatReader:
    """Assesses pasted chats. Holds no state: safe to share between threads."""

    def __init__(
        self,
        classifier: RiskClassifier,
        witness: Witness,
        thresholds: Thresholds,
        chat_thresholds: ChatThresholds,
        canonical: Callable[[str], Canonical],
    ) -> None:
        self._classifier = classifier
        self._witness = witness
        self._thresholds = thresholds
        self._chat_thresholds = chat_thresholds
        self._canonical = canonical

    def read(self, chat: PastedChat, phrases: Sequence[Signal]) -> Assessment:
        """Assess the chat. `phrases` are the lexicon's signals in the whole message.

        The pattern decides. A line that sounds alarming among quiet ones counts only if a reviewed
        phrase and the network agree on it.
        """
        scored = self._scored(chat, phrases)
        if not scored:
            return NO_RISK
        found = self._pattern(self._evidence(scored))
        if not chat.guessed:
            for line, within in _alarming(scored, phrases):
                found = upgraded(found, self._alone(line, within))
        return found

    def evidence(self, chat: PastedChat) -> ChatEvidence | None:
        """Return the evidence that the thresholds are set on; None for a chat without words."""
        scored = self._scored(chat)
        return self._evidence(scored) if scored else None

    def _scored(self, chat: PastedChat, phrases: Sequence[Signal] = ()) -> list[_ScoredLine]:
        chosen = _chosen(chat.lines, phrases, lambda text: self._witness.scores(text)[0])
        canonical = [(line, " ".join(self._canonical(line.text).words)) for line in chosen]
        with_words = [(line, words) for line, words in canonical if words]
        signs = self._classifier.signs([words for _, words in with_words]) if with_words else ()
        return [_ScoredLine(*each, found) for each, found in zip(with_words, signs, strict=True)]

    def _evidence(self, scored: Sequence[_ScoredLine]) -> ChatEvidence:
        """Weigh the lines of every speaker but the one who pasted the chat; the densest count."""
        by_speaker: dict[str | None, list[_ScoredLine]] = {}
        for each in scored:
            if each.line.speaker != ME:
                by_speaker.setdefault(each.line.speaker, []).append(each)
        weighed = [(self._density(lines), lines) for lines in by_speaker.values()]
        pattern, lines = max(weighed, key=lambda pair: pair[0], default=(0.0, []))
        return ChatEvidence(pattern, self._tone(scored), tuple(self._signs(lines)))

    def _density(self, lines: Sequence[_ScoredLine]) -> float:
        """Return the weight of signs per line, in the run of lines that shows most of them."""
        weight = self._chat_thresholds.signs
        each = np.array([sum(weight[s] * p for s, p in line.signs.items()) for line in lines])
        run = min(_RUN, len(each))
        sums = np.convolve(each, np.ones(run), "valid")
        return float(sums.max()) / (run + _SMOOTHING)

    def _tone(self, scored: Sequence[_ScoredLine]) -> tuple[float, float]:
        """Return the mean of the highest scores, so that no single stretch decides."""
        texts = [
            with_speakers([(each.line.speaker, each.canonical) for each in lines])
            for lines in self._gravest(stretches(scored))
        ]
        scores = np.sort(np.array([self._classifier.chat(text) for text in texts]), axis=0)
        concern, urgent = scores[-_GRAVEST:].mean(axis=0)
        return float(concern), float(urgent)

    def _gravest(self, found: list[Sequence[_ScoredLine]]) -> list[Sequence[_ScoredLine]]:
        """Return the stretches that the network reads."""
        if len(found) <= MOST_STRETCHES:
            return found

        def gravity(lines: Sequence[_ScoredLine]) -> float:
            return self._witness.scores(" ".join(each.line.text for each in lines))[0]

        return sorted(found, key=gravity)[-MOST_STRETCHES:]

    def _signs(self, lines: Sequence[_ScoredLine]) -> Iterator[Sign]:
        weight = self._chat_thresholds.signs
        best = {sign: _clearest(lines, sign) for sign in (weight if lines else ())}
        order = sorted(best, key=lambda sign: -weight[sign] * best[sign].signs[sign])
        return (Sign(sign, best[sign].signs[sign], best[sign].line) for sign in order)

    def _pattern(self, evidence: ChatEvidence) -> Assessment:
        severity = self._severity(evidence)
        if severity == Severity.NONE or not evidence.signs:
            return NO_RISK
        shown = [sign for sign in evidence.signs if sign.probability >= self._chat_thresholds.shown]
        shown = shown or list(evidence.signs[:1])
        category = category_of([sign.name for sign in shown])
        signals = tuple(self._signal(sign, category, severity) for sign in shown)
        return Assessment(severity, (category,), "unknown", signals)

    def _severity(self, evidence: ChatEvidence) -> Severity:
        """Return the severity that the thresholds give to the evidence."""
        concern, urgent = evidence.tone
        if self._chat_thresholds.urgent.over(evidence.pattern, urgent) >= 0:
            return Severity.URGENT
        over = self._chat_thresholds.concern.over(evidence.pattern, concern) >= 0
        return Severity.CONCERN if over else Severity.NONE

    def _signal(self, sign: Sign, category: str, severity: Severity) -> Signal:
        return Signal(
            source=source_of(sign.name),
            kind=CHAT,
            version=self._classifier.version,
            category=category,
            severity=severity,
            start=sign.line.start,
            end=sign.line.end,
            weight=round(sign.probability, 4),
        )

    def _alone(self, line: ChatLine, within: Sequence[Signal]) -> Assessment:
        """Assess one line by itself: a chat between friends may hold a disclosure.

        `within` are the urgent reviewed phrases in it.
        """
        gravest = max(phrase.severity for phrase in within)
        first = max(within, key=lambda phrase: phrase.severity)
        text = _around(line, first)
        steps = self._classifier.read(" ".join(self._canonical(text).words)).steps
        evidence = Evidence(steps, self._witness.scores(text), gravest)
        agreed = self._thresholds.probabilities(evidence, self._chat_thresholds.line).severity
        if agreed < Severity.URGENT:
            return NO_RISK
        severity = min(agreed, gravest)
        signals = tuple(replace(phrase, severity=severity) for phrase in within)
        categories = tuple(dict.fromkeys(phrase.category for phrase in within))
        return Assessment(severity, categories, "unknown", signals)


def reads_whole(chat: PastedChat) -> bool:
    """Return whether the encoder reads every line of the chat to its end."""
    return (
        len(chat.lines) <= MOST_LINES
        and all(len(line.text.split()) <= _WORDS_OF_A_LINE for line in chat.lines)
        and sum(map(_cost, chat.lines)) <= MOST_WORDS
    )


def stretches(lines: Sequence[Line]) -> list[Sequence[Line]]:
    """Return overlapping runs of neighbouring lines; each is read as one text."""
    starts = range(0, max(1, len(lines) - STRETCH + _STEP), _STEP)
    return [lines[at : at + STRETCH] for at in starts]


def with_speakers(lines: Iterable[tuple[str | None, str]]) -> str:
    """Join speakers and texts as the encoder reads them: "them how old are you me 13"."""
    words: list[str] = []
    before = ""
    for speaker, text in lines:
        who = ME if speaker == ME else _OTHERS
        if who != before:
            words.append(who)
        words.append(text)
        before = who
    return " ".join(words)


def _chosen(
    lines: Sequence[ChatLine], phrases: Sequence[Signal], gravity: Callable[[str], float]
) -> list[ChatLine]:
    """Choose the lines to read, in their order.

    Of a long chat: its ends up to half of MOST_WORDS, the lines on which a reviewed phrase fired,
    then the gravest lines with a word of the dictionary. Lines that are equally grave are taken
    from all of the chat.
    """
    costs = [_cost(line) for line in lines]
    if len(lines) <= 2 * _ENDS and sum(costs) <= MOST_WORDS:
        return list(lines)
    depth = [min(at, len(lines) - 1 - at) for at in range(len(lines))]
    ends = sorted((at for at in range(len(lines)) if depth[at] < _ENDS), key=depth.__getitem__)
    kept = _fitting(ends, costs, MOST_WORDS // 2)
    rest = [
        at
        for at, line in enumerate(lines)
        if at not in kept
        and any(is_word(word) for word in line.text.casefold().split()[:_WORDS_LOOKED_UP])
    ]
    fired, weighed = _Fired(phrases), cache(gravity)
    grave = [round(weighed(lines[at].text), 2) for at in rest]
    order = sorted(
        range(len(rest)),
        key=lambda at: (not fired.within(lines[rest[at]]), -grave[at], at * _GOLDEN % 1),
    )
    left = MOST_WORDS - sum(costs[at] for at in kept)
    kept |= _fitting((rest[at] for at in order), costs, left, MOST_LINES - len(kept))
    return [lines[at] for at in sorted(kept)]


def _fitting(
    order: Iterable[int], costs: Sequence[int], words: int, most: int = MOST_LINES
) -> set[int]:
    """Return the first lines, at most `most`, that have so many words together."""
    kept: set[int] = set()
    for at in order:
        if len(kept) < most and costs[at] <= words:
            kept.add(at)
            words -= costs[at]
    return kept


def _cost(line: ChatLine) -> int:
    """Return how many words a line counts as; the encoder stops after so many."""
    words = _WORD.findall(line.text.casefold())
    return min(sum(1 if is_word(word) else len(word) for word in words), MAX_WORD_PIECES)


class _Fired:
    """The reviewed phrases in the order in which they stand."""

    def __init__(self, phrases: Iterable[Signal]) -> None:
        self._phrases = sorted(phrases, key=lambda phrase: phrase.start)
        self._starts = [phrase.start for phrase in self._phrases]

    def within(self, line: ChatLine) -> list[Signal]:
        """Return the phrases that stand in the line from their first to their last word."""
        first, last = bisect_left(self._starts, line.start), bisect_left(self._starts, line.end)
        return [
            phrase for phrase in self._phrases[first:last] if phrase.start < phrase.end <= line.end
        ]


def _alarming(
    scored: Sequence[_ScoredLine], phrases: Iterable[Signal]
) -> Iterator[tuple[ChatLine, list[Signal]]]:
    """Yield the lines with an urgent reviewed phrase, each with these; at most the gravest few."""
    urgent = (p for p in phrases if p.kind == "lexicon" and p.severity >= Severity.URGENT)
    fired = _Fired(urgent)
    found = [(each.line, within) for each in scored if (within := fired.within(each.line))]
    gravest = sorted(found, key=lambda each: -max(phrase.severity for phrase in each[1]))
    yield from sorted(gravest[:MOST_ALONE], key=lambda each: each[0].start)


def _around(line: ChatLine, phrase: Signal) -> str:
    """Return the line, or the words around the phrase if the line is too long for the encoder."""
    if len(line.text.split()) <= _WORDS_OF_A_LINE:
        return line.text
    at, end = phrase.start - line.start, phrase.end - line.start
    first = line.text.rfind(" ", 0, max(at - _AROUND, 0)) + 1
    last = line.text.find(" ", end + _AROUND)
    return line.text[first : last if last >= 0 else None]


def _clearest(lines: Sequence[_ScoredLine], sign: str) -> _ScoredLine:
    return max(lines, key=lambda line: line.signs[sign])


def category_of(signs: Sequence[str]) -> str:
    """Return the risk category of a chat by its signs, the weightiest first."""
    if signs[0] == "requests_job":
        return "criminal_exploitation"
    if "threats" in signs and not {"pictures", "money"}.isdisjoint(signs):
        return "image_abuse"
    return "grooming"
