"""The network that is trained: MPNet with low-rank adapters and a head for each task, by torch.

The encoder is sentence-transformers/all-mpnet-base-v2 (Song et al. 2020, MPNet). Its weights stay
as published. A low-rank change of each linear map of its upper layers (Hu et al. 2021, LoRA, by
peft) and one linear head for each task are trained. The change is added to the weights when the
ONNX file is built, so the encoder in service is as fast as the published one.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional
from transformers import MPNetConfig, MPNetModel

from lab.training.sentences import SHARES, Labels
from safeguarding.risk.encoder.vectors import MOST_OF_CONTEXT

FROZEN_LAYERS = 4
"""Number of lowest layers that stay as published: they hold grammar, and cost most to train."""
LINEAR = (
    "attention.attn.q",
    "attention.attn.k",
    "attention.attn.v",
    "attention.attn.o",
    "intermediate.dense",
    "output.dense",
)
"""The linear maps of a layer."""
BATCH, LONGEST, STEP = 32, 128, 8
"""Sentences in a step; most word pieces read; lengths are rounded up to multiples of STEP, so that
the processor compiles kernels for few lengths."""
_ALIKE = 64
"""Number of batches whose sentences are sorted by length together, which saves padding."""
SCALE = 10.0
"""Factor of the unit-length vectors before the heads, which then learn as fast as from the
encoder's own, longer vectors."""
Batch = tuple[npt.NDArray[np.int64], torch.Tensor, torch.Tensor]


def published(folder: Path) -> MPNetModel:
    """Load the encoder of a folder with config.json and model.safetensors."""
    config = MPNetConfig.from_dict(json.loads((folder / "config.json").read_text("utf-8")))
    model = MPNetModel(config, add_pooling_layer=False)
    weights = load_file(folder / "model.safetensors")
    known = {name: tensor for name, tensor in weights.items() if tensor.is_floating_point()}
    missing, _ = model.load_state_dict(known, strict=False)
    if unknown := [name for name in missing if "position_ids" not in name]:
        raise ValueError(f"{folder} lacks {unknown}")
    return model


def has_bfloat16() -> bool:
    """Return whether this processor multiplies in bfloat16 faster than in single precision.

    Only those with matrix units (AMX) do, two to eight times as fast. With the vector instructions
    for bfloat16 alone, a training step took 1.1 to 1.7 times as long as in single precision.
    """
    return bool(torch.cpu._is_amx_tile_supported())


