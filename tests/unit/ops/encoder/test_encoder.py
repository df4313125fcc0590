"""The graph that is built here computes what MPNet computes, and in integers nearly so.

reference.safetensors was computed by transformers (lab/tests/training/test_reference.py),
which this environment has not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from ops.encoder import encoder as module
from ops.encoder.encoder import build, looked_at, main, measure, measured
from ops.encoder.graph import distance_buckets, graph_of
from safeguarding.artifacts import (
    ARTIFACTS,
    DIALOGUE_ADAPTER,
    DIALOGUE_SMOOTHING,
    MANIFEST,
    SMOOTHING,
)
from safeguarding.risk.assessment import read_vector
from safeguarding.risk.encoder import vectors as weights
from safeguarding.risk.encoder.vectors import Adapter, load_mpnet, read_adapter, unit

REFERENCE = Path(__file__).with_name("reference.safetensors")
EXACT, IN_INTEGERS = 0.9999, 0.97
"""Least cosine to the vectors that are due."""
TEXTS = ["he hurt me at night", "we had pasta today", "what is a dsl", "my dad hit me", "secret"]
Floats = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def reference() -> dict[str, npt.NDArray[Any]]:
    with safe_open(REFERENCE, "np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


@pytest.fixture(scope="module")
def folder(
    reference: Mapping[str, npt.NDArray[Any]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Make a folder with the tiny model, as the published one is laid out."""
    folder = tmp_path_factory.mktemp("mpnet")
    tensors = {
        name.removeprefix("weights."): array.astype(np.float32)
        for name, array in reference.items()
        if name.startswith("weights.")
    }
    positions = np.arange(132)[None]
    save_file({**tensors, "embeddings.position_ids": positions}, folder / "model.safetensors")
    with safe_open(REFERENCE, "np") as file:
        facts = file.metadata()
    (folder / "config.json").write_text(facts["config"], "utf-8")
    (folder / "tokenizer.json").write_text(facts["tokenizer"], "utf-8")
    return folder


def adapter(**changes: Floats) -> Adapter:
    return Adapter(
        changes={name.replace("__", "."): array for name, array in changes.items()},
        heads={},
        scale=1.0,
        categories=(),
        subjects=(),
        signs=(),
        intents=(),
        base="published",
        version="0123456789ab",
    )


def session(model: onnx.ModelProto | Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    whole = model.read_bytes() if isinstance(model, Path) else model.SerializeToString()
    return onnxruntime.InferenceSession(whole, options, providers=["CPUExecutionProvider"])


def hidden_states(
    model: onnx.ModelProto | Path, reference: Mapping[str, npt.NDArray[Any]]
) -> Floats:
    feed = {"input_ids": reference["ids"], "attention_mask": reference["mask"]}
    found: Floats = session(model).run(None, feed)[0]
    return found


def cosines(one: Floats, other: Floats) -> Floats:
    found: Floats = (unit(one) * unit(other)).sum(axis=-1)
    return found


def vectors(hidden: Floats, mask: npt.NDArray[np.int64]) -> Floats:
    kept = mask[..., None].astype(np.float32)
    return unit((hidden * kept).sum(1) / kept.sum(1))


def test_each_pair_of_places_has_the_bias_that_mpnet_gives_it(
    reference: Mapping[str, npt.NDArray[Any]],
) -> None:
    assert np.array_equal(distance_buckets(128, 32), reference["buckets"])


@pytest.mark.parametrize("length", [1, 2, 40])
def test_of_a_shorter_text_the_buckets_are_the_same(
    length: int, reference: Mapping[str, npt.NDArray[Any]]
) -> None:
    assert np.array_equal(distance_buckets(length, 32), reference["buckets"][:length, :length])


def test_the_graph_gives_the_hidden_states_of_transformers(
    folder: Path, reference: Mapping[str, npt.NDArray[Any]]
) -> None:
    model, _ = graph_of(folder, None, {})

    found = hidden_states(model, reference)

    seen = reference["mask"] == 1
    assert cosines(found, reference["hidden"])[seen].min() > EXACT
    assert np.abs(found - reference["hidden"])[seen].max() < 1e-3


def test_what_fills_a_row_changes_nothing(
    folder: Path, reference: Mapping[str, npt.NDArray[Any]]
) -> None:
    model, _ = graph_of(folder, None, {})
    whole, ids = hidden_states(model, reference), reference["ids"]

    for row, length in enumerate(reference["mask"].sum(axis=1)):
        alone = {
            "input_ids": ids[row : row + 1, :length],
            "attention_mask": np.ones((1, length), np.int64),
        }
        found = session(model).run(None, alone)[0][0]
        assert np.abs(found - whole[row, :length]).max() < 1e-4


def test_the_longest_text_that_is_read_fits_into_the_graph(folder: Path) -> None:
    model, _ = graph_of(folder, None, {})
    ids = np.full((1, 128), 7)

    (found,) = session(model).run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})

    assert found.shape == (1, 128, 32)
    assert np.isfinite(found).all()


