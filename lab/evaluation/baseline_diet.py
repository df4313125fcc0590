"""A baseline: the pipeline that `rasa init` writes, with DIET, trained on our data.

Run in the assistant's environment:
`python -m lab.evaluation.baseline_diet < in.json > out.json`.
In goes {"training": [{"text", "severity"}], "texts": [...]}, severity as a number; out comes
{"steps": [[p, p, p], ...], "learned": n, "of": m}: for each text the probability of at least
concern, of at least urgent, and of immediate, and from how many of the sentences it was learned.
The model is kept under models/ and made again only when what it learns from has changed.
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
"""One a severity, in their order."""
MOST = 2000
"""Sentences at most: a thousand take ten to twenty minutes on two cores, all of them hours."""
_SEED = 4
_MARKUP = re.compile(r"[\[\]\r\n]+")
"""What Rasa's training format would read as an entity or as the next example."""
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
    """At most so many of the (text, intent) pairs by lot, the same ones every time; none twice."""
    usable = sorted({(_MARKUP.sub(" ", text).strip(), intent) for text, intent in pairs})
    chosen = random.Random(_SEED).sample(usable, min(most, len(usable)))  # noqa: S311 - no secret
    return sorted(chosen)


def digest(config: str, pairs: Pairs) -> str:
    """Names what a model was made of."""
    whole = json.dumps([config, list(pairs)], ensure_ascii=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:12]


def steps_of(confidences: Mapping[str, float]) -> list[float]:
    """Confidences by intent as probabilities of at least concern, at least urgent, immediate."""
    each = [confidences.get(intent, 0.0) for intent in INTENTS]
    total = sum(each) or 1.0
    return [round(sum(each[step:]) / total, 6) for step in range(1, len(INTENTS))]


def model_of(pairs: Pairs, config: str = CONFIG, folder: Path = MODELS) -> Path:
    """The model of these (text, intent) pairs: trained, in minutes, unless it is there already."""
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
    """For each text the probabilities by the trained model."""
    agent = Agent.load(str(model))
    found = []
    for text in texts:
        parsed = await agent.parse_message(text)
        ranking = parsed.get("intent_ranking") or []
        found.append(steps_of({guess["name"]: float(guess["confidence"]) for guess in ranking}))
    return found


def harmless_talk(folder: Path = ROOT / "data" / "nlu") -> Iterator[tuple[str, str]]:
    """What the assistant learns its intents from: questions and small talk, none of it risk."""
    for example in load_data(str(folder)).intent_examples:
        yield example.get("text"), INTENTS[0]


def main() -> int:
    """Learn from standard input, answer on standard output."""
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
