"""`python -m lantern export-vectors`: makes three files of models/ that services and Rasa read.

vectors.safetensors: the sentence vectors of the labelled sentences that may be shown, of the
examples of intents, and of everyday talk
(safeguarding/risk/encoder/kept_vectors.py). Most come from artifacts/vectors.safetensors; only
newer sentences are encoded. `--ship` rewrites that artifact.
learned.json: everyday talk for Rasa, and a digest of everything that Rasa learns from
(safeguarding/risk/encoder/kept_vectors.py).
examples.safetensors: the labelled sentences that may be shown beside a message, with their vectors
(safeguarding/risk/encoder/classifier.py).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from safeguarding.artifacts import ARTIFACTS, VECTORS, add_to_manifest, checked, digest_of
from safeguarding.corpus import (
    RETOLD,
    Example,
    everyday,
    intent_examples,
    read_examples,
    spread,
)
from safeguarding.records import ContentError
from safeguarding.risk.encoder import kept_vectors as kept
from safeguarding.risk.encoder.classifier import EXAMPLES, made_from
from safeguarding.risk.encoder.kept_vectors import write_learned
from safeguarding.risk.encoder.vectors import SentenceEncoder, WeightsError, read_adapter
from safeguarding.risk.lexicon.reader import read_lexicon
from safeguarding.taxonomy import Severity

_SHOWN_OF_A_KIND = 80
"""A reader sees three; more would only slow the first start."""
Floats = npt.NDArray[np.float32]


def to_show(examples: Iterable[Example]) -> list[Example]:
    """Return the sentences that may be shown: some of the training set, by category and severity.

    Sentences held out for measuring are left out, and those that retell a real message.
    """
    alike: dict[tuple[str, Severity], list[Example]] = {}
    for example in examples:
        learned = example.part == "training" and example.writer != RETOLD
        if learned and example.severity > Severity.NONE:
            alike.setdefault((example.categories[0], example.severity), []).append(example)
    return [example for kind in alike.values() for example in spread(kind, _SHOWN_OF_A_KIND)]


def write_nearest(
    path: Path,
    examples: Sequence[Example],
    encode: Callable[[Sequence[str]], Floats],
    made_from: str,
) -> None:
    """Write the file, whole or not at all. `encode` gives a row of length 1 for each text."""
    vectors = encode([example.text for example in examples]).astype(np.float16)
    severities = np.array([int(example.severity) for example in examples], np.int8)
    facts = {
        "texts": json.dumps([example.text for example in examples]),
        "categories": json.dumps([example.categories for example in examples]),
        "made_from": made_from,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file({"vectors": vectors, "severities": severities}, part, facts)
    part.replace(path)
    sys.stderr.write(f"Nearest examples: {len(examples)} sentences written\n")


def ship(table: kept.VectorTable, encoder: SentenceEncoder, texts: Sequence[str]) -> None:
    """Write artifacts/vectors.safetensors and enter it into the manifest."""
    path = ARTIFACTS / VECTORS
    kept.write_shipped(path, table, encoder.adapter_version)
    data = digest_of(sorted(set(texts)))
    add_to_manifest(path, made_by="make vectors", data=data, on=date.today())  # noqa: DTZ011 - a day will do


def shipped_vectors() -> Path | None:
    """Return the artifact's path; None if it is missing or differs from the manifest."""
    try:
        return checked(VECTORS)
    except ContentError as error:
        sys.stderr.write(f"{error}\nSentences that models/ lacks are encoded\n")
        return None


@click.command()
@click.option("--ship", "shipping", is_flag=True, help="Write artifacts/vectors.safetensors too.")
def main(*, shipping: bool) -> None:
    """Write the files; exit with 1 if their sources are missing or unsound."""

    def canonical(text: str) -> str:
        return " ".join(normaliser(text).words)

    try:
        examples = read_examples()
        normaliser = read_lexicon().normaliser
        encoder = SentenceEncoder(read_adapter().version)
        shown = to_show(examples)
        asked = [text for _, text in intent_examples()]
        talk = everyday(examples)
        learned = [canonical(text) for text in (*asked, *talk)]
        shown_texts = [canonical(example.text) for example in shown]
        texts = [*shown_texts, *learned]
        table = kept.keep(kept.FILE, encoder, texts, shipped_vectors())
        write_learned(talk, learned, table.of(learned))
        write_nearest(
            EXAMPLES,
            shown,
            lambda texts: table.of([canonical(text) for text in texts]),
            made_from(encoder.adapter_version),
        )
        if shipping:
            ship(table, encoder, texts)
    except (WeightsError, ContentError) as error:
        raise click.ClickException(str(error)) from None
