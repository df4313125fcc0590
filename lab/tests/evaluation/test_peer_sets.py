from __future__ import annotations

from lab.evaluation.peer_sets import (
    PeerSet,
    background_bands,
    development_sets,
    harmless_of_development,
    outside_peer_sets,
)
from tests.labelled import CONCERN, IMMEDIATE, URGENT, example


def test_each_writer_of_the_development_part_is_a_set() -> None:
    examples = [
        example("he hit me", URGENT, writer="d02"),
        example("he has a knife", IMMEDIATE, writer="d02"),
        example("i worry", CONCERN, writer="d02"),
        example("tea", writer="d02"),
        example("pasta", writer="d04"),
        example("rice", writer="w08"),
    ]

    assert development_sets(examples) == [
        PeerSet("natural mix (d02)", ("he hit me", "he has a knife"), ("tea",)),
        PeerSet("hard (d03)", (), ()),
        PeerSet("plain words (d04)", (), ("pasta",)),
    ]


def test_thresholds_are_chosen_on_the_whole_development_part() -> None:
    examples = [
        example("tea", part="development", writer="w08"),
        example("harm", URGENT, part="development"),
        example("pasta", part="training"),
    ]

    assert harmless_of_development(examples) == ["tea"]


def test_only_rows_with_a_label_count_and_sets_without_one_are_left_out() -> None:
    rows = {
        "a": [
            {"text": "harm", "expect": "risk"},
            {"text": "tea", "expect": "none"},
            {"text": "rent", "expect": "weak_none"},
            {"text": "sad", "expect": "soft"},
        ],
        "b": [{"text": "hi", "expect": "oos_or_chitchat"}],
        "c": [{"text": "?", "expect": "unlabelled_distress"}],
    }

    assert outside_peer_sets(rows) == [
        PeerSet("a", ("harm",), ("tea", "rent")),
        PeerSet("b", (), ("hi",)),
    ]


def test_texts_are_in_the_band_of_their_number_of_words() -> None:
    texts = ["a", "a " * 6, "a " * 7, "a " * 120]

    assert background_bands(texts) == [
        PeerSet("background, 1 to 6 words", (), ("a", "a " * 6)),
        PeerSet("background, 7 to 12 words", (), ("a " * 7,)),
        PeerSet("background, over 40 words", (), ("a " * 120,)),
    ]
    assert background_bands([]) == []
