"""`python -m lantern train-topics`: trains the classifier of topics without Rasa (ADR 60).

It learns from the examples from which Rasa learns, and writes models/topics.safetensors.
"""

from __future__ import annotations

import sys

import click

from safeguarding.answering.topics import FILE, train
from safeguarding.corpus import intent_examples
from safeguarding.records import ContentError
from safeguarding.risk.encoder.kept_vectors import read_everyday, vectors_of
from safeguarding.risk.encoder.vectors import SentenceEncoder, WeightsError, read_adapter
from safeguarding.risk.lexicon.reader import read_lexicon

OUT_OF_SCOPE = "out_of_scope"
"""The intent of everyday talk."""


@click.command()
def main() -> None:
    """Write the file; exit with 1 if its sources are missing or unsound."""
    try:
        everyday = [(OUT_OF_SCOPE, text) for text in read_everyday()]
        # Rasa counts an example once, too.
        examples = list(dict.fromkeys([*intent_examples(), *everyday]))
        normaliser = read_lexicon().normaliser
        encoder = SentenceEncoder(read_adapter().version)
        texts = [" ".join(normaliser(text).words) for _, text in examples]
        vectors = vectors_of(encoder, texts)
        wordless = encoder.network.encode("").vector
    except (WeightsError, ContentError) as error:
        raise click.ClickException(str(error)) from None
    sys.stderr.write(f"Topics: training on {len(examples)} examples\n")
    train([intent for intent, _ in examples], vectors, wordless, FILE)