def test_the_adapters_change_is_in_the_graph(
    folder: Path, reference: Mapping[str, npt.NDArray[Any]]
) -> None:
    """As if the published weight had been another."""
    name = "encoder.layer.1.attention.attn.q.weight"
    chance = np.random.default_rng(1)
    down, up = (chance.normal(0, 0.3, shape).astype(np.float32) for shape in ((32, 2), (2, 32)))
    changed, _ = graph_of(folder, adapter(**{f"{name}.down": down, f"{name}.up": up}), {})
    plain, _ = graph_of(folder, None, {})

    initial = {each.name: each for each in changed.graph.initializer}
    matrix = onnx.numpy_helper.to_array(initial["encoder.layer.1.attention.attn.q.w"])
    expected = reference[f"weights.{name}"].astype(np.float32).T + down @ up
    assert np.allclose(matrix, expected, atol=1e-6)
    one, other = hidden_states(changed, reference), hidden_states(plain, reference)
    assert cosines(one, other)[reference["mask"] == 1].min() < EXACT


def test_to_make_features_smoother_changes_nothing_by_itself(
    folder: Path, reference: Mapping[str, npt.NDArray[Any]]
) -> None:
    all_divisors = measure(folder, None, TEXTS).divisors
    model, places = graph_of(folder, None, all_divisors)

    found = hidden_states(model, reference)

    assert set(all_divisors) == set(places)
    assert len(all_divisors) == 2 * 3
    assert {divisors.shape for divisors in all_divisors.values()} == {(32,), (64,)}
    assert all((divisors > 0).all() for divisors in all_divisors.values())
    assert any(np.ptp(divisors) > 0.1 for divisors in all_divisors.values())
    assert cosines(found, reference["hidden"])[reference["mask"] == 1].min() > EXACT


def test_far_out_features_are_divided_by_more(folder: Path) -> None:
    """Made larger on purpose, a feature is made smaller before it is counted in integers."""
    gain = "encoder.layer.0.attention.LayerNorm.weight"
    plain = measure(folder, None, TEXTS).divisors["encoder.layer.0.met"]
    with safe_open(folder / "model.safetensors", "np") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    tensors[gain] = tensors[gain].copy()
    tensors[gain][3] *= 40
    other = folder / "far"
    other.mkdir(exist_ok=True)
    save_file(tensors, other / "model.safetensors")
    for name in ("config.json", "tokenizer.json"):
        (other / name).write_bytes((folder / name).read_bytes())

    found = measure(other, None, TEXTS).divisors["encoder.layer.0.met"]

    assert found[3] / found.mean() > 5 * plain[3] / plain.mean()


def test_what_is_built_is_nearly_exact_and_says_what_it_is_made_of(
    folder: Path, reference: Mapping[str, npt.NDArray[Any]], tmp_path: Path
) -> None:
    target = tmp_path / "models" / "mpnet.onnx"

    build(folder, adapter(), measure(folder, adapter(), TEXTS), target)

    mask = reference["mask"]
    found = vectors(hidden_states(target, reference), mask)
    assert cosines(found, vectors(reference["hidden"], mask)).min() > IN_INTEGERS
    facts = session(target).get_modelmeta().custom_metadata_map
    assert facts[weights.BASE] == "published"
    assert facts[weights.ADAPTED] == "0123456789ab"
    assert [file.name for file in target.parent.iterdir()] == ["mpnet.onnx"]
    graph = onnx.load(str(target)).graph
    kinds = {initial.name: initial.data_type for initial in graph.initializer}
    products = [node for node in graph.node if node.op_type == "MatMulInteger"]
    # Signed ones overflow on processors without VNNI.
    assert {kinds[node.input[1]] for node in products} == {onnx.TensorProto.UINT8}
    assert np.linalg.norm(read_vector(facts[weights.PROBE])) == pytest.approx(1, abs=1e-5)


