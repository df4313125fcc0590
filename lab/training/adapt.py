"""`make adapt`: trains the adapter of the encoder, in some hours on two cores. It can be resumed.

One network learns severity, category, subject and signs from data/risk, and the topic from
data/nlu, so that one sentence vector serves all five. Real everyday text teaches what is harmless,
if LANTERN_BACKGROUND names its folder (lab/training/background.py). The result is written to
artifacts/adapter.safetensors (a few MB), which `make train` merges into the ONNX file. The
development part is measured, never learned.
"""

from __future__ import annotations

import json
import math
import random
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from lab.evaluation.measures import urgent_recall
from lab.training.augmentation import AugmentedSentences
from lab.training.background import VARIABLE as BACKGROUND
from lab.training.background import read_background
from lab.training.network import (
    BATCH,
    SCALE,
    EncoderNetwork,
    WordPieces,
    batches,
    loss,
    published,
    read_all,
    target,
)
from lab.training.sentences import all_training, development, labels_of, of_example, row
from lab.training.witness import train_witness, write
from safeguarding.artifacts import ADAPTER, ARTIFACTS, add_to_manifest, digest_of
from safeguarding.corpus import read_examples
from safeguarding.risk.encoder import vectors as weights
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.reader import read_lexicon
from safeguarding.taxonomy import ROOT, SIGNS, taxonomy

RANK, EPOCHS = 32, 3.0
RATES = {"encoder": 4e-4, "heads": 1e-3}
_WARMING_UP, _LONGEST_STEP = 0.05, 1.0
"""Share of the steps in which the rates rise; norm to which a gradient is clipped."""
PASSAGE = 12
"""Words above which a text of the background is long enough to set sentences in."""
_REPORT_EVERY, SAVE_EVERY_S = 50, 600.0
"""Steps between two lines of progress; seconds between two saved states."""
STATE = ROOT / "models" / "adapting" / "state.pt"


