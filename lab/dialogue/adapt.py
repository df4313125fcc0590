"""`make adapt-dialogue`: trains the adapter of the dialogue's encoder, in an hour or two.

The network learns which reply of content/replies a message asks for, and what the message does,
from the replies' phrasings and the training part of data/dialogues. The writers in HELD are left
out: the ranking learns how far the encoder is to be trusted from people it has never read. It also
learns how serious a message is and what need it shows, from these turns and from sentences of
data/risk and real everyday text, drawn anew in each epoch: the second reader of the risk engine
reads its vectors. The result is artifacts/dialogue_adapter.safetensors, which is merged into
models/mpnet_dialogue.onnx. An interrupted run goes on where its last saved state was.
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
from lab.training.background import VARIABLE, read_background
from lab.training.network import BATCH, SCALE, EncoderNetwork, WordPieces, batches, published
from lab.training.severity_texts import (
    UNKNOWN,
    SeverityText,
    SeverityTexts,
    need_index,
    need_names,
    severity_of,
)
from safeguarding.artifacts import ARTIFACTS, DIALOGUE_ADAPTER, add_to_manifest, digest_of
from safeguarding.content.reader import read_content
from safeguarding.risk.encoder import vectors as weights
from safeguarding.risk.encoder.kept_vectors import read_everyday
from safeguarding.risk.encoder.vectors import read_arrays
from safeguarding.risk.lexicon.reader import read_lexicon
from safeguarding.risk.thresholds import STEPS
from safeguarding.taxonomy import ROOT, taxonomy

EPOCHS = 3.0
STATE = ROOT / "models" / "adapting" / "dialogue.pt"
_ROUGH, _IN_CONTEXT = 0.35, 0.6
"""Shares of the turns and phrasings that get typing errors, and that are read after what came
before, drawn anew in each epoch."""
_OF_TURNS, _OF_NOTHING = 0.8, 0.3
"""What a turn counts beside a phrasing, and a text that no reply of the bank answers."""
_OF_ACTS, _OF_SEVERITY, _OF_NEEDS = 0.5, 2.0, 0.5
"""What the act, the severity and the need count beside the reply."""
_EVERYDAY = 1_500
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
    """The index of each right reply and its share, the best first; they sum to 1. A sentence that
    is no turn has none."""
    weight: float
    """What the replies count."""
    severity: SeverityText | None = None
    """What is known of its severity and need; None for nothing."""


def taught_texts() -> tuple[list[TaughtText], int, int]:
    """Return the texts with replies, the number of replies with that of "none", and of acts."""
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
            severity = SeverityText(turn.user or "", *severity_of(turn), turn.need)
            said = words(turn.user or "")
            found.append(TaughtText(said, context, act, shared, weight, severity))
    everyday = read_everyday()
    for text in everyday[:: max(1, len(everyday) // _EVERYDAY)]:
        found.append(TaughtText(words(text), "", None, none, _OF_NOTHING))
    return [each for each in found if each.words], len(place) + 1, len(acts)


def loss(
    logits: dict[str, torch.Tensor], texts: Sequence[TaughtText], which: npt.NDArray[np.int64]
) -> torch.Tensor:
    """Return the mean loss over the texts of a batch, over all that is known of each."""
    batch = [texts[at] for at in which]
    replies = torch.zeros_like(logits["reply"])
    due, known = torch.zeros_like(logits["severity"]), torch.zeros_like(logits["severity"])
    for row, text in enumerate(batch):
        for reply, share in text.replies:
            replies[row, reply] = share
        if text.severity:
            due[row] = torch.tensor(text.severity.due)
            known[row] = torch.tensor(text.severity.known)
    weight = torch.tensor([text.weight for text in batch])
    acts = torch.tensor([UNKNOWN if text.act is None else text.act for text in batch])
    needs = torch.tensor(
        [need_index(text.severity.need if text.severity else None) for text in batch]
    )
    of_replies = -(replies * functional.log_softmax(logits["reply"], 1)).sum(1) * weight
    of_severity = functional.binary_cross_entropy_with_logits(
        logits["severity"], due, known, reduction="none"
    ).sum(1)
    return (
        of_replies.mean()
        + _OF_ACTS * _of_one(logits["act"], acts)
        + _OF_SEVERITY * of_severity.mean()
        + _OF_NEEDS * _of_one(logits["need"], needs)
    )


def _of_one(logits: torch.Tensor, due: torch.Tensor) -> torch.Tensor:
    """Return the mean loss of a choice of one; UNKNOWN costs nothing."""
    each = functional.cross_entropy(logits, due, ignore_index=UNKNOWN, reduction="none")
    return each.mean()


@click.command()
@click.option("--epochs", default=EPOCHS, show_default=True, help="May be a fraction.")
@click.option("--out", type=click.Path(path_type=Path), default=ARTIFACTS / DIALOGUE_ADAPTER)
@click.option("--fresh", is_flag=True, help="Forget an interrupted run.")
@click.option(
    "--go-on-from",
    type=click.Path(path_type=Path, exists=True),
    help="Begin with what this adapter knows, where only texts were added.",
)
@click.option(
    "--background",
    envvar=VARIABLE,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of real everyday text to learn from too.",
)
def main(
    *, epochs: float, out: Path, fresh: bool, go_on_from: Path | None, background: Path | None
) -> None:
    """Train, print progress, and write the adapter."""
    torch.manual_seed(1)
    everyday = read_background(background, "training")
    told(f"{len(everyday)} texts of the background" if everyday else "without a background")
    turns, replies, acts = taught_texts()
    sentences = SeverityTexts(everyday)
    count = len(turns) + len(sentences)
    told(f"{len(turns)} texts with replies and {len(sentences)} with a severity to learn from")
    data = digest_of(
        [*([" ".join(text.words), *text[1:]] for text in turns), sentences.digest, len(sentences)]
    )
    pieces = WordPieces(weights.ENCODER_DIR / "tokenizer.json")
    outputs = {"reply": replies, "act": acts, "severity": len(STEPS), "need": len(need_names())}
    network = EncoderNetwork(published(weights.ENCODER_DIR), outputs, rank=RANK)
    if go_on_from:
        network.resume(read_arrays(go_on_from)[0])
    _begin_from_phrasings(network, pieces, turns)
    per_epoch = -(-count // BATCH)
    steps = round(per_epoch * epochs)
    run, name = TrainingRun(network, steps), f"{data} {epochs} {go_on_from}"
    if not fresh:
        run.resume(STATE, name)
    progress, saved = Progress(run.done, steps), time.monotonic()
    for epoch in range(run.done // per_epoch, math.ceil(epochs)):
        rng = random.Random(epoch)  # noqa: S311 - training, not secrets
        texts = [*turns, *map(_without_replies, sentences.drawn(rng))]
        tokens = [pieces.in_context(*_changed(text, rng)) for text in turns]
        tokens += pieces.of([" ".join(text.words) for text in texts[len(turns) :]])
        for at, which in enumerate(batches([len(ids) for ids in tokens], rng, BATCH)):
            if not epoch * per_epoch + at == run.done < steps:
                continue
            _, ids, mask = pieces.batch(tokens, which)
            progress.step(run.step(loss(network(ids, mask), texts, which)))
            if time.monotonic() - saved > SAVE_EVERY_S:
                run.save(STATE, name)
                saved = time.monotonic()
    _write(network, out, data)


def _without_replies(text: SeverityText) -> TaughtText:
    return TaughtText(tuple(text.text.split()), "", None, (), 0.0, text)


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
