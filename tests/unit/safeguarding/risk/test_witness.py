"""The second witness: the same text has the same score, however long, strange or empty it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from safeguarding.risk.encoder.vectors import WeightsError
from safeguarding.risk.witness import PLACES, Witness, features, read_witness
from safeguarding.taxonomy import ROOT

OFFSETS = np.array([-1.0, -2.0, -3.0], np.float32)
RANDOM = np.random.default_rng(1).normal(size=(PLACES, 3)).astype(np.float16)
WITNESS = Witness(RANDOM, OFFSETS)
HOSTILE = [
    "he hurt me",
    "",
    "\x00\x01\x1b[31m",
    "\ud800\udfff lone surrogates",
    "\u202eright to left\u202c",
    "e\u0301" * 5_000,
    "👩‍👩‍👧‍👦" * 500,
    "a" * 60_000,
    "a " * 30_000,
    "\ufdfa" * 1_000,
    "İıſß ŉ",
    "\u2028\u2029\x85\xa0",
]


def listening_to(text: str) -> Witness:
    """Return a witness whose weights are 1, 2 and 3 where the features of `text` are."""
    weights = np.zeros((PLACES, 3), np.float16)
    weights[features(text)] = (1, 2, 3)
    return Witness(weights, OFFSETS)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_the_same_text_has_the_same_score(text: str) -> None:
    first = WITNESS.scores(text)
    WITNESS.scores("something else")

    assert WITNESS.scores(text) == first
    assert np.isfinite(first).all()


def test_another_process_hears_the_same() -> None:
    """Not so with Python's own hash, which is another in each process."""
    text = "he says its our secret 😬"
    code = (
        "from safeguarding.risk.witness import features; "
        f"print(' '.join(map(str, features({text!r}))))"
    )
    command = [sys.executable, "-X", "utf8", "-c", code]

    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert [int(place) for place in said.split()] == features(text).tolist()


def test_each_place_stands_once_and_in_order() -> None:
    found = features("no no no no dont dont")

    assert found.tolist() == sorted(set(found.tolist()))
    assert found.dtype == np.int64


@settings(max_examples=200)
@given(st.text())
def test_any_text_has_features_that_can_be_looked_up_and_a_score(text: str) -> None:
    found = features(text)

    assert np.array_equal(found, np.unique(found))
    assert all(0 <= place < PLACES for place in found)
    assert np.isfinite(WITNESS.scores(text)).all()


@pytest.mark.parametrize("text", ["", "   ", "\n\t "])
def test_a_text_without_words_has_the_score_of_nothing(text: str) -> None:
    assert len(features(text)) == 0
    assert WITNESS.scores(text) == (-1.0, -2.0, -3.0)


def test_small_and_capital_letters_and_spaces_are_heard_alike() -> None:
    assert np.array_equal(features("He HURT  me\n"), features("he hurt me"))


SPACES = (
    "\t", "\n", "\v", "\f", "\r", "\x85", "\xa0", "\u1680", "\u2000", "\u2003", "\u2009", "\u2028",
    "\u2029", "\u202f", "\u205f", "\u3000", " \xa0 ",
)  # fmt: skip


@pytest.mark.parametrize("space", SPACES, ids=map(ascii, SPACES))
def test_spaces_of_every_kind_part_words(space: str) -> None:
    assert np.array_equal(features(f"he{space}hurt{space}me"), features("he hurt me"))


@pytest.mark.parametrize(
    "other", ["me hurt he", "he hurts me", "he hurt", "he hurtme", "he hirt me"]
)
def test_other_words_spelling_or_order_are_other_features(other: str) -> None:
    assert not np.array_equal(features("he hurt me"), features(other))


def test_a_word_spelt_wrongly_shares_most_letters_and_another_word_few() -> None:
    right = set(features("suicidal").tolist())

    def shared(other: str) -> float:
        return len(right & set(features(other).tolist())) / len(right)

    assert shared("suicidl") > 0.4
    assert shared("football") < 0.1


def test_a_score_is_the_weights_over_the_length_of_the_features() -> None:
    """A row of ones, as the training sees it, has length 1 once it is divided by that."""
    text = "he hurt me"
    long = np.sqrt(len(features(text)))

    assert listening_to(text).scores(text) == pytest.approx(
        (long - 1, 2 * long - 2, 3 * long - 3), rel=1e-5
    )


def test_a_word_said_a_thousand_times_weighs_no_more_than_said_often() -> None:
    few, many = WITNESS.scores("no " * 10), WITNESS.scores("no " * 1_000)

    assert few == many


def test_the_score_of_urgent_is_that_of_the_second_step() -> None:
    assert WITNESS.urgent("he hurt me") == WITNESS.scores("he hurt me")[1]


def test_an_urgent_message_comes_before_a_concern_that_is_as_likely() -> None:
    likely = np.zeros((PLACES, 3), np.float16)
    urgent = Witness(likely, np.array([2.0, 2.0, -3.0], np.float32))
    concern = Witness(likely, np.array([2.0, -2.0, -3.0], np.float32))
    harmless = Witness(likely, np.array([-2.0, -4.0, -6.0], np.float32))

    assert urgent.alarm("hm") > concern.alarm("hm") > harmless.alarm("hm")


def test_the_witness_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "witness.safetensors"
    save_file({"weights": RANDOM, "offsets": OFFSETS}, path)

    found = read_witness(path)

    assert found.weights.dtype == np.float16
    assert found.scores("he hurt me") == WITNESS.scores("he hurt me")


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\n"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "witness.safetensors"
    path.write_bytes(content)

    with pytest.raises(WeightsError, match=r"witness\.safetensors cannot be read"):
        read_witness(path)


def test_a_missing_witness_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"witness\.safetensors is missing"):
        read_witness(tmp_path / "witness.safetensors")


@pytest.mark.parametrize(
    "arrays",
    [
        {"weights": RANDOM},
        {"offsets": OFFSETS},
        {"weights": RANDOM[:100], "offsets": OFFSETS},
        {"weights": RANDOM, "offsets": OFFSETS[:2]},
        {"weights": RANDOM[:, :2], "offsets": OFFSETS},
        {"weights": RANDOM.T, "offsets": OFFSETS},
        {"weights": RANDOM, "offsets": OFFSETS[:, np.newaxis]},
        {"weights": RANDOM, "offsets": OFFSETS, "more": OFFSETS},
        {"weight": RANDOM, "offsets": OFFSETS},
        {},
    ],
)
def test_a_witness_of_other_names_or_shapes_is_refused(
    tmp_path: Path, arrays: dict[str, npt.NDArray[np.generic]]
) -> None:
    path = tmp_path / "witness.safetensors"
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)

    with pytest.raises(WeightsError, match=r"witness\.safetensors holds arrays of other shapes"):
        read_witness(path)


def test_the_projects_witness_is_that_of_its_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "witness.safetensors"
    save_file({"weights": RANDOM, "offsets": OFFSETS}, path)
    asked: list[str] = []

    def checked(name: str) -> Path:
        asked.append(name)
        return path

    monkeypatch.setattr("safeguarding.artifacts.checked", checked)

    assert read_witness().scores("he hurt me") == WITNESS.scores("he hurt me")
    assert asked == ["witness.safetensors"]
