"""`make adapt-dialogue`: trains the adapter of the dialogue's encoder, in under an hour.

The network learns which reply of content/replies a message asks for, and what the message does,
from the replies' phrasings and the training part of data/dialogues. The writers in HELD are left
out: the ranking learns how far the encoder is to be trusted from people it has never read. The
result is artifacts/dialogue_adapter.safetensors, which is merged into models/mpnet_dialogue.onnx.
An interrupted run goes on where its last saved state was.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file
from torch.nn import functional

from lab.dialogue.conversations import in_their_places, read_dialogues, shares
from lab.training.adapt import RANK, SAVE_EVERY_S, Progress, TrainingRun, told
from lab.training.augmentation import roughened
from lab.training.network import BATCH, SCALE, EncoderNetwork, WordPieces, batches, published
from safeguarding.artifacts import ARTIFACTS, DIALOGUE_ADAPTER, add_to_manifest, digest_of
from safeguarding.content.reader import read_content
from safeguarding.risk.encoder import vectors as weights
from safeguarding.risk.encoder.kept_vectors import read_everyday
from safeguarding.risk.lexicon.reader import read_lexicon
from safeguarding.taxonomy import ROOT, taxonomy

EPOCHS = 3.0
STATE = ROOT / "models" / "adapting" / "dialogue.pt"
_ROUGH, _IN_CONTEXT = 0.35, 0.6
"""Shares of the texts that get typing errors, and that are read after what came before, drawn anew
in each epoch."""
_OF_TURNS, _OF_NOTHING = 0.8, 0.3
"""What a turn counts beside a phrasing, and a text that no reply of the bank answers."""
_OF_ACTS = 0.5
"""What the act counts beside the reply."""
_EVERYDAY = 1_500
_UNKNOWN = -100
_BEGIN = 1.5
"""Length of the weights that a reply begins with: the mean vector of its phrasings."""


class TaughtText(NamedTuple):
    """A text, with what is learned from it."""

    words: tuple[str, ...]
    """Canonical words."""
    context: str
    """What came before: the result of `context_of`."""
    act: int | None
    """The index of its dialogue act; None where it is not known."""
    replies: tuple[tuple[int, float], ...]
    """The index of each right reply and its share, the best first; they sum to 1."""
    weight: float


def taught_texts() -> tuple[list[TaughtText], int, int]:
    """Return the texts, the number of replies with that of "none", and the number of acts."""
    content, normaliser = read_content(), read_lexicon().normaliser
    replies = content.replies.all()
    place = {name: at for at, name in enumerate(sorted(replies))}
    acts = list(taxonomy().dialogue_acts)
    none = ((len(place), 1.0),)

    def words(text: str) -> tuple[str, ...]:
        return tuple(normaliser(text).words)

    found = [
        TaughtText(words(text), "", None, ((place[name], 1.0),), 1.0)
        for name in place
        for text in replies[name].asked
    ]
    for dialogue in read_dialogues("training"):
        if dialogue.is_held:
            continue
        for turn, _, context in in_their_places(dialogue, replies, lambda t: " ".join(words(t))):
            right = [place[each] for each in turn.right if each in place]
            shared = tuple(zip(right, shares(len(right)), strict=True)) if right else none
            act = acts.index(turn.act) if turn.act else None
            weight = _OF_TURNS if right else _OF_NOTHING
            found.append(TaughtText(words(turn.user or ""), context, act, shared, weight))
    everyday = read_everyday()
    for text in everyday[:: max(1, len(everyday) // _EVERYDAY)]:
        found.append(TaughtText(words(text), "", None, none, _OF_NOTHING))
    return [each for each in found if each.words], len(place) + 1, len(acts)


def loss(
    logits: dict[str, torch.Tensor], texts: Sequence[TaughtText], which: npt.NDArray[np.int64]
) -> torch.Tensor:
    """Return the mean loss over the texts of a batch: that of the reply and part of the act's."""
    batch = [texts[at] for at in which]
    due = torch.zeros_like(logits["reply"])
    for row, text in enumerate(batch):
        for reply, share in text.replies:
            due[row, reply] = share
    weight = torch.tensor([text.weight for text in batch])
    of_replies = -(due * functional.log_softmax(logits["reply"], 1)).sum(1) * weight
    acts = torch.tensor([_UNKNOWN if text.act is None else text.act for text in batch])
    of_acts = functional.cross_entropy(logits["act"], acts, ignore_index=_UNKNOWN, reduction="none")
    return of_replies.mean() + _OF_ACTS * of_acts.mean()