class EncoderNetwork(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """The adapted encoder and its heads."""

    def __init__(self, base: MPNetModel, outputs: Mapping[str, int], *, rank: int) -> None:
        """Add adapters, which change nothing at first, and heads. `outputs`: numbers by task.

        There is no dropout inside the encoder: with so few trained numbers it gains little, and it
        took half the time of a step.
        """
        super().__init__()
        for module in base.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        layers = [str(at) for at in range(FROZEN_LAYERS, base.config.num_hidden_layers)]
        targets = [f"encoder.layer.{layer}.{name}" for layer in layers for name in LINEAR]
        lora = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=targets)
        # A processor with bfloat16 need not cast the frozen weights at every step.
        self.bfloat16 = has_bfloat16()
        frozen = base.to(torch.bfloat16) if self.bfloat16 else base
        self.encoder = get_peft_model(frozen, lora)
        self.width = int(base.config.hidden_size)
        heads = {task: nn.Linear(self.width, many) for task, many in outputs.items()}
        self.heads = nn.ModuleDict(heads)
        self.dropout = nn.Dropout(0.1)

    def vectors(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return unit-length sentence vectors, shape (batch, 768), of padded word pieces."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        kept = mask[..., None].float()
        mean = (hidden.float() * kept).sum(1) / kept.sum(1).clamp(min=1)
        return functional.normalize(mean, dim=-1)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the logits of every task."""
        features = self.dropout(self.vectors(ids, mask) * SCALE)
        return {task: head(features) for task, head in self.heads.items()}

    def resume(self, learned: Mapping[str, npt.NDArray[Any]]) -> None:
        """Continue from an adapter that `learned` returned; heads with other outputs start anew.

        Raises KeyError or RuntimeError when it belongs to other layers or another rank.
        """
        for name, module in self.encoder.named_modules():
            if hasattr(module, "lora_A"):
                plain = f"adapter.{name.removeprefix('base_model.model.')}.weight"
                down, up = learned[f"{plain}.down"], learned[f"{plain}.up"]
                _set(module.lora_A["default"].weight, down.T)
                _set(module.lora_B["default"].weight, up.T / module.scaling["default"])
        for task, head in self.heads.items():
            weight = learned.get(f"heads.{task}.weight")
            if weight is not None and weight.T.shape == head.weight.shape:
                _set(head.weight, weight.T)
                _set(head.bias, learned[f"heads.{task}.bias"])

    def learned(self) -> dict[str, npt.NDArray[np.float16]]:
        """Return the tensors of artifacts/adapter.safetensors: changes and heads by plain names.

        "adapter.<map>.down" has shape (inputs, rank), "….up" (rank, outputs); "heads.<task>.weight"
        (inputs, outputs), "….bias" (outputs,).
        """
        found: dict[str, torch.Tensor] = {}
        for name, module in self.encoder.named_modules():
            if hasattr(module, "lora_A"):
                plain = name.removeprefix("base_model.model.")
                found[f"adapter.{plain}.weight.down"] = module.lora_A["default"].weight.T
                up = module.lora_B["default"].weight.T * module.scaling["default"]
                found[f"adapter.{plain}.weight.up"] = up
        for task, head in self.heads.items():
            found[f"heads.{task}.weight"] = head.weight.T
            found[f"heads.{task}.bias"] = head.bias
        return {
            name: np.ascontiguousarray(tensor.detach().float().numpy().astype(np.float16))
            for name, tensor in found.items()
        }


def _set(parameter: torch.Tensor, values: npt.NDArray[Any]) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.ascontiguousarray(values, np.float32)))


class WordPieces:
    """The encoder's tokenizer, which cuts texts at LONGEST."""

    def __init__(self, path: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST)
        self._padding = self._tokenizer.token_to_id("<pad>")

    def of(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]

    def in_context(self, text: str, context: str) -> list[int]:
        """Return the ids of a text after its context, as the encoder in service reads them."""
        (own,) = self.of([text])
        if not context:
            return own
        beginning, *before = self._tokenizer.encode(context).ids
        before = [beginning, *before[-MOST_OF_CONTEXT:], before[-1]]
        return [*before, *own[1:]] if len(before) + len(own) - 1 <= LONGEST else own

    def batch(self, pieces: Sequence[Sequence[int]], which: npt.NDArray[np.int64]) -> Batch:
        """Return (`which`, ids, mask), padded to the longest text."""
        longest = -(-max(len(pieces[at]) for at in which) // STEP) * STEP
        ids = torch.full((len(which), longest), self._padding)
        mask = torch.zeros((len(which), longest), dtype=torch.int64)
        for row, at in enumerate(which):
            ids[row, : len(pieces[at])] = torch.tensor(pieces[at])
            mask[row, : len(pieces[at])] = 1
        return which, ids, mask


def batches(
    lengths: Sequence[int], rng: random.Random | None, size: int = BATCH
) -> Iterator[npt.NDArray[np.int64]]:
    """Return the indices of each batch: texts of similar length, in an order drawn by `rng`."""
    order = list(range(len(lengths)))
    if rng is None:
        order.sort(key=lambda at: lengths[at])
        for start in range(0, len(order), size):
            yield np.array(order[start : start + size])
        return
    rng.shuffle(order)
    made = []
    for start in range(0, len(order), size * _ALIKE):
        alike = sorted(order[start : start + size * _ALIKE], key=lambda at: lengths[at])
        made += [alike[at : at + size] for at in range(0, len(alike), size)]
    rng.shuffle(made)
    yield from map(np.array, made)


def target(labels: Labels, which: npt.NDArray[np.int64]) -> dict[str, torch.Tensor]:
    """Return the labels of a batch, and under "<task>_mask" which sentences have one."""
    found = {task: torch.from_numpy(getattr(labels, task)[which]) for task in SHARES}
    masks = {f"{task}_mask": torch.from_numpy(labels.masks[task][which]) for task in SHARES}
    return found | masks


_ONE_OF_MANY = ("subject", "topic")


def loss(logits: Mapping[str, torch.Tensor], due: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return the weighted sum of the tasks' losses over the sentences that have a label."""
    total = torch.zeros(())
    for task, share in SHARES.items():
        if task in _ONE_OF_MANY:
            each = functional.cross_entropy(logits[task], due[task].long(), reduction="none")
        else:
            each = functional.binary_cross_entropy_with_logits(
                logits[task], due[task], reduction="none"
            ).sum(-1)
        mask = due[f"{task}_mask"]
        total = total + share * (each * mask).sum() / mask.sum().clamp(min=1)
    return total


def read_all(network: EncoderNetwork, pieces: WordPieces, texts: Sequence[str]) -> dict[str, Any]:
    """Return the logits of every text by task, as arrays of shape (texts, outputs)."""
    tokens = pieces.of(texts)
    found: dict[str, Any] = {}
    network.eval()
    with torch.inference_mode():
        for which in batches([len(ids) for ids in tokens], None, size=64):
            _, ids, mask = pieces.batch(tokens, which)
            for task, logits in network(ids, mask).items():
                shape = (len(texts), logits.shape[1])
                found.setdefault(task, np.zeros(shape, np.float32))[which] = logits.float().numpy()
    network.train()
    return found
