from __future__ import annotations

from scripts.evaluation.scoring import against_harmless, scores_report
from tests.labelled import CONCERN, IMMEDIATE, NONE, URGENT, case

CASES = [
    case(URGENT, URGENT, (0.9, 0.8, 0.1)),
    case(IMMEDIATE, IMMEDIATE, (0.9, 0.9, 0.9)),
    case(CONCERN, CONCERN, (0.7, 0.5, 0.1)),
    case(NONE, CONCERN, (0.3, 0.2, 0.0)),
    case(NONE, NONE, None),
]


def test_what_lies_between_is_neither_hit_nor_false_alarm() -> None:
    scored = against_harmless(CASES, URGENT)

    assert [(each.probability, each.so) for each in scored] == [
        (0.8, True), (0.9, True), (0.2, False), (0.0, False),
    ]  # fmt: skip


def test_calibration_counts_every_message_at_every_step() -> None:
    report = scores_report(CASES, CASES, {"Lantern": CASES})

    assert report is not None
    bins = report["calibration"]["immediate"]["bins"]
    assert sum(each["of"] for each in bins) == len(CASES)
    assert sum(each["hits"] for each in bins) == 1


def test_each_system_has_the_point_at_which_it_decides() -> None:
    mute = [case(URGENT, NONE), case(NONE, URGENT)]

    report = scores_report(CASES, CASES, {"Lantern": CASES, "words": mute})

    assert report is not None
    lantern, words = report["curves"]["urgent or immediate"]
    assert lantern["as set"] == [0.0, 1.0]
    assert lantern["line"][-1] == [1.0, 1.0]
    assert words == {"system": "words", "line": [], "as set": [1.0, 0.0]}
    assert report["curves"]["any risk"][0]["as set"] == [0.5, 1.0]


def test_an_engine_that_only_decides_has_no_probabilities_to_show() -> None:
    assert scores_report([case(URGENT, URGENT)], [], {}) is None