@click.command()
@click.option("--epochs", default=EPOCHS, show_default=True, help="May be a fraction.")
@click.option("--out", type=click.Path(path_type=Path), default=ARTIFACTS / DIALOGUE_ADAPTER)
@click.option("--fresh", is_flag=True, help="Forget an interrupted run.")
def main(*, epochs: float, out: Path, fresh: bool) -> None:
    """Train, print progress, and write the adapter."""
    torch.manual_seed(1)
    texts, replies, acts = taught_texts()
    told(f"{len(texts)} texts to learn from")
    data = digest_of([" ".join(text.words), text.context, text.act, text.replies] for text in texts)
    pieces = WordPieces(weights.ENCODER_DIR / "tokenizer.json")
    base = published(weights.ENCODER_DIR)
    network = EncoderNetwork(base, {"reply": replies, "act": acts}, rank=RANK)
    _begin_from_phrasings(network, pieces, texts)
    per_epoch = -(-len(texts) // BATCH)
    steps = round(per_epoch * epochs)
    run, name = TrainingRun(network, steps), f"{data} {epochs}"
    if not fresh:
        run.resume(STATE, name)
    progress, saved = Progress(run.done, steps), time.monotonic()
    for epoch in range(run.done // per_epoch, math.ceil(epochs)):
        rng = random.Random(epoch)  # noqa: S311 - training, not secrets
        tokens = [pieces.in_context(*_changed(text, rng)) for text in texts]
        for at, which in enumerate(batches([len(ids) for ids in tokens], rng, BATCH)):
            if not epoch * per_epoch + at == run.done < steps:
                continue
            _, ids, mask = pieces.batch(tokens, which)
            progress.step(run.step(loss(network(ids, mask), texts, which)))
            if time.monotonic() - saved > SAVE_EVERY_S:
                run.save(STATE, name)
                saved = time.monotonic()
    _write(network, out, data)


def _changed(text: TaughtText, rng: random.Random) -> tuple[str, str]:
    """Return the words of a text, perhaps with errors, and its context or none."""
    rough = rng.random() < _ROUGH
    context = text.context if rng.random() < _IN_CONTEXT else ""
    return roughened(text.words, rng) if rough else " ".join(text.words), context


def _begin_from_phrasings(
    network: EncoderNetwork, pieces: WordPieces, texts: Sequence[TaughtText]
) -> None:
    """Set the weights of each reply to the mean vector of its phrasings, which saves an epoch."""
    own = [text for text in texts if text.weight == 1.0]
    tokens = pieces.of([" ".join(text.words) for text in own])
    head = network.heads["reply"]
    sums = torch.zeros_like(head.weight)
    network.eval()
    with torch.inference_mode():
        for which in batches([len(ids) for ids in tokens], None, size=2 * BATCH):
            _, ids, mask = pieces.batch(tokens, which)
            at = torch.tensor([own[text].replies[0][0] for text in which])
            sums.index_add_(0, at, network.vectors(ids, mask))
    network.train()
    with torch.no_grad():
        head.weight.copy_(_BEGIN * functional.normalize(sums, dim=1))
        head.bias.zero_()


def _write(network: EncoderNetwork, path: Path, data: str) -> None:
    """Write the changes of the encoder; `make dialogue-model` trains the heads anew."""
    changes = {k: v for k, v in network.learned().items() if k.startswith("adapter.")}
    nothing = json.dumps([])
    facts = dict.fromkeys(("categories", "subjects", "signs", "intents"), nothing)
    facts |= {"base": weights.BASE_SHA256, "scale": str(SCALE)}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(changes, path, metadata=facts)
    made_by = "make adapt-dialogue"
    add_to_manifest(path, made_by=made_by, data=data, on=date.today())  # noqa: DTZ011 - a day will do
