"""MiniLM with low-rank adapters and the heads that read it, in JAX.

The encoder is BERT as sentence-transformers/all-MiniLM-L6-v2 defines it (Wang et al. 2020, MiniLM).
Its weights stay as published; what learns is a low-rank change of each linear map (Hu et al. 2021,
LoRA), of the word embeddings, and the heads. The change is added to the weights again when the
ONNX file is built, so that the encoder in service costs exactly what it cost before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

LAYERS, HEADS, HIDDEN = 6, 12, 384
EPSILON = 1e-12
MASKED = -10000.0
EMBEDDINGS = "embeddings.word_embeddings.weight"
Arrays = Mapping[str, Any]
Tree = dict[str, Any]


def linear_names() -> list[str]:
    """The linear maps that are adapted."""
    parts = (
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
        "intermediate.dense",
        "output.dense",
    )
    return [f"encoder.layer.{layer}.{part}" for layer in range(LAYERS) for part in parts]


def fresh_adapter(weights: Arrays, rank: int, seed: int) -> Tree:
    """Low-rank factors that change nothing yet: `down` random, `up` zero."""
    rng = np.random.default_rng(seed)
    adapter: Tree = {}
    for name in [*(f"{linear}.weight" for linear in linear_names()), EMBEDDINGS]:
        outputs, inputs = weights[name].shape
        down = rng.normal(0, 1 / np.sqrt(inputs), (inputs, rank))
        adapter[f"{name}.down"] = down.astype(np.float32)
        adapter[f"{name}.up"] = np.zeros((rank, outputs), np.float32)
    return adapter


def fresh_heads(inputs: int, hidden: int, outputs: Mapping[str, int], seed: int) -> Tree:
    """A shared hidden layer and one linear read-out for each task."""
    rng = np.random.default_rng(seed)
    heads: Tree = {
        "hidden.weight": rng.normal(0, 1 / np.sqrt(inputs), (inputs, hidden)).astype(np.float32),
        "hidden.bias": np.zeros(hidden, np.float32),
    }
    for task, width in outputs.items():
        heads[f"{task}.weight"] = rng.normal(0, 1 / np.sqrt(hidden), (hidden, width)).astype(
            np.float32
        )
        heads[f"{task}.bias"] = np.zeros(width, np.float32)
    return heads


def encode(
    weights: Arrays, adapter: Arrays, ids: Any, mask: Any, key: Any, dropout: float
) -> jax.Array:
    """Unit-length sentence vectors, shape (batch, 384), of padded word-piece ids.

    `ids` and `mask` have shape (batch, length); `key` is None outside training.
    """
    keys = iter(jax.random.split(key, 2 * LAYERS + 1)) if key is not None else None

    def dropped(x: jax.Array) -> jax.Array:
        if keys is None or not dropout:
            return x
        kept = jax.random.bernoulli(next(keys), 1 - dropout, x.shape)
        return jnp.where(kept, x / (1 - dropout), 0)

    def linear(x: jax.Array, name: str) -> jax.Array:
        weight = f"{name}.weight"
        # Adding the change to the weight first is faster here than two thin products with x.
        change = adapter[f"{weight}.down"] @ adapter[f"{weight}.up"]
        return x @ (weights[f"{weight}.T"] + change) + weights[f"{name}.bias"]

    def norm(x: jax.Array, name: str) -> jax.Array:
        centred = x - x.mean(-1, keepdims=True)
        variance = (centred * centred).mean(-1, keepdims=True)
        scaled = centred * jax.lax.rsqrt(variance + EPSILON)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    words = weights[EMBEDDINGS][ids]
    words = words + adapter[f"{EMBEDDINGS}.up"].T[ids] @ adapter[f"{EMBEDDINGS}.down"].T
    places = weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
    x = words + places + weights["embeddings.token_type_embeddings.weight"][0]
    x = dropped(norm(x, "embeddings.LayerNorm"))
    bias = (1.0 - mask)[:, None, None, :] * MASKED
    batch, length = ids.shape
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}."

        def split(y: jax.Array) -> jax.Array:
            return y.reshape(batch, length, HEADS, HIDDEN // HEADS).transpose(0, 2, 1, 3)

        query = split(linear(x, f"{name}attention.self.query"))
        keyed = split(linear(x, f"{name}attention.self.key"))
        value = split(linear(x, f"{name}attention.self.value"))
        scores = query @ keyed.transpose(0, 1, 3, 2) / np.sqrt(HIDDEN // HEADS) + bias
        mixed = (jax.nn.softmax(scores) @ value).transpose(0, 2, 1, 3)
        output = linear(mixed.reshape(batch, length, HIDDEN), f"{name}attention.output.dense")
        x = norm(x + dropped(output), f"{name}attention.output.LayerNorm")
        inner = jax.nn.gelu(linear(x, f"{name}intermediate.dense"), approximate=False)
        x = norm(x + dropped(linear(inner, f"{name}output.dense")), f"{name}output.LayerNorm")
    mean = (x * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    return mean / jnp.maximum(jnp.linalg.norm(mean, axis=-1, keepdims=True), 1e-9)


def read(heads: Arrays, features: Any, key: Any, dropout: float) -> dict[str, jax.Array]:
    """The logits of every task, from features of shape (batch, inputs)."""
    hidden = jax.nn.gelu(features @ heads["hidden.weight"] + heads["hidden.bias"])
    if key is not None and dropout:
        kept = jax.random.bernoulli(key, 1 - dropout, hidden.shape)
        hidden = jnp.where(kept, hidden / (1 - dropout), 0)
    tasks = [name.removesuffix(".weight") for name in heads if name.endswith(".weight")]
    return {
        task: hidden @ heads[f"{task}.weight"] + heads[f"{task}.bias"]
        for task in tasks
        if task != "hidden"
    }


def float_weights(loaded: Arrays) -> dict[str, npt.NDArray[np.float32]]:
    """The encoder's weights by their plain names, without the index buffers."""
    return {
        name.removeprefix("bert."): array
        for name, array in loaded.items()
        if array.dtype.kind == "f"
    }


def turned(weights: Arrays) -> dict[str, npt.NDArray[np.float32]]:
    """The weights, and of each adapted map its transpose beside it: twice as fast in a product."""
    return dict(weights) | {
        f"{name}.weight.T": np.ascontiguousarray(weights[f"{name}.weight"].T)
        for name in linear_names()
    }
