"""Every sentence is in exactly one batch, whole, beside others of about its length."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from safeguarding.risk.engine import RiskEngine
from training import texts
from training.sentences import Sentence
from training.texts import BATCH, BUCKETS, Texts, batches, of_pieces, tokenizer


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - tests, not secrets


class LetterCount:
    """Stands for the encoder that takes a second to load."""

    def encode(self, text: str) -> npt.NDArray[np.float32]:
        return np.array([len(text), text.count("a")], np.float32)


@pytest.fixture(autouse=True)
def light_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "universal_sentence_encoder", LetterCount)


def sentence(text: str) -> Sentence:
    return Sentence(text, None, None, None, None)


def long_and_short(count: int) -> list[list[int]]:
    """Sentences of 3 to 128 pieces; the first piece of each tells its number."""
    lengths = chance(1)
    return [[1000 + at, *range(1, lengths.randint(3, 128))] for at in range(count)]


def in_batches(
    pieces: Sequence[Sequence[int]], rng: random.Random | None = None
) -> dict[int, list[int]]:
    """Each sentence's pieces as they stand in its batch, without what fills the row."""
    found: dict[int, list[int]] = {}
    for which, ids, mask in batches(pieces, rng):
        for row, at in enumerate(which):
            assert at not in found
            found[int(at)] = ids[row][mask[row] == 1].tolist()
    return found


@pytest.mark.parametrize("seed", [None, 1])
def test_every_sentence_is_in_one_batch_and_whole(seed: int | None) -> None:
    pieces = long_and_short(500)

    found = in_batches(pieces, None if seed is None else chance(seed))

    assert found == dict(enumerate(pieces))


@pytest.mark.parametrize(("pieces", "width"), [(1, 12), (12, 12), (13, 16), (65, 128), (128, 128)])
def test_a_sentence_is_in_the_narrowest_batch_that_holds_it(pieces: int, width: int) -> None:
    ((_, ids, mask),) = batches([[7] * pieces], None)

    assert ids.shape[1] == mask.shape[1] == width
    assert mask[0].tolist() == [1] * pieces + [0] * (width - pieces)


def test_batches_of_a_width_have_one_height_and_long_ones_are_lower() -> None:
    heights = {ids.shape for _, ids, _ in batches(long_and_short(2000), None)}

    assert heights == {(32, 12), (32, 16), (32, 24), (32, 32), (21, 48), (16, 64), (8, 128)}
    assert {width for _, width in heights} == set(BUCKETS)


def test_a_row_without_a_sentence_can_be_divided_by_its_length() -> None:
    ((which, ids, mask),) = batches([[7, 8]] * 3, None)

    assert which.tolist() == [0, 1, 2]
    assert ids[3:].sum() == 0
    assert mask.sum(axis=1).tolist() == [2, 2, 2] + [1] * (BATCH - 3)


def test_without_chance_the_order_is_that_of_the_sentences() -> None:
    orders = [which.tolist() for which, _, _ in batches([[7]] * 40, None)]

    assert orders == [list(range(32)), list(range(32, 40))]


def test_chance_mixes_sentences_and_batches_and_can_be_repeated() -> None:
    pieces = long_and_short(500)

    def order(rng: random.Random | None) -> list[list[int]]:
        return [which.tolist() for which, _, _ in batches(pieces, rng)]

    assert order(chance(1)) == order(chance(1))
    assert order(chance(1)) != order(chance(2))
    members = [{frozenset(batch) for batch in order(rng)} for rng in (None, chance(1))]
    assert members[0] != members[1]
    widths = [ids.shape[1] for _, ids, _ in batches(pieces, chance(1))]
    assert widths != sorted(widths)


def test_a_text_is_cut_into_word_pieces_between_two_marks() -> None:
    (short,) = of_pieces(["he hurt me"])
    made = tokenizer()

    assert [made.id_to_token(piece) for piece in short] == ["[CLS]", "he", "hurt", "me", "[SEP]"]


def test_texts_are_not_filled_up_and_not_longer_than_the_widest_batch() -> None:
    lengths = [len(pieces) for pieces in of_pieces(["me", "me " * 500])]

    assert lengths == [3, BUCKETS[-1]]


def test_texts_are_read_in_canonical_words(engine: RiskEngine) -> None:
    read = Texts([sentence("I dont  wanna"), sentence("Pasta!")], engine)

    assert read.pieces(None) == of_pieces(["i do not want to", "pasta"])
    assert read.use.tolist() == [[16, 1], [5, 2]]


def test_each_epoch_has_slips_of_its_own_in_some_of_the_sentences(engine: RiskEngine) -> None:
    lines = [f"somebody wrote number {number} about pasta with cheese" for number in range(200)]
    read = Texts([sentence(line) for line in lines], engine)
    plain = read.pieces(None)

    first, again = read.pieces(chance(1)), read.pieces(chance(1))
    second = read.pieces(chance(2))

    assert first == again
    assert first != second
    changed = Counter(a == b for a, b in zip(plain, first, strict=True))
    assert 30 < changed[False] < 90
    assert read.pieces(None) == plain