def test_a_build_cut_short_leaves_the_file_as_it_was(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "mpnet.onnx"
    target.write_bytes(b"as it was")

    def fail(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    found = measure(folder, adapter(), TEXTS)
    monkeypatch.setattr(module, "quantize_dynamic", fail)
    with pytest.raises(KeyboardInterrupt):
        build(folder, adapter(), found, target)

    assert target.read_bytes() == b"as it was"
    assert [file.name for file in tmp_path.iterdir()] == ["mpnet.onnx"]


def test_features_are_measured_on_texts_of_every_length_always_the_same() -> None:
    found = looked_at()

    assert len(found) == len(set(found)) == 220
    assert found == looked_at()
    words = sorted(len(text.split()) for text in found)
    assert words[0] <= 4
    assert words[-50] >= 40


def test_the_measurement_is_kept_for_one_adapter(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "looked_at", lambda: TEXTS)
    first = measured(adapter(), folder, tmp_path)
    monkeypatch.setattr(module, "looked_at", lambda: TEXTS[:1])

    again = measured(adapter(), folder, tmp_path)
    other = measured(replace(adapter(), version="of another"), folder, tmp_path)

    assert sorted(file.name for file in tmp_path.iterdir()) == [MANIFEST, SMOOTHING]
    assert again.probe == first.probe
    assert again.divisors.keys() == first.divisors.keys()
    assert all(
        np.array_equal(again.divisors[each], first.divisors[each]) for each in first.divisors
    )
    assert any(
        not np.array_equal(other.divisors[each], first.divisors[each]) for each in first.divisors
    )


def test_a_measurement_that_is_not_the_one_of_the_manifest_is_made_anew(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "looked_at", lambda: TEXTS)
    measured(adapter(), folder, tmp_path)
    path = tmp_path / SMOOTHING
    whole, arrays = path.read_bytes(), load_file(path)
    path.write_bytes(whole[:-4] + b"\0\0\0\0")

    measured(adapter(), folder, tmp_path)

    # The order of the header's keys is not fixed, so the bytes of two equal files may differ.
    again = load_file(path)
    assert again.keys() == arrays.keys()
    assert all(np.array_equal(again[name], arrays[name]) for name in arrays)


def test_the_shipped_measurement_is_that_of_the_adapter() -> None:
    """Or every first start would measure for half a minute."""
    assert module._read(ARTIFACTS / SMOOTHING, read_adapter().version) is not None
    of_dialogue = read_adapter(ARTIFACTS / DIALOGUE_ADAPTER)
    assert module._read(ARTIFACTS / DIALOGUE_SMOOTHING, of_dialogue.version) is not None


def test_the_measurements_of_two_encoders_lie_side_by_side(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "looked_at", lambda: TEXTS)
    measured(adapter(), folder, tmp_path)

    measured(replace(adapter(), version="dialogue"), folder, tmp_path, DIALOGUE_SMOOTHING)

    assert module._read(tmp_path / SMOOTHING, adapter().version) is not None
    assert module._read(tmp_path / DIALOGUE_SMOOTHING, "dialogue") is not None


def test_other_weights_are_not_built(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "ENCODER_DIR", folder)

    done = CliRunner().invoke(main)

    assert done.exit_code == 1
    assert "model.safetensors has SHA-256" in done.output


def test_an_adapter_of_other_weights_is_not_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "check", lambda *_: None)
    monkeypatch.setattr(module, "read_adapter", lambda _path: replace(adapter(), base="of another"))

    done = CliRunner().invoke(main)

    assert done.exit_code == 1
    assert "made for other weights: run `make adapt`" in done.output


OURS = [
    "hi",
    "he will not stop texting me and he says i owe him",
    "what is county lines",
    "my uncle keeps touching me and i do not want to go home",
    "i want to die",
    "how do i help my daughter who does not eat",
    "we had pasta for tea and then i did my maths",
    "my friend has a secret boyfriend who is 24 and gives her vapes",
    "is it ok to say no",
    " ".join(["my mum drinks and i look after my brother"] * 8),
]


def test_the_encoder_in_service_is_nearly_that_in_full_precision() -> None:
    made = read_adapter()
    served = load_mpnet(made.version)
    exact, _ = graph_of(weights.ENCODER_DIR, made, {})
    precise = session(exact)
    tokenizer = served._tokenizer

    found = []
    for text in OURS:
        ids = np.array([tokenizer.encode(text).ids])
        hidden = precise.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]
        found.append(float(served.encode(text).vector @ unit(hidden.mean(axis=0))))

    assert min(found) > IN_INTEGERS, found
