"""The second reader scores a message after what came before it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from safeguarding.artifacts import DIALOGUE_ADAPTER, manifest
from safeguarding.records import ContentError
from safeguarding.risk.assessment import WIDTH
from safeguarding.risk.encoder.in_place import (
    MADE_FROM,
    NEEDS,
    SCALE,
    SecondReader,
    context_of,
    in_context,
    loaded_encoder,
    read_second_reader,
)
from safeguarding.risk.encoder.vectors import AFTER, Encoded, Floats, WeightsError
from safeguarding.taxonomy import ROOT

needs_encoder = pytest.mark.skipif(
    not (ROOT / "models" / "mpnet_dialogue.onnx").exists(), reason="the encoder is not built"
)
NEEDS_OF = ("friend", "suicide")
WEIGHTS = {
    "hidden_weight": np.eye(2, WIDTH, dtype=np.float32),
    "hidden_bias": np.array([0, -1], np.float32),
    "weight": np.array([[1, 0], [0, 1], [1, 1], [0, 0], [1, 0]], np.float32),
    "bias": np.array([0.5, 0, -1, 0, 0], np.float32),
}


class Noted:
    """Notes what is read; its vector points along the first axis."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, text: str) -> Encoded:
        self.read.append(text)
        return Encoded(np.eye(1, WIDTH, dtype=np.float32), ((0, 0),))


def test_a_text_is_scored_after_its_context() -> None:
    noted = Noted()
    reader = SecondReader(noted, NEEDS_OF, **WEIGHTS)

    assert reader.read("no", "he hits me / are you safe") == reader.read("no")
    assert noted.read == [f"he hits me / are you safe{AFTER}no", "no", "no"]


@pytest.mark.parametrize(
    ("in_place", "alone", "score"), [(-1, 1, 7.5), (1, -1, 10.5), (-1, -1, 0.5)]
)
def test_what_came_before_lowers_a_score_by_three_at_most(
    in_place: float, alone: float, score: float
) -> None:
    def encode(text: str) -> Encoded:
        along = in_place if AFTER in text else alone
        return Encoded(along * np.eye(1, WIDTH, dtype=np.float32), ((0, 0),))

    found = SecondReader(encode, NEEDS_OF, **WEIGHTS).read("no", "hi / ")

    assert found.steps[0] == pytest.approx(score)


def test_scores_and_need_are_those_of_the_network() -> None:
    found = SecondReader(Noted(), NEEDS_OF, **WEIGHTS).read("no")

    assert found.steps == pytest.approx((SCALE + 0.5, 0, SCALE - 1))  # the second unit is off
    assert found.need == "suicide"


def test_of_long_words_before_the_end_is_read_and_of_a_label_the_beginning() -> None:
    assert context_of("a" * 300 + "z", "l" * 300) == "a" * 159 + "z / " + "l" * 120


def test_where_nothing_came_before_there_is_no_context() -> None:
    assert context_of("", "") == ""
    assert in_context("he hits me", "") == "he hits me"


def written(path: Path, made_from: str) -> Path:
    save_file(WEIGHTS, path, {MADE_FROM: made_from, NEEDS: json.dumps(NEEDS_OF)})
    return path


def test_it_is_read_from_its_file(tmp_path: Path) -> None:
    version = manifest()[DIALOGUE_ADAPTER].version
    path = written(tmp_path / "second_reader.safetensors", version)

    assert np.array_equal(read_second_reader(Noted(), path).weight, WEIGHTS["weight"])


def test_one_of_another_encoder_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "second_reader.safetensors", "0123456789ab")

    with pytest.raises(ContentError, match="make second-reader"):
        read_second_reader(Noted(), path)


@pytest.mark.parametrize(
    ("arrays", "needs", "what"),
    [
        (WEIGHTS, '["friend"]', "other outputs"),
        (WEIGHTS, '["friend", "holiday"]', "other outputs"),
        (WEIGHTS, "friend", "cannot be read"),
        ({"weight": WEIGHTS["weight"]}, '["friend", "suicide"]', "cannot be read"),
    ],
)
def test_a_file_of_another_form_is_refused(
    tmp_path: Path, arrays: dict[str, Floats], needs: str, what: str
) -> None:
    path = tmp_path / "second_reader.safetensors"
    version = manifest()[DIALOGUE_ADAPTER].version
    save_file(arrays, path, {MADE_FROM: version, NEEDS: needs})

    with pytest.raises(ContentError, match=what):
        read_second_reader(Noted(), path)


def test_a_score_that_is_no_number_is_an_error_and_no_calm() -> None:
    broken = {**WEIGHTS, "bias": np.array([np.nan, 0, 0, 0, 0], np.float32)}

    with pytest.raises(WeightsError):
        SecondReader(Noted(), NEEDS_OF, **broken).read("he hits me")


def test_a_file_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "second_reader.safetensors", "0123456789ab")
    path.write_bytes(path.read_bytes()[:100])

    with pytest.raises(ContentError, match="cannot be read"):
        read_second_reader(Noted(), path)


@needs_encoder
def test_the_real_encoder_reads_a_word_differently_after_another_question() -> None:
    encode = loaded_encoder()
    asked = encode(f"he hits me / are you safe{AFTER}no").vector
    offered = encode(f"i like football / shall i tell you a joke{AFTER}no").vector

    assert np.linalg.norm(asked) == pytest.approx(1, abs=1e-5)
    assert float(asked @ offered) < 0.95


@needs_encoder
def test_the_project_s_own_tells_harm_from_talk() -> None:
    reader = read_second_reader(loaded_encoder())
    harm = ("my stepdad hits me when mum is at work", "i want to kill myself tonight")
    talk = ("whats the capital of france", "my nan made a cake for my birthday and it was massive")

    assert min(reader.read(text).steps[0] for text in harm) > 0
    assert max(reader.read(text).steps[0] for text in talk) < 0
    assert [reader.read(text).need for text in harm] == ["hurt_by_someone", "suicide"]
