"""A baseline: the pipeline that `rasa init` writes, with DIET, trained on our data.

Runs in the assistant's environment: `python -m lab.evaluation.baseline_diet < in.json > out.json`.
The input is {"training": [{"text", "severity"}], "texts": [...]}, with the severity as a number.
The output is {"steps": [[p, p, p], ...], "learned": n, "of": m}: for each text the probabilities
of at least concern, of at least urgent and of immediate; and the number of sentences that were
learned from, of those given. The model is kept under models/ until its training data changes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import random
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from rasa.core.agent import Agent
from rasa.model_training import train_nlu
from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLWriter
from rasa.shared.nlu.training_data.loading import load_data
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.utils.log_utils import configure_structlog

from safeguarding.taxonomy import ROOT

INTENTS = ("none", "concern", "urgent", "immediate")
"""One intent for each severity, in the order of severities."""
MOST = 2000
"""Sentences to learn from: a thousand take ten to twenty minutes on two cores, all take hours."""
_SEED = 4
_MARKUP = re.compile(r"[\[\]\r\n]+")
"""Characters that Rasa's training format reads as an entity or as the next example."""
Pairs = Sequence[tuple[str, str]]
MODELS = ROOT / "models" / "evaluation"
CONFIG = """\
recipe: default.v1
language: en
assistant_id: baseline
pipeline:
- name: WhitespaceTokenizer
- name: RegexFeaturizer
- name: LexicalSyntacticFeaturizer
- name: CountVectorsFeaturizer
- name: CountVectorsFeaturizer
  analyzer: char_wb
  min_ngram: 1
  max_ngram: 4
- name: DIETClassifier
  epochs: 100
  constrain_similarities: true
  random_seed: 4
"""


def sample(pairs: Pairs, most: int = MOST) -> list[tuple[str, str]]:
    """Draw at most `most` distinct (text, intent) pairs, the same ones in every run."""
    usable = sorted({(_MARKUP.sub(" ", text).strip(), intent) for text, intent in pairs})
    chosen = random.Random(_SEED).sample(usable, min(most, len(usable)))  # noqa: S311 - no secret
    return sorted(chosen)


def digest(config: str, pairs: Pairs) -> str:
    """Return a name for the configuration and the data of a model."""
    whole = json.dumps([config, list(pairs)], ensure_ascii=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:12]


def steps_of(confidences: Mapping[str, float]) -> list[float]:
    """Convert confidences by intent to those of at least concern, at least urgent, immediate."""
    each = [confidences.get(intent, 0.0) for intent in INTENTS]
    total = sum(each) or 1.0
    return [round(sum(each[step:]) / total, 6) for step in range(1, len(INTENTS))]


def model_of(pairs: Pairs, config: str = CONFIG, folder: Path = MODELS) -> Path:
    """Return the model of these (text, intent) pairs; train it, in minutes, if there is none."""
    name = f"diet-{digest(config, pairs)}"
    model = folder / f"{name}.tar.gz"
    if model.is_file():
        return model
    messages = [Message.build(text, intent) for text, intent in pairs]
    with tempfile.TemporaryDirectory() as place:
        nlu, configured = Path(place) / "nlu.yml", Path(place) / "config.yml"
        nlu.write_text(RasaYAMLWriter().dumps(TrainingData(messages)), "utf-8")
        configured.write_text(config, "utf-8")
        train_nlu(str(configured), str(nlu), str(folder), fixed_model_name=name)
    return model


async def steps(model: Path, texts: Iterable[str]) -> list[list[float]]:
    """Return the trained model's probabilities for each text."""
    agent = Agent.load(str(model))
    found = []
    for text in texts:
        parsed = await agent.parse_message(text)
        ranking = parsed.get("intent_ranking") or []
        found.append(steps_of({guess["name"]: float(guess["confidence"]) for guess in ranking}))
    return found


def harmless_talk(folder: Path = ROOT / "data" / "nlu") -> Iterator[tuple[str, str]]:
    """Return the questions and small talk that Rasa learns its intents from; none of it is risk."""
    for example in load_data(str(folder)).intent_examples:
        yield example.get("text"), INTENTS[0]


def main() -> int:
    """Learn from standard input, and write the probabilities to standard output."""
    logging.disable(logging.CRITICAL)
    # Rasa sends every message through structlog at debug level: words must not reach a terminal.
    configure_structlog(logging.CRITICAL)
    asked: dict[str, Any] = json.load(sys.stdin)
    with redirect_stdout(sys.stderr):
        ours = [(row["text"], INTENTS[row["severity"]]) for row in asked["training"]]
        everything = [*ours, *harmless_talk()]
        pairs = sample(everything, MOST)
        found = asyncio.run(steps(model_of(pairs), asked["texts"]))
    json.dump({"steps": found, "learned": len(pairs), "of": len(everything)}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
