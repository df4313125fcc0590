"""Build models/mpnet.onnx from the published MPNet weights and our adapter, without torch.

The linear maps are computed in eight-bit integers: a third of the time and of the memory. The
inputs that integers cannot hold are made smoother first (ops/encoder/smoothing.py).

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
import tempfile
from pathlib import Path

import click
import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from ops.encoder.graph import graph_of
from ops.encoder.published import published_weights
from ops.encoder.smoothing import Measured, measured
from safeguarding.risk.encoder import adapter as weights
from safeguarding.risk.encoder.adapter import Adapter, read_adapter


def build(folder: Path, adapter: Adapter, found: Measured, target: Path) -> None:
    """Write the ONNX form of the adapted model to `target`, whole or not at all."""
    exact, _ = graph_of(folder, adapter, found.divisors)
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
            weights.PROBE: found.probe,
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
    build(folder, adapter, measured(adapter, folder), weights.ENCODER_ONNX)
