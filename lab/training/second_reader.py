"""`make second-reader`: teaches the second reader the severity of a message in its place.

The dialogue's encoder stays as it is. One small network learns from its vectors of the sentences of
data/risk, of real everyday text (lab/training/background.py), and of the turns of data/dialogues
after what came before. The result is artifacts/second_reader.safetensors. Run `make calibrate`
after it.

The choice of replies learns from what the risk engine finds in the conversations of the writers in
HELD. There the engine must be wrong as often as in service, so with `--without-held` another one is
trained that has not read them: WITHOUT_HELD, which only that training uses.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file
from torch.nn import functional

from lab.dialogue.conversations import read_dialogues
from lab.training.adapt import told
from lab.training.background import VARIABLE, read_background
from lab.training.severity_texts import (
    UNKNOWN,
    SeverityText,
    SeverityTexts,
    need_index,
    need_names,
    of_turns,
)
from safeguarding.artifacts import (
    ARTIFACTS,
    DIALOGUE_ADAPTER,
    SECOND_READER,
    add_to_manifest,
    digest_of,
    manifest,
)
from safeguarding.risk.assessment import WIDTH
from safeguarding.risk.encoder.in_place import MADE_FROM, NEEDS, SCALE, sentence_encoder
from safeguarding.risk.encoder.kept_vectors import keep
from safeguarding.risk.thresholds import STEPS
from safeguarding.taxonomy import ROOT

VECTORS = ROOT / "models" / "second_reader_vectors.safetensors"
"""Where the vectors are kept, so that the next training encodes only new texts."""
WITHOUT_HELD = ROOT / "models" / "second_reader_without_held.safetensors"
"""The second reader that has not read the conversations of HELD."""
_UNITS, _EPOCHS, _BATCH, _RATE = 256, 12, 256, 2e-3
_DROPPED_INPUTS, _DROPPED_UNITS = 0.1, 0.3
_OF_NEEDS = 0.3
"""What the need counts beside the severity."""
Floats = npt.NDArray[np.float32]


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
@click.option("--without-held", is_flag=True, help="Write WITHOUT_HELD, for the choice of replies.")
def main(*, out: Path, background: Path | None, without_held: bool) -> None:
    """Encode what is new, train, and write the second reader."""
    everyday = read_background(background, "training")
    told(f"{len(everyday)} texts of the background" if everyday else "without a background")
    dialogues = read_dialogues("training")
    if without_held:
        dialogues = [each for each in dialogues if not each.is_held]
    rng = random.Random(1)  # noqa: S311 - training, not secrets
    texts = [*SeverityTexts(everyday).drawn(rng), *of_turns(dialogues)]
    told(f"{len(texts)} texts to learn from")
    if without_held:
        write(WITHOUT_HELD, texts)
        return
    write(out, texts)
    add_to_manifest(out, made_by="make second-reader", data=digest_of(texts), on=date.today())  # noqa: DTZ011 - a day will do


def write(path: Path, texts: Sequence[SeverityText]) -> None:
    """Encode these texts, train, and write the second reader, whole or not at all."""
    read = [each.text for each in texts]
    vectors = keep(VECTORS, sentence_encoder(), read).of(read)
    due = np.array([each.due for each in texts], np.float32)
    known = np.array([each.known for each in texts], np.float32)
    names = need_names()
    needs = np.array([need_index(each.need) for each in texts])
    facts = {MADE_FROM: manifest()[DIALOGUE_ADAPTER].version, NEEDS: json.dumps(names)}
    part = path.with_suffix(".part")
    save_file(trained(vectors, due, known, needs, len(names)), part, facts)
    part.replace(path)
