"""Writes MPNet, with our adapter's changes in its weights, as an ONNX graph, without torch.

The network is MPNet as sentence-transformers/all-mpnet-base-v2 defines it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from safeguarding.risk.encoder.vectors import MAX_WORD_PIECES, Adapter, merged

OPSET, IR_VERSION = 17, 8  # the newest that onnx 1.16 and onnxruntime 1.23 both read
MASKED = np.float32(-10000.0)
"""Added to the score of a padded position."""
_FIRST_POSITION = 2
"""MPNet counts positions from one more than the id of its padding."""
_FARTHEST = 128
"""From this distance on all distances share a bucket (MPNet's `max_distance`)."""
Floats = npt.NDArray[np.float32]


class _Graph:
    """Collects nodes and constants in the order of computation."""

    def __init__(
        self, folder: Path, adapter: Adapter | None, smoothing: Mapping[str, Floats]
    ) -> None:
        self.smoothing = smoothing
        self.inputs: dict[str, str] = {}
        self.config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
        loaded = load_file(folder / "model.safetensors")
        published = {name: array for name, array in loaded.items() if array.dtype.kind == "f"}
        self.weights = merged(published, adapter.changes if adapter else {})
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

    def linear(self, x: str, name: str, smoothed: str = "") -> str:
        """Add the linear map `name` of `x`; `smoothed` names the smoothed input that `x` is."""
        matrix = self.weights[f"{name}.weight"].T
        if smoothed in self.smoothing:
            matrix = matrix * self.smoothing[smoothed][:, np.newaxis]
        product = self.node("MatMul", x, self.constant(matrix, f"{name}.w"))
        bias = self.constant(self.weights[f"{name}.bias"], f"{name}.b")
        return self.node("Add", product, bias)

    def smooth(self, x: str, smoothed: str) -> str:
        """Divide the outlying features of `x`; the maps that read it are multiplied instead."""
        self.inputs[smoothed] = x
        if smoothed not in self.smoothing:
            return x
        return self.node(
            "Mul", x, self.constant(1 / self.smoothing[smoothed], f"{smoothed}.smooth")
        )

    def layer_norm(self, x: str, name: str) -> str:
        gain = self.constant(self.weights[f"{name}.weight"], f"{name}.g")
        bias = self.constant(self.weights[f"{name}.bias"], f"{name}.be")
        epsilon = self.config["layer_norm_eps"]
        return self.node("LayerNormalization", x, gain, bias, axis=-1, epsilon=epsilon)


def _embeddings(graph: _Graph) -> str:
    one = graph.integers("one", 1)
    length = graph.node("Gather", graph.node("Shape", "input_ids"), one, axis=0)
    places = graph.weights["embeddings.position_embeddings.weight"][_FIRST_POSITION:]
    positions = graph.constant(places[:MAX_WORD_PIECES], "positions")
    zero, axis = graph.integers("zero", 0), graph.integers("axis0", 0)
    position = graph.node("Slice", positions, zero, length, axis)
    # Half precision: these are half of all the weights, and are only looked up.
    table = graph.weights["embeddings.word_embeddings.weight"].astype(np.float16)
    word = graph.node("Gather", graph.constant(table, "words"), "input_ids", axis=0)
    total = graph.node("Add", graph.node("Cast", word, to=TensorProto.FLOAT), position)
    return graph.layer_norm(total, "embeddings.LayerNorm")


def distance_buckets(length: int, buckets: int) -> npt.NDArray[np.int64]:
    """Return the bucket of each pair of positions, shape (length, length).

    As MPNet does (transformers, MPNetEncoder.relative_position_bucket; Raffel et al. 2020): near
    distances have their own bucket, farther ones share buckets on a logarithmic scale.
    """
    places = np.arange(length)
    apart = places[:, None] - places[None, :]
    half = buckets // 2
    far = np.abs(apart)
    exact = half // 2
    scaled = np.log(np.maximum(far, 1) / exact) / np.log(_FARTHEST / exact) * (half - exact)
    large = np.minimum(exact + scaled.astype(np.int64), half - 1)
    found: npt.NDArray[np.int64] = (apart < 0) * half + np.where(far < exact, far, large)
    return found


def _bias(graph: _Graph) -> str:
    """Add the bias of each score: that of the distance, and the mask of the padding."""
    learned = graph.weights["encoder.relative_attention_bias.weight"]
    buckets = distance_buckets(MAX_WORD_PIECES, len(learned))
    table = graph.constant(learned[buckets].transpose(2, 0, 1)[None], "distances")
    length = graph.node("Gather", graph.node("Shape", "input_ids"), "one", axis=0)
    ends = graph.node("Concat", length, length, axis=0)
    starts, axes = graph.integers("starts", 0, 0), graph.integers("axes23", 2, 3)
    distances = graph.node("Slice", table, starts, ends, axes)
    mask = graph.node("Cast", "attention_mask", to=TensorProto.FLOAT)
    seen = graph.node("Unsqueeze", mask, graph.integers("axes12", 1, 2))
    hidden = graph.node("Sub", graph.constant(np.float32(1), "f1"), seen)
    return graph.node("Add", distances, graph.node("Mul", hidden, graph.constant(MASKED, "masked")))


def _layers(graph: _Graph, x: str, bias: str) -> str:
    hidden, heads = graph.config["hidden_size"], graph.config["num_attention_heads"]
    width = hidden // heads
    split = graph.integers("split", 0, 0, heads, width)
    joined = graph.integers("joined", 0, 0, hidden)
    scale = graph.constant(np.float32(1 / np.sqrt(width)), "scale")
    half = graph.constant(np.float32(0.5), "half")
    root = graph.constant(np.float32(np.sqrt(2.0)), "root2")
    for layer in range(graph.config["num_hidden_layers"]):
        name = f"encoder.layer.{layer}."
        query, key, value = (
            graph.node(
                "Transpose",
                graph.node("Reshape", graph.linear(x, f"{name}attention.attn.{part}"), split),
                perm=order,
            )
            for part, order in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3]))
        )
        scores = graph.node("Mul", graph.node("MatMul", query, key), scale)
        attention = graph.node("Softmax", graph.node("Add", scores, bias), axis=-1)
        mixed = graph.node("Transpose", graph.node("MatMul", attention, value), perm=[0, 2, 1, 3])
        output = graph.node("Reshape", mixed, joined)
        projected = graph.linear(output, f"{name}attention.attn.o")
        x = graph.layer_norm(graph.node("Add", projected, x), f"{name}attention.LayerNorm")
        met = graph.smooth(x, f"{name}met")
        inner = graph.linear(met, f"{name}intermediate.dense", f"{name}met")
        error = graph.node("Erf", graph.node("Div", inner, root))
        gelu = graph.node("Mul", graph.node("Mul", inner, graph.node("Add", error, "f1")), half)
        widened = graph.smooth(gelu, f"{name}widened")
        outer = graph.linear(widened, f"{name}output.dense", f"{name}widened")
        x = graph.layer_norm(graph.node("Add", outer, x), f"{name}output.LayerNorm")
    return x


def graph_of(
    folder: Path, adapter: Adapter | None, smoothing: Mapping[str, Floats]
) -> tuple[onnx.ModelProto, dict[str, str]]:
    """Return the model in ONNX, and the tensor name of each smoothed input."""
    graph = _Graph(folder, adapter, smoothing)
    x = _embeddings(graph)
    last = _layers(graph, x, _bias(graph))
    graph.nodes.append(helper.make_node("Identity", [last], ["last_hidden_state"]))
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "seq"])
        for name in ("input_ids", "attention_mask")
    ]
    shape = ["batch", "seq", graph.config["hidden_size"]]
    outputs = [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, shape)]
    made = helper.make_graph(graph.nodes, "mpnet", inputs, outputs, graph.constants)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(made, opset_imports=opsets, producer_name="lantern")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model, graph.inputs