class TrainingRun:
    """A training run: network, optimiser and number of steps done. It can be saved and resumed."""

    def __init__(self, network: EncoderNetwork, steps: int) -> None:
        self.network = network
        self.done = 0
        self._optimiser = torch.optim.AdamW(
            [
                {"params": [p for p in part.parameters() if p.requires_grad], "lr": RATES[name]}
                for name, part in (("encoder", network.encoder), ("heads", network.heads))
            ],
            weight_decay=0.01,
        )
        rising = max(1, round(steps * _WARMING_UP))

        def rate(step: int) -> float:
            """Return the factor of the learning rate: up in a line, then down in half a cosine."""
            if step < rising:
                return (step + 1) / rising
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rising) / (steps - rising + 1))))

        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimiser, rate)

    def learn(self, ids: torch.Tensor, mask: torch.Tensor, due: dict[str, torch.Tensor]) -> float:
        """Take one step and return its loss."""
        return self.step(loss(self.network(ids, mask), due))

    def step(self, value: torch.Tensor) -> float:
        """Take one step down the slope of this loss, and return it as a number."""
        value.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _LONGEST_STEP)
        self._optimiser.step()
        self._optimiser.zero_grad()
        self._schedule.step()
        self.done += 1
        return float(value.detach())

    def save(self, path: Path, run: str) -> None:
        """Write the state in one piece. `run` identifies the sentences and the settings."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        learning = {n: p for n, p in self.network.named_parameters() if p.requires_grad}
        state = {
            "run": run,
            "done": self.done,
            "learned": {name: parameter.detach() for name, parameter in learning.items()},
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
            "chance": torch.get_rng_state(),
        }
        torch.save(state, part)
        part.replace(path)

    def resume(self, path: Path, run: str) -> None:
        """Continue from the state at `path`, if it belongs to the same run."""
        if not path.is_file():
            return
        state = torch.load(path, weights_only=True)
        if state["run"] != run:
            return
        self.network.load_state_dict(state["learned"], strict=False)
        self._optimiser.load_state_dict(state["optimiser"])
        self._schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["chance"])
        self.done = state["done"]


@click.command()
@click.option("--epochs", default=EPOCHS, show_default=True, help="May be a fraction.")
@click.option("--rank", default=RANK, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=ARTIFACTS / ADAPTER)
@click.option("--seed", default=1, show_default=True)
@click.option("--fresh", is_flag=True, help="Forget an interrupted run.")
@click.option(
    "--go-on-from",
    type=click.Path(path_type=Path, exists=True),
    help="Begin with what this adapter knows, where only sentences were added.",
)
@click.option(
    "--rehearse",
    default=1.0,
    show_default=True,
    help="With --go-on-from: share of the other sentences that is learned again beside --new.",
)
@click.option("--new", multiple=True, help="Writer whose sentences are all learned. Repeatable.")
@click.option(
    "--background",
    envvar=BACKGROUND,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of real everyday text to learn from too.",
)
def main(  # noqa: PLR0913 - an argument for each option
    *,
    epochs: float,
    rank: int,
    out: Path,
    seed: int,
    fresh: bool,
    go_on_from: Path | None,
    background: Path | None,
    rehearse: float,
    new: tuple[str, ...],
) -> None:
    """Train, print progress, and write the adapter and the second witness."""
    torch.manual_seed(seed)
    lexicon = read_lexicon()
    engine = RiskEngine(lexicon)
    examples = read_examples()
    everyday = read_background(background, "training")
    told(f"{len(everyday)} texts of the background" if everyday else "without a background")
    training = [example for example in examples if example.part == "training"] + everyday
    witness = train_witness(training)
    added = {example.text.casefold() for example in training if example.writer in new}
    drawn = random.Random(seed)  # noqa: S311 - training, not secrets
    sentences = [
        sentence
        for sentence in all_training(engine, lexicon, witness, training)
        if sentence.text.casefold() in added or drawn.random() < rehearse
    ]
    held = development(examples)
    intents = sorted({sentence.intent for sentence in sentences if sentence.intent})
    told(f"{len(sentences)} sentences to learn from, {len(held)} to measure on")
    data = digest_of(map(row, sentences))
    labels = labels_of(sentences, intents)
    passages = [example.text for example in everyday if len(example.text.split()) > PASSAGE]
    augmented = AugmentedSentences(sentences, labels, engine.canonical, passages)
    held_texts = [engine.canonical(of_example(example).text) for example in held]
    due = np.array([int(example.severity) for example in held])
    folder = weights.ENCODER_DIR
    pieces = WordPieces(folder / "tokenizer.json")
    network = EncoderNetwork(published(folder), _outputs(intents), rank=rank)
    if go_on_from:
        network.resume(load_file(go_on_from))
    per_epoch = -(-len(sentences) // BATCH)
    steps = round(per_epoch * epochs)
    run = TrainingRun(network, steps)
    name = f"{data} {epochs} {rank} {seed} {go_on_from}"  # `data` tells what was drawn
    if not fresh:
        run.resume(STATE, name)
    progress, saved = Progress(run.done, steps), time.monotonic()
    for epoch in range(run.done // per_epoch, math.ceil(epochs)):
        rng = random.Random(seed * 1000 + epoch)  # noqa: S311 - training, not secrets
        texts, due_now = augmented.epoch(rng)
        tokens = pieces.of(texts)
        for at, which in enumerate(batches([len(ids) for ids in tokens], rng)):
            if not epoch * per_epoch + at == run.done < steps:
                continue
            _, ids, mask = pieces.batch(tokens, which)
            progress.step(run.learn(ids, mask, target(due_now, which)))
            if time.monotonic() - saved > SAVE_EVERY_S:
                run.save(STATE, name)
                saved = time.monotonic()
        _measure(epoch, read_all(network, pieces, held_texts)["severity"][:, 1], due)
        _write(network, out, intents, data)
        run.save(STATE, name)
    _write(network, out, intents, data)
    write(witness, training, out.parent)


def _measure(epoch: int, scores: Any, due: Any) -> None:
    recall = [urgent_recall(scores, due, allowed).value or 0.0 for allowed in (0.01, 0.03, 0.05)]
    told(f"epoch {epoch + 1}: urgent recognised at 1, 3, 5 % false alarms: {np.round(recall, 3)}")


def _outputs(intents: Sequence[str]) -> dict[str, int]:
    names = taxonomy()
    return {
        "severity": 3,
        "category": len(names.risk_categories),
        "subject": len(names.subjects),
        "topic": len(intents),
        "sign": len(SIGNS),
        "chat": 2,
    }


class Progress:
    """Prints now and then how far the run is and how long it will take."""

    def __init__(self, begun_at: int, steps: int) -> None:
        self._begun_at, self._steps = begun_at, steps
        self._started, self._loss, self._done = time.monotonic(), 0.0, 0

    def step(self, value: float) -> None:
        """Count one more step, with its loss."""
        self._loss += value
        self._done += 1
        if self._done % _REPORT_EVERY:
            return
        each = (time.monotonic() - self._started) / self._done
        done = self._begun_at + self._done
        told(
            f"step {done} of {self._steps}, loss {self._loss / _REPORT_EVERY:.3f}, "
            f"{each * (self._steps - done) / 60:.0f} min left"
        )
        self._loss = 0.0


def told(line: str) -> None:
    """Print a line of progress on standard error."""
    print(line, file=sys.stderr, flush=True)


def _write(network: EncoderNetwork, path: Path, intents: Sequence[str], data: str) -> None:
    facts = {
        "base": weights.BASE_SHA256,
        "categories": json.dumps(list(taxonomy().risk_categories)),
        "subjects": json.dumps(list(taxonomy().subjects)),
        "signs": json.dumps(SIGNS),
        "intents": json.dumps(list(intents)),
        "scale": str(SCALE),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(network.learned(), path, metadata=facts)
    add_to_manifest(path, made_by="make adapt", data=data, on=date.today())  # noqa: DTZ011 - a day will do
