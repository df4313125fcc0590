from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lab.evaluation.minilm import MiniLM
from safeguarding.risk.encoder.vectors import WeightsError

TEXTS = ["my dad hits me", "", "my father beats me", "we had pasta for tea " * 20]


@pytest.fixture(scope="module")
def encoder() -> MiniLM:
    return MiniLM()


def test_vectors_have_unit_length_in_the_order_of_the_texts(encoder: MiniLM) -> None:
    found = encoder.vectors(TEXTS)

    assert found.shape == (4, 384)
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    alike, apart = found[0] @ found[2], found[0] @ found[3]
    assert alike > 0.7
    assert apart < 0.3


def test_longer_texts_beside_it_do_not_change_a_vector(encoder: MiniLM) -> None:
    together, alone = encoder.vectors(TEXTS), encoder.vectors(TEXTS[:1])

    assert together[0] == pytest.approx(alone[0], abs=1e-5)


def test_what_is_longer_than_it_reads_is_cut(encoder: MiniLM) -> None:
    long, longer = encoder.vectors(["word " * 300, "word " * 300 + "my dad hits me"])

    assert long == pytest.approx(longer, abs=1e-5)


def test_no_text_is_no_vector(encoder: MiniLM) -> None:
    assert encoder.vectors([]).shape == (0, 384)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other")

    with pytest.raises(WeightsError, match=r"model\.safetensors has SHA-256"):
        MiniLM(tmp_path)
