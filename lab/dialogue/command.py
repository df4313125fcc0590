"""`python -m lantern train-dialogue` and `python -m lantern dialogues`.

The first trains artifacts/dialogue.safetensors; the second plans every turn of the test
conversations and reports how many replies are right.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from lab.dialogue.conversations import PARTS, read_dialogues
from lab.dialogue.hearing import Hearing
from lab.dialogue.measures import measured
from lab.dialogue.training import train
from lab.dialogue.turns import LabelledTurn, labelled_turns
from lab.training.second_reader import WITHOUT_HELD
from safeguarding.artifacts import ARTIFACTS, DIALOGUE, add_to_manifest, digest_of
from safeguarding.content.reader import Content, read_content
from safeguarding.dialogue.encoder import joined as join
from safeguarding.dialogue.model import MADE_FROM, DialogueModel, encoders, read_dialogue_model
from safeguarding.risk.encoder.in_place import in_context, sentence_encoder
from safeguarding.risk.encoder.kept_vectors import (
    encode_all,
    joined,
    read_everyday,
    read_table,
    table,
    write_table,
)
from safeguarding.risk.encoder.vectors import SentenceEncoder, read_adapter
from safeguarding.risk.engine import build_engine
from safeguarding.risk.lexicon.reader import read_lexicon
from safeguarding.taxonomy import ROOT

VECTORS = {
    "risk": ROOT / "models" / "dialogue_vectors_of_risk.safetensors",
    "dialogue": ROOT / "models" / "dialogue_vectors.safetensors",
}
"""Where the vectors of each encoder are kept, so that only new texts are encoded."""
_EVERYDAY = 1_500
TRAINING = "training"
Floats = npt.NDArray[np.float32]


class Workshop:
    """The content, the normaliser and the encoder that training and measuring need."""

    def __init__(self) -> None:
        """Load them; takes seconds."""
        self.content: Content = read_content()
        self._normaliser = read_lexicon().normaliser
        self._encoders = {
            "risk": SentenceEncoder(read_adapter().version),
            "dialogue": sentence_encoder(),
        }

    def canonical(self, text: str) -> str:
        """Return the words of a text as the normaliser spells them."""
        return " ".join(self._normaliser(text).words)

    def words(self, text: str) -> int:
        """Return the number of words of a text."""
        return len(self.canonical(text).split())

    def encode(self, texts: Sequence[str], contexts: Sequence[str] = ()) -> Floats:
        """Return the joined vector of each text, shape (texts, 1536).

        `contexts` are what came before each. Those that VECTORS lacks are encoded and added to it.
        """
        words = [self.canonical(text) for text in texts]
        after = contexts or [""] * len(words)
        read = [in_context(*each) for each in zip(words, after, strict=True)]
        return join(self._of("risk", words), self._of("dialogue", read))

    def _of(self, name: str, words: Sequence[str]) -> Floats:
        encoder, path = self._encoders[name], VECTORS[name]
        kept = read_table(path, encoder.adapter_version)
        if missing := kept.missing(words):
            kept = joined(kept, table(missing, encode_all(encoder, missing)))
            write_table(path, kept, encoder.adapter_version)
        return kept.of(words)

    def turns(self, part: str) -> list[LabelledTurn]:
        """Return the labelled messages of a part of data/dialogues in their places."""
        content = self.content
        hearing = None
        if part == TRAINING:
            assess = build_engine(second_reader=WITHOUT_HELD).assess
            hearing = Hearing(assess, content.facts, content.replies.all(), self.canonical)
        return list(
            labelled_turns(
                read_dialogues(part),
                content.replies.all(),
                content.facts,
                self.canonical,
                content.contacts.category_of,
                hearing,
            )
        )


def write(path: Path, model: DialogueModel) -> None:
    """Write the artifact in half precision, whole or not at all."""
    names = (
        "act_weight", "act_bias", "reply_weight", "reply_bias", "answer_weight", "answer_bias",
        "centroids",
    )  # fmt: skip
    half = {name: getattr(model, name).astype(np.float16) for name in names}
    whole = {
        name: np.asarray(getattr(model, name), np.float32)
        for name in ("hidden_weight", "hidden_bias", "rank_weight", "mean", "scale")
    }
    facts = {"acts": json.dumps(model.acts), "replies": json.dumps(model.replies)}
    facts[MADE_FROM] = encoders()
    part = path.with_suffix(".part")
    tensors = {**half, **whole, "rank_bias": np.array([model.rank_bias], np.float32)}
    save_file({name: np.ascontiguousarray(each) for name, each in tensors.items()}, part, facts)
    part.replace(path)


@click.command()
def train_command() -> None:
    """Train the model of the dialogue and write it into artifacts/."""
    shop = Workshop()
    turns = shop.turns(TRAINING)
    bank, everyday = shop.content.replies, read_everyday()
    model = train(
        turns, bank, everyday[:: max(1, len(everyday) // _EVERYDAY)], shop.encode, shop.words
    )
    path = ARTIFACTS / DIALOGUE
    write(path, model)
    data = digest_of([(turn.text, turn.act, turn.right) for turn in turns])
    add_to_manifest(path, made_by="make dialogue-model", data=data, on=date.today())  # noqa: DTZ011
    click.echo(f"{len(turns)} turns, {len(bank.all())} replies")
    _report(shop, read_dialogue_model(path), "development")


@click.command()
@click.option("--part", type=click.Choice(PARTS), default="test")
def measure_command(*, part: str) -> None:
    """Rank the replies to every turn of a part, and report how many are right."""
    shop = Workshop()
    _report(shop, read_dialogue_model(), part)


def _report(shop: Workshop, model: DialogueModel, part: str) -> None:
    turns = shop.turns(part)
    if not turns:
        click.echo(f"{part}: no conversations")
        return
    figures = measured(
        turns,
        shop.encode([turn.text for turn in turns], [turn.context for turn in turns]),
        model,
        shop.content,
        shop.words,
    )
    for line in figures.lines():
        click.echo(line)
