"""Random changes of the sentences in every epoch, so that the encoder ignores accidents."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from lab.training.sentences import Labels, TrainingText
from safeguarding.taxonomy import TOPIC_PREFIX, Severity

_ROUGH, _MIXED, _ASKED = 0.35, 0.25, 0.06
"""Shares of sentences that get typing errors; that are put beside a harmless sentence; and, of
those that show risk, that are followed by a question whose topic is learned."""
_LONGEST_OTHER, _LONGEST_MIXED = 16, 60
"""Most words of a sentence put beside another, and of one that gets another beside it."""
_SET_IN, _CUT = 0.25, 0.5
"""Share of the sentences, with and without risk, that are set among those of a longer everyday
text, so that length is no sign of either; and share of the long harmless texts of which only a
piece is kept, as a long message is read in pieces."""
_LONGEST_SET_IN = (30, 45, 80)
"""Most words of a text in which a sentence is set, drawn anew each time."""
_PIECE = 36
"""Words of a piece, as in safeguarding/risk/passages.py."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_DROPPED, _SLIPPED, _SHORTENED, _WITHOUT_VOWELS, _SHORT = 0.03, 0.12, 0.15, 0.5, 3


class AugmentedSentences:
    """The sentences of a training run, changed anew for each epoch."""

    def __init__(
        self,
        sentences: Sequence[TrainingText],
        labels: Labels,
        canonical: Callable[[str], str],
        passages: Iterable[str] = (),
    ) -> None:
        """Prepare the sentences. `canonical` turns a text into the words that the encoder reads.

        `passages` are longer harmless texts, among whose sentences others are set.
        """
        self._sentences = sentences
        self._labels = labels
        self._words = [canonical(sentence.text).split() for sentence in sentences]
        self._passages = [
            [words for part in _SENTENCE_END.split(text) if (words := canonical(part).split())]
            for text in passages
        ]
        self._harmless, self._aside, self._asked = [], [], []
        for at, (sentence, words) in enumerate(zip(sentences, self._words, strict=True)):
            if not 0 < len(words) <= _LONGEST_OTHER or sentence.severity != Severity.NONE:
                continue
            asks = sentence.intent is not None and sentence.intent.startswith(TOPIC_PREFIX)
            if asks:
                self._asked.append(at)
            if sentence.signs is None:
                self._harmless.append(at)
                if not asks:
                    self._aside.append(at)

    def as_written(self) -> list[str]:
        """Return the canonical sentences without changes."""
        return [" ".join(words) for words in self._words]

    def epoch(self, rng: random.Random) -> tuple[list[str], Labels]:
        """Return the texts of one epoch with their labels, those of the original sentence."""
        topic, known = self._labels.topic.copy(), self._labels.masks["topic"].copy()
        texts = []
        for at, own in enumerate(self._words):
            words = own
            if self._may_be_followed(at) and rng.random() < _ASKED and self._asked:
                asked = rng.choice(self._asked)
                topic[at], known[at] = self._labels.topic[asked], 1
                words = [*words, *self._words[asked]]
            elif self._may_be_mixed(at):
                words = self._beside_others(at, rng)
            elif len(words) > _PIECE and self._sentences[at].severity == Severity.NONE:
                words = _piece(words, rng)
            texts.append(
                roughened(words, rng) if words and rng.random() < _ROUGH else " ".join(words)
            )
        masks = {**self._labels.masks, "topic": known}
        return texts, replace(self._labels, topic=topic, masks=masks)

    def _beside_others(self, at: int, rng: random.Random) -> list[str]:
        """Return the words of a sentence, sometimes beside one other or among many."""
        words, chance = self._words[at], rng.random()
        if chance < _MIXED:
            return mixed(words, self._words[self._companion(at, rng)], rng)
        if chance < _MIXED + _SET_IN and self._passages:
            return set_in(words, rng.choice(self._passages), rng)
        return words

    def _companion(self, at: int, rng: random.Random) -> int:
        """Choose a harmless sentence, without a question if the sentence's own topic is learned."""
        among = self._harmless if self._sentences[at].intent is None else self._aside
        return rng.choice(among)

    def _may_be_followed(self, at: int) -> bool:
        sentence = self._sentences[at]
        risky = sentence.severity is not None and sentence.severity > Severity.NONE
        return risky and sentence.intent is None and len(self._words[at]) <= _LONGEST_MIXED

    def _may_be_mixed(self, at: int) -> bool:
        sentence = self._sentences[at]
        labelled = sentence.severity is not None and sentence.signs is None
        return labelled and len(self._words[at]) <= _LONGEST_MIXED and bool(self._aside)


def mixed(words: Sequence[str], other: Sequence[str], rng: random.Random) -> list[str]:
    """Join `words` with `other`: before them, after them, or split around them."""
    where = rng.choice(("before", "before", "after", "after", "around"))
    cut = rng.randrange(1, len(other)) if where == "around" and len(other) > 1 else 0
    if where == "before":
        cut = len(other)
    return [*other[:cut], *words, *other[cut:]]


def set_in(words: Sequence[str], passage: Sequence[Sequence[str]], rng: random.Random) -> list[str]:
    """Set `words` between two sentences of a passage, of which as many are kept as there is room.

    The sentences that are kept are neighbours.
    """
    room = rng.choice(_LONGEST_SET_IN) - len(words)
    first = rng.randrange(len(passage)) if passage else 0
    kept: list[Sequence[str]] = []
    for sentence in passage[first:]:
        if sum(map(len, kept)) + len(sentence) > room:
            break
        kept.append(sentence)
    at = rng.randint(0, len(kept))
    return [word for part in (*kept[:at], words, *kept[at:]) for word in part]


def _piece(words: list[str], rng: random.Random) -> list[str]:
    """Return a long text, or sometimes only a run of its words."""
    if rng.random() >= _CUT:
        return words
    start = rng.randrange(len(words) - _PIECE)
    return words[start : start + _PIECE]


def roughened(words: Iterable[str], rng: random.Random) -> str:
    """Join the words with a few typing errors, or without some of their vowels."""
    kept = []
    whole = list(words)
    shortened = rng.random() < _SHORTENED
    for word in whole:
        chance = rng.random()
        if chance < _DROPPED and len(whole) > 1:
            continue
        if shortened and len(word) > _SHORT and rng.random() < _WITHOUT_VOWELS:
            kept.append(word[0] + "".join(c for c in word[1:-1] if c not in "aeiou") + word[-1])
        else:
            kept.append(_slip(word, rng) if chance < _SLIPPED and len(word) > _SHORT else word)
    return " ".join(kept or whole)


def _slip(word: str, rng: random.Random) -> str:
    at = rng.randrange(len(word) - 1)
    slips: list[Callable[[], str]] = [
        lambda: word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        lambda: word[:at] + word[at + 1 :],
        lambda: word[:at] + word[at] + word[at:],
    ]
    return rng.choice(slips)()
