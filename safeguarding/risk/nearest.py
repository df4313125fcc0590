"""The labelled sentences nearest to a message: a model's finding, in words that we wrote ourselves.

`python -m safeguarding.risk.nearest` makes models/examples.safetensors, which services read.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from safeguarding.encoders.adapter import adapter
from safeguarding.encoders.minilm import DIMENSIONS, minilm
from safeguarding.encoders.weights import WeightsError
from safeguarding.records import ContentError
from safeguarding.risk.examples import EXAMPLES, NUMBERS, Example, read_examples
from safeguarding.risk.lexicon import read_lexicon
from safeguarding.risk.reviewed_files import REVIEWED, WRITER
from safeguarding.taxonomy import ROOT, Severity

FILE = ROOT / "models" / "examples.safetensors"
LEAST_ALIKE = 0.35
"""Below this cosine a sentence explains nothing."""
_TOLD_EVERY = 500
Floats = npt.NDArray[np.float32]


class NearestExamples:
    """Our sentences and where they stand. Holds no state of messages."""

    def __init__(
        self,
        vectors: npt.NDArray[np.float16],
        texts: Sequence[str],
        severities: Sequence[int],
        categories: Sequence[Sequence[str]],
    ) -> None:
        """Take for each sentence a row of length 1, its text, its severity and its categories.

        Raises ValueError when they are not equally many.
        """
        if vectors.shape != (len(texts), DIMENSIONS):
            raise ValueError(f"{vectors.shape} is not the shape of {len(texts)} sentences")
        self._vectors = vectors
        self._texts = tuple(texts)
        self._severities = np.array(severities, np.int8)
        rows: dict[str, list[int]] = {}
        for row, (_, names) in enumerate(zip(severities, categories, strict=True)):
            for name in names:
                rows.setdefault(name, []).append(row)
        self._rows = {name: np.array(found) for name, found in rows.items()}

    def nearest(
        self, vector: Floats, severity: Severity, category: str, count: int = 3
    ) -> tuple[str, ...]:
        """The sentences most like a message's unit-length `vector`, the nearest first.

        Only those of `category` and of at least `severity`; none where none is alike enough.
        """
        if category not in self._rows:
            return ()
        rows = self._rows[category]
        rows = rows[self._severities[rows] >= severity]
        likeness = self._vectors[rows].astype(np.float32) @ vector
        best = np.argsort(-likeness, kind="stable")[:count]
        return tuple(self._texts[rows[at]] for at in best if likeness[at] >= LEAST_ALIKE)


def made_from(encoder: str, folder: Path = EXAMPLES) -> str:
    """The digest of what the file is made from: the encoder and our labelled sentences."""
    digest = hashlib.sha256(encoder.encode() + b"\0")
    # What reviews teach comes in while the services run, and is never shown beside a message.
    left_out = NUMBERS | {REVIEWED.name}
    for path in sorted(path for path in folder.glob("*.yml") if path.name not in left_out):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def to_show(examples: Iterable[Example]) -> list[Example]:
    """The sentences that may be shown: those of a risk that the model learned from.

    Not those kept back to measure it, and not those that retell what somebody really wrote.
    """
    return [
        example
        for example in examples
        if example.part == "training"
        and example.severity > Severity.NONE
        and example.writer != WRITER
    ]


def write_nearest(
    path: Path, examples: Sequence[Example], encode: Callable[[str], Floats], digest: str
) -> None:
    """Write the file, whole or not at all; say on standard error how far it is."""
    vectors = np.zeros((len(examples), DIMENSIONS), np.float16)
    for number, example in enumerate(examples):
        if number % _TOLD_EVERY == 0:
            sys.stderr.write(f"Nearest examples: {number} of {len(examples)} sentences\n")
        vectors[number] = encode(example.text)
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


def read_nearest(path: Path, digest: str) -> NearestExamples:
    """The sentences of a file that was made from what has this digest. Raises WeightsError."""
    if not path.is_file():
        raise WeightsError(f"{path.name} is missing: run `make install`")
    try:
        with safe_open(path, "np") as file:
            facts = file.metadata() or {}
            found = NearestExamples(
                vectors=file.get_tensor("vectors"),
                texts=json.loads(facts["texts"]),
                severities=file.get_tensor("severities").tolist(),
                categories=json.loads(facts["categories"]),
            )
    except (SafetensorError, KeyError, ValueError):
        raise WeightsError(f"{path.name} cannot be read: run `make install`") from None
    if facts.get("made_from") != digest:
        raise WeightsError(f"{path.name} is out of date: run `make install`")
    return found


@cache
def nearest_examples() -> NearestExamples:
    """Our sentences, read once per process. Raises WeightsError."""
    return read_nearest(FILE, made_from(adapter().version))


def main() -> int:
    """Write the file. 1 when what it is made from is missing or not sound."""
    try:
        digest = made_from(adapter().version)
        normaliser, encoder = read_lexicon().normaliser, minilm()
        write_nearest(
            FILE,
            to_show(read_examples()),
            lambda text: encoder.encode(" ".join(normaliser(text).words)).vector,
            digest,
        )
    except (WeightsError, ContentError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
