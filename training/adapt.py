"""Teaches the encoder our subject: `python -m training.adapt`. Under an hour, two cores; resumable.

One network learns severity, category and subject from data/risk, and the topic from data/nlu, so
that one sentence vector serves all four. What it learned is written to
data/risk/adapter.safetensors (a few MB); `make train` merges it into the ONNX file. Development
sentences are only measured.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax
from safetensors.numpy import load_file, save_file

from safeguarding.encoders import weights
from safeguarding.risk.dialogues import SIGNS
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.examples import read_examples
from safeguarding.risk.lexicon import read_lexicon
from safeguarding.taxonomy import ROOT, Severity, taxonomy
from training import network
from training.sentences import all_training, development, of_example
from training.targets import SHARES, Labels, labels_of, losses
from training.texts import Texts, batches

RANK, HIDDEN, SCALE, DROPOUT = 16, 256, 4.0, 0.1
EPOCHS = 3
RATES = {"adapter": 4e-4, "heads": 1e-3}
_TOLD_EVERY = 50
WORK = ROOT / "models" / "adapting"


class Adapting:
    """The training run: parameters, optimiser and the compiled step."""

    def __init__(
        self, base: dict[str, Any], outputs: dict[str, int], steps: int, seed: int
    ) -> None:
        self._base = {name: jnp.asarray(array) for name, array in network.turned(base).items()}
        inputs = network.HIDDEN + 512
        self.parameters = {
            "adapter": network.fresh_adapter(base, RANK, seed),
            "heads": network.fresh_heads(inputs, HIDDEN, outputs, seed),
        }
        learners = {
            part: optax.adamw(
                optax.warmup_cosine_decay_schedule(0.0, peak, steps // 20, steps),
                weight_decay=0.01,
            )
            for part, peak in RATES.items()
        }
        self._optimiser = optax.chain(
            optax.clip_by_global_norm(1.0),
            optax.multi_transform(learners, {part: part for part in RATES}),
        )
        self.state = self._optimiser.init(self.parameters)
        self._step = jax.jit(self._learn)
        self._read = jax.jit(self._look)

    def _logits(self, parameters: Any, batch: dict[str, Any], key: Any, dropout: float) -> Any:
        keys = jax.random.split(key, 2) if key is not None else (None, None)
        vector = network.encode(
            self._base, parameters["adapter"], batch["ids"], batch["mask"], keys[0], dropout
        )
        features = jnp.concatenate([vector * SCALE, batch["use"] * SCALE], -1)
        return network.read(parameters["heads"], features, keys[1], dropout * 2)

    def _learn(self, parameters: Any, state: Any, batch: Any, target: Any, key: Any) -> Any:
        def loss(values: Any) -> Any:
            return losses(self._logits(values, batch, key, DROPOUT), target)

        value, gradient = jax.value_and_grad(loss)(parameters)
        updates, state = self._optimiser.update(gradient, state, parameters)
        return optax.apply_updates(parameters, updates), state, value

    def _look(self, parameters: Any, batch: Any) -> Any:
        return self._logits(parameters, batch, None, 0.0)

    def learn(self, batch: Any, target: Any, key: Any) -> float:
        """One step; the loss."""
        self.parameters, self.state, value = self._step(
            self.parameters, self.state, batch, target, key
        )
        return float(value)

    def look(self, texts: Texts) -> dict[str, npt.NDArray[np.float32]]:
        """The logits of every sentence, as written."""
        pieces = texts.pieces(None)
        found: dict[str, Any] = {}
        for which, ids, mask in batches(pieces, None):
            logits = self._read(self.parameters, _batch(texts, which, ids, mask))
            for task, values in logits.items():
                whole = found.setdefault(task, np.zeros((len(pieces), values.shape[1]), np.float32))
                whole[which] = np.asarray(values)[: len(which)]
        return found


def _batch(texts: Texts, which: Any, ids: Any, mask: Any) -> dict[str, Any]:
    use = np.zeros((len(ids), texts.use.shape[1]), np.float32)
    use[: len(which)] = texts.use[which]
    return {"ids": ids, "mask": mask, "use": use}


def _target(labels: Labels, which: Any, size: int) -> dict[str, Any]:
    def padded(array: Any) -> Any:
        return np.concatenate(
            [array[which], np.zeros((size - len(which), *array.shape[1:]), array.dtype)]
        )

    target = {task: padded(getattr(labels, task)) for task in SHARES}
    return target | {f"{task}_mask": padded(labels.masks[task]) for task in SHARES}


def recall_at(scores: Any, due: Any, false_alarms: float) -> float:
    """Share of the due sentences above the score that this share of the harmless ones exceeds."""
    bar = np.quantile(scores[due == 0], 1 - false_alarms)
    return float((scores[due >= Severity.URGENT] > bar).mean())


def main() -> int:
    """Learn, print progress, and write the adapter."""
    jax.config.update("jax_default_prng_impl", "unsafe_rbg")  # threefry is slow without a GPU
    chosen = _chosen()
    lexicon = read_lexicon()
    engine = RiskEngine(lexicon)
    sentences = all_training(engine, lexicon)
    held = development(read_examples())
    intents = sorted({sentence.intent for sentence in sentences if sentence.intent})
    _say(f"{len(sentences)} sentences to learn from, {len(held)} to measure on")
    texts = Texts(sentences, engine)
    held_texts = Texts([of_example(example) for example in held], engine)
    due = np.array([int(example.severity) for example in held])
    labels = labels_of(sentences, intents)
    per_epoch = sum(1 for _ in batches(texts.pieces(None), None))
    base = network.float_weights(load_file(weights.minilm_dir() / "model.safetensors"))
    run = Adapting(base, _outputs(intents), per_epoch * chosen.epochs, chosen.seed)
    for epoch in range(0 if chosen.fresh else _resume(run), chosen.epochs):
        rng = random.Random(chosen.seed * 1000 + epoch)  # noqa: S311 - training, not secrets
        progress = _Progress(epoch, per_epoch, chosen.epochs)
        for which, ids, mask in batches(texts.pieces(rng), rng):
            key = jax.random.key(rng.randrange(2**31))
            batch = _batch(texts, which, ids, mask)
            progress.step(run.learn(batch, _target(labels, which, len(ids)), key))
        scores = run.look(held_texts)["severity"][:, 1]
        if (due == 0).any():
            found = [recall_at(scores, due, share) for share in (0.01, 0.03, 0.05)]
            _say(f"epoch {epoch + 1}: urgent heard at 1, 3, 5 % false alarms: {np.round(found, 3)}")
        _keep(run, epoch + 1)
    _write(run, chosen.out, intents)
    return 0


def _chosen() -> argparse.Namespace:
    options = argparse.ArgumentParser()
    options.add_argument("--epochs", type=int, default=EPOCHS)
    options.add_argument("--out", type=Path, default=weights.ADAPTER)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--fresh", action="store_true", help="forget an interrupted run")
    return options.parse_args()


def _outputs(intents: Sequence[str]) -> dict[str, int]:
    names = taxonomy()
    return {
        "severity": 3,
        "category": len(names.risk_categories),
        "subject": len(names.subjects),
        "topic": len(intents),
        "sign": len(SIGNS),
    }


class _Progress:
    """Says now and then how far an epoch is, and how long the whole run will take."""

    def __init__(self, epoch: int, steps: int, epochs: int) -> None:
        self._epoch, self._steps, self._left = epoch, steps, steps * (epochs - epoch)
        self._started, self._loss, self._done = time.monotonic(), 0.0, 0

    def step(self, loss: float) -> None:
        """One more batch."""
        self._loss += loss
        self._done += 1
        if self._done % _TOLD_EVERY:
            return
        each = (time.monotonic() - self._started) / self._done
        _say(
            f"epoch {self._epoch + 1}: {self._done}/{self._steps}, "
            f"loss {self._loss / self._done:.3f}, "
            f"{each * (self._left - self._done) / 60:.0f} min left"
        )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - a command


def _keep(run: Adapting, epoch: int) -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    leaves = jax.tree.leaves((run.parameters, run.state))
    part = WORK / "state.part.npz"
    np.savez(part, epoch=epoch, **{f"leaf{at}": np.asarray(leaf) for at, leaf in enumerate(leaves)})
    part.replace(WORK / "state.npz")


def _resume(run: Adapting) -> int:
    """The number of epochs done before; 0 when there is nothing that fits this run."""
    try:
        kept = np.load(WORK / "state.npz")
    except OSError:
        return 0
    leaves, shape = jax.tree.flatten((run.parameters, run.state))
    same = len(kept.files) == len(leaves) + 1 and all(
        kept[f"leaf{at}"].shape == np.shape(leaf) for at, leaf in enumerate(leaves)
    )
    if not same:
        return 0
    restored = [jnp.asarray(kept[f"leaf{at}"]) for at in range(len(leaves))]
    run.parameters, run.state = jax.tree.unflatten(shape, restored)
    return int(kept["epoch"])


def _write(run: Adapting, path: Path, intents: Sequence[str]) -> None:
    arrays = {
        f"{part}.{name}": np.asarray(array).astype(np.float16)
        for part in ("adapter", "heads")
        for name, array in run.parameters[part].items()
    }
    facts = {
        "base": weights.MINILM_WEIGHTS_SHA256,
        "categories": json.dumps(list(taxonomy().risk_categories)),
        "subjects": json.dumps(list(taxonomy().subjects)),
        "signs": json.dumps(SIGNS),
        "intents": json.dumps(list(intents)),
        "scale": str(SCALE),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(arrays, path, metadata=facts)
    (WORK / "state.npz").unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
