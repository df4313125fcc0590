"""`python -m lantern export-vectors` makes two files of models/ that services and Rasa read.

vectors.safetensors: the sentence vectors of the labelled sentences that may be shown, of the
examples of intents, of what is asked next, and of everyday talk
(safeguarding/risk/encoder/kept_vectors.py).
examples.safetensors: the labelled sentences that may be shown beside a message, with their vectors
(safeguarding/risk/encoder/classifier.py).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from safeguarding.content.reader import read_content
from safeguarding.corpus.reader import (
    RETOLD,
    Example,
    everyday,
    intent_examples,
    read_examples,
    spread,
)
from safeguarding.records import ContentError
from safeguarding.risk.encoder import kept_vectors as kept
from safeguarding.risk.encoder.adapter import WeightsError, read_adapter
from safeguarding.risk.encoder.classifier import EXAMPLES, made_from
from safeguarding.risk.encoder.vectors import SentenceEncoder
from safeguarding.risk.lexicon.reader import read_lexicon
from safeguarding.taxonomy import Severity

_SHOWN_OF_A_KIND = 80
"""More would only make the first start longer: a reader sees three."""
Floats = npt.NDArray[np.float32]


def to_show(examples: Iterable[Example]) -> list[Example]:
    """The sentences that may be shown: of each category and severity some that were learned from.

    Not those kept back to measure it, and not those that retell what somebody really wrote.
    """
    alike: dict[tuple[str, Severity], list[Example]] = {}
    for example in examples:
        learned = example.part == "training" and example.writer != RETOLD
        if learned and example.severity > Severity.NONE:
            alike.setdefault((example.categories[0], example.severity), []).append(example)
    return [example for found in alike.values() for example in spread(found, _SHOWN_OF_A_KIND)]


def write_nearest(
    path: Path,
    examples: Sequence[Example],
    encode: Callable[[Sequence[str]], Floats],
    digest: str,
) -> None:
    """Write the file, whole or not at all. `encode` gives a row of length 1 for each text."""
    vectors = encode([example.text for example in examples]).astype(np.float16)
    severities = np.array([int(example.severity) for example in examples], np.int8)
    facts = {
        "texts": json.dumps([example.text for example in examples]),
        "categories": json.dumps([example.categories for example in examples]),
        "made_from": digest,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file({"vectors": vectors, "severities": severities}, part, facts)
    part.replace(path)
    sys.stderr.write(f"Nearest examples: {len(examples)} sentences written\n")


@click.command()
def main() -> None:
    """Write both files; 1 when what they are made from is missing or not sound."""

    def canonical(text: str) -> str:
        return " ".join(normaliser(text).words)

    try:
        examples = read_examples()
        normaliser = read_lexicon().normaliser
        encoder = SentenceEncoder(read_adapter().version)
        shown = to_show(examples)
        asked = [text for _, text in intent_examples()]
        every = read_content().follow_ups.all().values()
        asked += [text for follow_up in every for text in follow_up.asked]
        learned = [canonical(text) for text in (*asked, *everyday(examples))]
        shown_texts = [canonical(example.text) for example in shown]
        kept.keep(kept.FILE, encoder, [*shown_texts, *learned])
        write_nearest(
            EXAMPLES,
            shown,
            lambda texts: kept.read_kept_vectors(encoder).of([canonical(text) for text in texts]),
            made_from(encoder.adapter_version),
        )
    except (WeightsError, ContentError) as error:
        raise click.ClickException(str(error)) from None
