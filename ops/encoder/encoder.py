"""Build models/mpnet.onnx from the published MPNet weights and our adapter, without torch.

The linear maps are computed in eight-bit integers: a third of the time and of the memory. Integers
cannot hold a few features that are far larger than the others, as the inputs of MPNet's inner maps
have them (up to forty times the median); so these are divided by what the weights are multiplied
with (Xiao et al. 2023, SmoothQuant). How large they are is measured on short questions and on long
and joined messages: measured on questions alone, a pasted chat's vector had a mean cosine of 0.978
to the exact one, and now 0.993 (questions 0.995, development sentences 0.994).

The weights are unsigned. With signed ones onnxruntime multiplies on processors without VNNI by an
instruction whose sums overflow at 16 bits (its own documentation, "Quantize ONNX models", on U8S8):
on an AMD EPYC with AVX2 alone the vectors then had nothing in common with the exact ones (cosine
0.35 to -0.01), without any error. The same integers 128 higher are exact on every processor, and
cost a fifth of the time there. The file also holds the exact vector of one text, against which
whoever loads it proves that this processor computes rightly.

`python -m lantern export-encoder` in the assistant environment, which has onnx. What went in is
checked by digest, and the file says what that was: the sum of weights and adapter may differ in its
last bit from one processor to the next, so the file itself has no digest to pin.
"""

from __future__ import annotations

import logging
import random
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer

from ops.encoder.graph import Floats, graph_of
from ops.encoder.published import published_weights
from safeguarding.corpus.reader import intent_examples, read_examples
from safeguarding.risk.encoder import adapter as weights
from safeguarding.risk.encoder.adapter import Adapter, read_adapter
from safeguarding.risk.encoder.vectors import (
    MAX_WORD_PIECES,
    PROBE_TEXT,
    unit,
    written_vector,
)

_QUESTIONS, _SENTENCES, _LONG, _JOINED = 75, 75, 50, 20
"""How many texts of each kind the size of features is measured on."""
_JOIN = 5
"""Sentences in a joined text: as long as a pasted chat that the encoder reads at once."""
_ALPHA, _LEAST = 0.8, 1e-3
"""How much of the size the weights take over; what no feature is divided by less than."""
_SMOOTHED = {"met": "intermediate.dense", "widened": "output.dense"}
"""Inputs that are made smoother, and the map of a layer that reads each."""


def smoothing_of(folder: Path, adapter: Adapter | None, texts: Sequence[str]) -> dict[str, Floats]:
    """What the features of each smoothed input are divided by, measured on `texts`."""
    model, places = graph_of(folder, adapter, {})
    for tensor in places.values():
        model.graph.output.append(helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_WORD_PIECES)
    largest = {place: np.full(1, _LEAST, np.float32) for place in places}
    for text in texts:
        ids = np.array([tokenizer.encode(text).ids])
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        found = session.run([*places.values()], feed)
        for place, values in zip(places, found, strict=True):
            largest[place] = np.maximum(largest[place], np.abs(values[0]).max(axis=0))
    matrices = {initial.name: initial for initial in model.graph.initializer}
    return {place: _divisors(peaks, matrices, place) for place, peaks in largest.items()}


def _divisors(peaks: Floats, matrices: Mapping[str, Any], place: str) -> Floats:
    layer, _, read = place.rpartition(".")
    matrix = numpy_helper.to_array(matrices[f"{layer}.{_SMOOTHED[read]}.w"])
    widest = np.maximum(np.abs(matrix).max(axis=1), _LEAST)
    wanted = peaks**_ALPHA / widest ** (1 - _ALPHA)
    found: Floats = np.maximum(wanted / np.exp(np.log(wanted).mean()), _LEAST).astype(np.float32)
    return found


def build(folder: Path, adapter: Adapter, texts: Sequence[str], target: Path) -> None:
    """Write the ONNX form of the adapted model to `target`, whole or not at all."""
    exact, _ = graph_of(folder, adapter, smoothing_of(folder, adapter, texts))
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
            weights.PROBE: _probe(folder, exact),
        }
        helper.set_model_props(model, facts)
        onnx.save(model, str(small))
        small.replace(target)


def _unsigned(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the weights of its integer products 128 higher, and their zero points too."""
    constants = {constant.name: constant for constant in model.graph.initializer}
    products = [node for node in model.graph.node if node.op_type == "MatMulInteger"]
    # Weight and zero point are the second and the fourth input; no two products share them.
    for name in (node.input[place] for node in products for place in (1, 3)):
        signed = numpy_helper.to_array(constants[name]).astype(np.int16)
        constants[name].CopyFrom(numpy_helper.from_array((signed + 128).astype(np.uint8), name))
    return model


def _probe(folder: Path, exact: onnx.ModelProto) -> str:
    """The vector of PROBE_TEXT in full precision, as text."""
    session = onnxruntime.InferenceSession(
        exact.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    ids = np.array([tokenizer.encode(PROBE_TEXT).ids])
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    return written_vector(unit(session.run(None, feed)[0][0].mean(axis=0)))


def looked_at() -> list[str]:
    """What the size of features is measured on, all our own: questions, sentences, long messages,
    and several sentences joined."""
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


@click.command()
def main() -> None:
    """Build models/mpnet.onnx; 1 when what it is made of has other digests than the pinned."""
    folder = weights.ENCODER_DIR
    try:
        published_weights(folder)
        adapter = read_adapter()
    except weights.WeightsError as error:
        raise click.ClickException(str(error)) from None
    if adapter.base != weights.BASE_SHA256:
        raise click.ClickException("the adapter was made for other weights: run `make adapt`")
    logging.getLogger().setLevel(logging.ERROR)
    build(folder, adapter, looked_at(), weights.ENCODER_ONNX)
