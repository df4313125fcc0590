"""Build models/minilm.onnx from the packaged MiniLM weights and our adapter, without torch.

`python -m safeguarding.encoders.build_onnx` in the assistant environment, which has onnx. The
network is BERT as sentence-transformers/all-MiniLM-L6-v2 defines it; against torch its outputs
differed by at most 2.3e-7 (192 sentences, published weights). What went in is checked by digest,
and the file says what that was: the sum of weights and adapter may differ in its last bit from
one processor to the next, so the file itself has no digest to pin.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from safeguarding.encoders import weights
from safeguarding.encoders.adapter import Adapter, merged, read_adapter

OPSET, IR_VERSION = 17, 8  # the newest that onnx 1.16 and onnxruntime 1.23 both read
MASKED = np.float32(-10000.0)  # what BERT adds to the score of a padded position


class _Network:
    """Collects the nodes and constants in the order in which they are computed."""

    def __init__(self, folder: Path, adapter: Adapter) -> None:
        self.config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
        loaded = load_file(folder / "model.safetensors")
        published = {
            name.removeprefix("bert."): array
            for name, array in loaded.items()
            if array.dtype.kind == "f"
        }
        self.weights = merged(published, adapter.changes)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: Any, name: str) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def integers(self, name: str, *values: int) -> str:
        return self.constant(np.array(values, dtype=np.int64), name)

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        number = len(self.nodes) + 1
        made = helper.make_node(
            kind, list(inputs), [f"t{number}"], name=f"{kind}_{number}", **attributes
        )
        self.nodes.append(made)
        return f"t{number}"

    def linear(self, x: str, name: str) -> str:
        weight = self.constant(self.weights[f"{name}.weight"].T, f"{name}.w")
        product = self.node("MatMul", x, weight)
        bias = self.constant(self.weights[f"{name}.bias"], f"{name}.b")
        return self.node("Add", product, bias)

    def layer_norm(self, x: str, name: str) -> str:
        gain = self.constant(self.weights[f"{name}.weight"], f"{name}.g")
        bias = self.constant(self.weights[f"{name}.bias"], f"{name}.be")
        epsilon = self.config["layer_norm_eps"]
        return self.node("LayerNormalization", x, gain, bias, axis=-1, epsilon=epsilon)


def _embeddings(net: _Network) -> str:
    weights_of = net.weights
    one = net.integers("one", 1)
    length = net.node("Gather", net.node("Shape", "input_ids"), one, axis=0)
    positions = net.constant(weights_of["embeddings.position_embeddings.weight"], "pos")
    position = net.node("Slice", positions, net.integers("zero", 0), length, net.integers("ax0", 0))
    words = net.constant(weights_of["embeddings.word_embeddings.weight"], "tok")
    word = net.node("Gather", words, "input_ids", axis=0)
    kind = net.constant(weights_of["embeddings.token_type_embeddings.weight"][0], "tt0")
    total = net.node("Add", net.node("Add", word, kind), position)
    return net.layer_norm(total, "embeddings.LayerNorm")


def _mask(net: _Network) -> str:
    mask = net.node("Cast", "attention_mask", to=TensorProto.FLOAT)
    one = net.constant(np.float32(1), "f1")
    inverted = net.node("Sub", one, net.node("Unsqueeze", mask, net.integers("ax12", 1, 2)))
    return net.node("Mul", inverted, net.constant(MASKED, "neg"))


def _layers(net: _Network, x: str, bias: str) -> str:
    hidden, heads = net.config["hidden_size"], net.config["num_attention_heads"]
    width = hidden // heads
    split = net.integers("shp4", 0, 0, heads, width)
    joined = net.integers("shp3", 0, 0, hidden)
    scale = net.constant(np.float32(1 / np.sqrt(width)), "scale")
    half = net.constant(np.float32(0.5), "half")
    root = net.constant(np.float32(np.sqrt(2.0)), "r2")
    for layer in range(net.config["num_hidden_layers"]):
        name = f"encoder.layer.{layer}."
        query, key, value = (
            net.node(
                "Transpose",
                net.node("Reshape", net.linear(x, f"{name}attention.self.{part}"), split),
                perm=order,
            )
            for part, order in (
                ("query", [0, 2, 1, 3]),
                ("key", [0, 2, 3, 1]),
                ("value", [0, 2, 1, 3]),
            )
        )
        scores = net.node("Mul", net.node("MatMul", query, key), scale)
        attention = net.node("Softmax", net.node("Add", scores, bias), axis=-1)
        mixed = net.node("Transpose", net.node("MatMul", attention, value), perm=[0, 2, 1, 3])
        output = net.node("Reshape", mixed, joined)
        projected = net.linear(output, f"{name}attention.output.dense")
        x = net.layer_norm(net.node("Add", projected, x), f"{name}attention.output.LayerNorm")
        inner = net.linear(x, f"{name}intermediate.dense")
        error = net.node("Erf", net.node("Div", inner, root))
        gelu = net.node("Mul", net.node("Mul", inner, net.node("Add", error, "f1")), half)
        outer = net.linear(gelu, f"{name}output.dense")
        x = net.layer_norm(net.node("Add", outer, x), f"{name}output.LayerNorm")
    return x


def build(folder: Path, adapter: Adapter, target: Path) -> None:
    """Write the ONNX form of the adapted model to `target`, whole or not at all."""
    net = _Network(folder, adapter)
    x = _embeddings(net)
    last = _layers(net, x, _mask(net))
    net.nodes.append(helper.make_node("Identity", [last], ["last_hidden_state"]))
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "seq"])
        for name in ("input_ids", "attention_mask")
    ]
    shape = ["batch", "seq", net.config["hidden_size"]]
    outputs = [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, shape)]
    graph = helper.make_graph(net.nodes, "minilm", inputs, outputs, net.constants)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, producer_name="minilm-build")
    model.ir_version = IR_VERSION
    helper.set_model_props(model, {weights.BASE: adapter.base, weights.ADAPTED: adapter.version})
    onnx.checker.check_model(model)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    onnx.save(model, str(part))
    part.replace(target)


def main() -> int:
    """Build the file. Exit status 0 when what it is made of has the pinned digests."""
    folder = weights.minilm_dir()
    weights.check(folder / "model.safetensors", weights.MINILM_WEIGHTS_SHA256)
    weights.check(folder / "tokenizer.json", weights.MINILM_TOKENIZER_SHA256)
    adapter = read_adapter()
    if adapter.base != weights.MINILM_WEIGHTS_SHA256:
        raise weights.WeightsError("the adapter was made for other weights: run `make adapt`")
    build(folder, adapter, weights.MINILM_ONNX)
    return 0


if __name__ == "__main__":
    sys.exit(main())
