"""`make second-reader`: teaches the second reader the severity of a message in its place.

The dialogue's encoder stays as it is. One small network learns from its vectors of the sentences of
data/risk, of real everyday text (lab/training/background.py), and of the turns of data/dialogues
after what came before. The writers in HELD are left out: the choice of replies learns from what the
risk engine finds in their conversations. The result is artifacts/second_reader.safetensors. Run
`make calibrate` after it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file
from torch.nn import functional

from lab.dialogue.conversations import (
    DialogueTurn,
    LabelledDialogue,
    in_their_places,
    read_dialogues,
)
from lab.training.adapt import PASSAGE, told
from lab.training.augmentation import AugmentedSentences
from lab.training.background import VARIABLE, read_background
from lab.training.sentences import TrainingText, all_training, of_example
from lab.training.sentences import labels_of as arrays_of
from safeguarding.artifacts import (
    ARTIFACTS,
    DIALOGUE_ADAPTER,
    SECOND_READER,
    add_to_manifest,
    digest_of,
    manifest,
)
from safeguarding.content.reader import read_content
from safeguarding.conversation_state import DANGER_NOW
from safeguarding.corpus import Example, Item, read_examples
from safeguarding.risk.assessment import WIDTH, Assessment, need_of
from safeguarding.risk.encoder.in_place import (
    MADE_FROM,
    NEEDS,
    SCALE,
    in_context,
    sentence_encoder,
)
from safeguarding.risk.encoder.kept_vectors import keep
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.reader import read_lexicon
from safeguarding.risk.thresholds import STEPS
from safeguarding.risk.witness import read_witness
from safeguarding.taxonomy import ROOT, Severity, taxonomy

VECTORS = ROOT / "models" / "second_reader_vectors.safetensors"
"""Where the vectors are kept, so that the next training encodes only new texts."""
_UNITS, _EPOCHS, _BATCH, _RATE = 256, 12, 256, 2e-3
_DROPPED_INPUTS, _DROPPED_UNITS = 0.1, 0.3
_OF_NEEDS = 0.3
"""What the need counts beside the severity."""
UNKNOWN = -100
_SENTENCES, _EVERYDAY = 30_000, 12_000
"""Numbers of our own sentences (of some 120,000) and of everyday texts that are drawn: to encode
each takes 10 ms."""
_URGENT_NEEDS = frozenset({DANGER_NOW, "suicide"})
"""Needs whose disclosures are at least urgent. Turns have no other label of their severity."""
_HARMLESS_ACTS = frozenset({"thanks", "small_talk", "joke", "asks_if_real", "good_news"})
"""Acts that show no risk by themselves, also after a disclosure. A farewell may."""
Floats = npt.NDArray[np.float32]


class TaughtText(NamedTuple):
    """A text as the encoder reads it, with what is known of its severity."""

    text: str
    due: tuple[float, ...]
    """1 or 0 for each of STEPS."""
    known: tuple[float, ...] = (1.0, 1.0, 1.0)
    """1 for each of STEPS that is labelled, else 0."""
    need: str | None = None
    """The need that it shows; None where it shows none, or none is labelled."""


def of_sentences(everyday: Sequence[Example], rng: random.Random) -> Iterator[TaughtText]:
    """Yield the texts that `make adapt` learns severities from, changed as for one epoch."""
    lexicon = read_lexicon()
    engine = RiskEngine(lexicon)
    own = [each for each in read_examples() if each.part == "training"]
    known = [
        each
        for each in all_training(engine, lexicon, read_witness(), own)
        if each.severity is not None
    ]
    sentences = _drawn(known, _SENTENCES, rng)
    sentences += map(of_example, _drawn(everyday, _EVERYDAY, rng))
    passages = [each.text for each in everyday if len(each.text.split()) > PASSAGE]
    labels = arrays_of(sentences, sorted({each.intent for each in sentences if each.intent}))
    augmented = AugmentedSentences(sentences, labels, engine.canonical, passages)
    texts, _ = augmented.epoch(rng)
    for text, sentence, due in zip(texts, sentences, labels.severity, strict=True):
        if text:
            yield TaughtText(text, tuple(map(float, due)), need=need_of_sentence(sentence))


def _drawn(items: Sequence[Item], most: int, rng: random.Random) -> list[Item]:
    return rng.sample(items, min(most, len(items)))


def need_of_sentence(sentence: TrainingText) -> str | None:
    """Return the need of a sentence by its labels; None without a risk or a subject."""
    if not sentence.severity or not sentence.categories or sentence.subject is None:
        return None
    severity = min(sentence.severity, Severity.URGENT)
    return need_of(Assessment(severity, sentence.categories, sentence.subject, ()))


def of_turns() -> Iterator[TaughtText]:
    """Yield each turn after what came before; alone too, where its severity is known."""
    for turn in turns_in_place(read_dialogues("training")):
        if any(turn.known):
            yield TaughtText(turn.words, turn.due, turn.known, turn.need)
        text = in_context(turn.words, turn.context)
        yield TaughtText(text, turn.due, turn.known, turn.need)


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
    """Yield the turns of these conversations, without those of HELD."""
    replies, normaliser = read_content().replies.all(), read_lexicon().normaliser

    def canonical(text: str) -> str:
        return " ".join(normaliser(text).words)

    for dialogue in dialogues:
        if dialogue.is_held:
            continue
        for turn, _, context in in_their_places(dialogue, replies, canonical):
            due, known = severity_of(turn)
            if words := canonical(turn.user or ""):
                yield TurnInPlace(turn.user or "", words, context, due, known, turn.need)


def severity_of(turn: DialogueTurn) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return what is due at each of STEPS by the labels of a turn, and which of them are known."""
    if turn.need is None or turn.act in _HARMLESS_ACTS:
        return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if turn.act != "discloses":
        return (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    is_danger, is_urgent = turn.need == DANGER_NOW, turn.need in _URGENT_NEEDS
    due = (1.0, float(is_urgent), float(is_danger))
    return due, (1.0, float(is_urgent), float(is_danger))


def trained(
    vectors: Floats, due: Floats, known: Floats, needs: npt.NDArray[np.int64], classes: int
) -> dict[str, npt.NDArray[np.float16]]:
    """Return the weights of the network, by the names of SecondReader's fields.

    `vectors` has the shape (texts, 768); `due` and `known` have a column for each of STEPS; `needs`
    are indices below `classes`, or UNKNOWN.
    """
    torch.manual_seed(20261130)
    network = torch.nn.Sequential(
        torch.nn.Dropout(_DROPPED_INPUTS),
        torch.nn.Linear(WIDTH, _UNITS),
        torch.nn.ReLU(),
        torch.nn.Dropout(_DROPPED_UNITS),
        torch.nn.Linear(_UNITS, len(STEPS) + classes),
    )
    inputs, labels, weight, need = map(torch.from_numpy, (vectors * SCALE, due, known, needs))
    steps = _EPOCHS * -(-len(inputs) // _BATCH)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps)
    for _ in range(_EPOCHS):
        for at in torch.randperm(len(inputs)).split(_BATCH):
            found = network(inputs[at])
            each = functional.binary_cross_entropy_with_logits(
                found[:, : len(STEPS)], labels[at], reduction="none"
            )
            of_needs = functional.cross_entropy(
                found[:, len(STEPS) :], need[at], ignore_index=UNKNOWN, reduction="none"
            )
            optimiser.zero_grad()
            ((each * weight[at]).mean() + _OF_NEEDS * of_needs.mean()).backward()
            optimiser.step()
            rate.step()
    hidden, last = network[1], network[4]
    learned = {
        "hidden_weight": hidden.weight,
        "hidden_bias": hidden.bias,
        "weight": last.weight,
        "bias": last.bias,
    }
    return {name: tensor.detach().numpy().astype(np.float16) for name, tensor in learned.items()}


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ARTIFACTS / SECOND_READER)
@click.option(
    "--background",
    envvar=VARIABLE,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of real everyday text to learn from too.",
)
def main(*, out: Path, background: Path | None) -> None:
    """Encode what is new, train, and write the second reader."""
    everyday = read_background(background, "training")
    told(f"{len(everyday)} texts of the background" if everyday else "without a background")
    rng = random.Random(1)  # noqa: S311 - training, not secrets
    texts = [*of_sentences(everyday, rng), *of_turns()]
    told(f"{len(texts)} texts to learn from")
    read = [each.text for each in texts]
    vectors = keep(VECTORS, sentence_encoder(), read).of(read)
    due = np.array([each.due for each in texts], np.float32)
    known = np.array([each.known for each in texts], np.float32)
    names = [name for name in taxonomy().needs if name != DANGER_NOW]
    needs = np.array([names.index(each.need) if each.need in names else UNKNOWN for each in texts])
    facts = {MADE_FROM: manifest()[DIALOGUE_ADAPTER].version, NEEDS: json.dumps(names)}
    part = out.with_suffix(".part")
    save_file(trained(vectors, due, known, needs, len(names)), part, facts)
    part.replace(out)
    add_to_manifest(out, made_by="make second-reader", data=digest_of(texts), on=date.today())  # noqa: DTZ011 - a day will do
