"""The texts from which the severity and the need of a message are learned, alone and in its place.

Sentences of data/risk, real everyday text (lab/training/background.py), and the turns of
data/dialogues after what came before, as far as their labels tell. The encoder of the dialogue
(lab/dialogue/adapt.py) and the second reader (lab/training/second_reader.py) learn from them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from lab.dialogue.conversations import DialogueTurn, LabelledDialogue, in_their_places
from lab.training.adapt import PASSAGE
from lab.training.augmentation import AugmentedSentences
from lab.training.sentences import TrainingText, all_training, of_example, row
from lab.training.sentences import labels_of as arrays_of
from safeguarding.artifacts import digest_of
from safeguarding.content.reader import read_content
from safeguarding.conversation_state import DANGER_NOW
from safeguarding.corpus import Example, Item, read_examples
from safeguarding.risk.assessment import Assessment, need_of
from safeguarding.risk.encoder.in_place import in_context
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.reader import read_lexicon
from safeguarding.risk.witness import read_witness
from safeguarding.taxonomy import Severity, taxonomy

OWN, EVERYDAY = 30_000, 12_000
"""Numbers of our own sentences (of some 120,000) and of everyday texts that are drawn: to encode
each takes 10 ms."""
_URGENT_NEEDS = frozenset({DANGER_NOW, "suicide"})
"""Needs whose disclosures are at least urgent. Turns have no other label of their severity."""
_HARMLESS_ACTS = frozenset({"thanks", "small_talk", "joke", "asks_if_real", "good_news"})
"""Acts that show no risk by themselves, also after a disclosure. A farewell may."""
NOTHING, ALL_KNOWN = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
_A_CONCERN = (1.0, 0.0, 0.0)
UNKNOWN = -100
"""The index of a need that is not labelled, or where there is none."""


class SeverityText(NamedTuple):
    """A text as the encoder reads it, with what is known of its severity."""

    text: str
    due: tuple[float, ...]
    """1 or 0 for each of STEPS."""
    known: tuple[float, ...] = ALL_KNOWN
    """1 for each of STEPS that is labelled, else 0."""
    need: str | None = None
    """The need that it shows; None where it shows none, or none is labelled."""


class SeverityTexts:
    """The sentences with a severity: some are drawn, and changed, as often as wished."""

    def __init__(self, everyday: Sequence[Example]) -> None:
        """Read our own sentences; `everyday` are the harmless texts beside them, perhaps none."""
        lexicon = read_lexicon()
        self._engine = RiskEngine(lexicon)
        own = [each for each in read_examples() if each.part == "training"]
        self._own = [
            each
            for each in all_training(self._engine, lexicon, read_witness(), own)
            if each.severity is not None and self._engine.canonical(each.text)
        ]
        self._everyday = [
            of_example(each) for each in everyday if self._engine.canonical(each.text)
        ]
        self._passages = [each.text for each in everyday if len(each.text.split()) > PASSAGE]

    def drawn(self, rng: random.Random) -> Iterator[SeverityText]:
        """Yield OWN and EVERYDAY texts, or all if there are fewer, changed as for one epoch."""
        sentences = _drawn(self._own, OWN, rng) + _drawn(self._everyday, EVERYDAY, rng)
        labels = arrays_of(sentences, sorted({each.intent for each in sentences if each.intent}))
        canonical = self._engine.canonical
        texts, _ = AugmentedSentences(sentences, labels, canonical, self._passages).epoch(rng)
        for text, sentence, due in zip(texts, sentences, labels.severity, strict=True):
            yield SeverityText(text, tuple(map(float, due)), need=need_of_sentence(sentence))

    @property
    def digest(self) -> str:
        """12 digits that identify what is drawn from."""
        return digest_of(map(row, [*self._own, *self._everyday]))

    def __len__(self) -> int:
        """Return how many texts are drawn each time."""
        return min(len(self._own), OWN) + min(len(self._everyday), EVERYDAY)


def need_names() -> list[str]:
    """Return the needs that are told apart: all of the taxonomy's but immediate danger."""
    return [name for name in taxonomy().needs if name != DANGER_NOW]


def need_index(need: str | None) -> int:
    """Return the place of a need in `need_names`, or UNKNOWN."""
    names = need_names()
    return names.index(need) if need in names else UNKNOWN


def _drawn(items: Sequence[Item], most: int, rng: random.Random) -> list[Item]:
    return rng.sample(items, min(most, len(items)))


def need_of_sentence(sentence: TrainingText) -> str | None:
    """Return the need of a sentence by its labels; None without a risk or a subject."""
    if not sentence.severity or not sentence.categories or sentence.subject is None:
        return None
    severity = min(sentence.severity, Severity.URGENT)
    return need_of(Assessment(severity, sentence.categories, sentence.subject, ()))


def of_turns(dialogues: Iterable[LabelledDialogue]) -> Iterator[SeverityText]:
    """Yield each turn after what came before; alone too, where its severity is known."""
    for turn in turns_in_place(dialogues):
        if any(turn.known):
            yield SeverityText(turn.words, turn.due, turn.known, turn.need)
        text = in_context(turn.words, turn.context)
        yield SeverityText(text, turn.due, turn.known, turn.need)


class TurnInPlace(NamedTuple):
    """A turn of a conversation, with what is known of its severity."""

    text: str
    words: str
    """The canonical words of `text`."""
    context: str
    due: tuple[float, ...]
    known: tuple[float, ...]
    need: str | None


def turns_in_place(dialogues: Iterable[LabelledDialogue]) -> Iterator[TurnInPlace]:
    """Yield the turns of these conversations."""
    replies, normaliser = read_content().replies.all(), read_lexicon().normaliser

    def canonical(text: str) -> str:
        return " ".join(normaliser(text).words)

    for dialogue in dialogues:
        for turn, _, context in in_their_places(dialogue, replies, canonical):
            due, known = severity_of(turn)
            if words := canonical(turn.user or ""):
                yield TurnInPlace(turn.user or "", words, context, due, known, turn.need)


def severity_of(turn: DialogueTurn) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return what is due at each of STEPS by the labels of a turn, and which of them are known."""
    if turn.need is None or (turn.act in _HARMLESS_ACTS and not turn.tells_risk):
        return NOTHING, ALL_KNOWN
    if turn.act != "discloses":
        # How severe it is by itself, the need in hand does not say.
        return (_A_CONCERN, _A_CONCERN) if turn.tells_risk else (NOTHING, NOTHING)
    is_danger, is_urgent = turn.need == DANGER_NOW, turn.need in _URGENT_NEEDS
    due = (1.0, float(is_urgent), float(is_danger))
    return due, (1.0, float(is_urgent), float(is_danger))
