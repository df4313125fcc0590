"""The reference that the ONNX graph is compared with agrees with transformers.

tests/unit/ops/encoder/reference.safetensors holds a tiny MPNet, some word pieces and their hidden
states. The test proves that it is still right; `make_reference`, called once from
.venv-lab, writes it anew.
"""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from transformers import MPNetModel
from transformers.models.mpnet.modeling_mpnet import MPNetEncoder

from lab.tests.training import tiny
from safeguarding.taxonomy import ROOT

REFERENCE = ROOT / "tests" / "unit" / "ops" / "encoder" / "reference.safetensors"
LAYERS, LONGEST = 3, 128
LENGTHS = (40, 25, 3)
Arrays = dict[str, npt.NDArray[np.generic]]


def model() -> MPNetModel:
    """Return a model whose weights fit into half precision, as the graph's word vectors do."""
    made = tiny.model(seed=5, num_hidden_layers=LAYERS)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(parameter.half().float())
    return made


def buckets() -> npt.NDArray[np.int8]:
    """Return the index of the learned bias for each pair of positions."""
    place = torch.arange(LONGEST)
    found = MPNetEncoder.relative_position_bucket(place[None, :] - place[:, None], num_buckets=32)
    counted: npt.NDArray[np.int8] = found.numpy().astype(np.int8)
    return counted


def made() -> Arrays:
    network = model()
    chance = np.random.default_rng(5)
    ids = np.full((len(LENGTHS), max(LENGTHS)), tiny.WORDS.index("<pad>"))
    mask = np.zeros_like(ids)
    for row, length in enumerate(LENGTHS):
        ids[row, :length] = [0, *chance.integers(5, len(tiny.WORDS), length - 2), 2]
        mask[row, :length] = 1
    with torch.inference_mode():
        hidden = network(torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))[0]
    weights = {
        f"weights.{name}": tensor.half().numpy()
        for name, tensor in network.state_dict().items()
        if tensor.is_floating_point()
    }
    return {**weights, "ids": ids, "mask": mask, "hidden": hidden.numpy(), "buckets": buckets()}


def make_reference() -> None:
    config = {**model().config.to_dict(), "model_type": "mpnet"}
    facts = {"config": json.dumps(config), "tokenizer": tiny.tokenizer().to_str()}
    save_file(made(), REFERENCE, facts)


def test_the_reference_is_what_transformers_gives() -> None:
    with safe_open(REFERENCE, "np") as file:
        kept = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118

    expected = made()
    assert set(kept) == set(expected)
    hidden = kept.pop("hidden")
    for name, array in kept.items():
        assert np.array_equal(array, expected[name]), name
    seen = kept["mask"] == 1
    assert np.abs(hidden - expected["hidden"])[seen].max() < 1e-4
