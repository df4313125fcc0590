from __future__ import annotations

import pytest

from lab.evaluation.assessing import Scores
from lab.evaluation.baselines import (
    Baseline,
    baselines_report,
    diet,
    keywords,
    likeliest,
    tfidf,
    thresholds,
)
from lab.tests.labelled import case, result
from tests.labelled import CONCERN, IMMEDIATE, NONE, URGENT, example

RISK = [f"he hits me {when}" for when in ("daily", "at night", "again", "hard", "a lot", "often")]
CALM = [f"we had pasta {when}" for when in ("daily", "at night", "again", "hard", "a lot", "often")]


def test_the_keyword_list_finds_words_whatever_they_mean() -> None:
    found = keywords(["he hit me", "that song is a hit", "pasta"]).results

    assert [each.severity for each in found.values()] == [URGENT, URGENT, NONE]


@pytest.mark.parametrize(
    ("scores", "severity"),
    [
        ((0.4, 0.3, 0.1), NONE),
        ((0.9, 0.2, 0.1), CONCERN),
        ((0.9, 0.8, 0.1), URGENT),
        ((0.9, 0.8, 0.7), IMMEDIATE),
    ],
)
def test_the_likeliest_severity_is_that_of_the_widest_step(
    scores: Scores, severity: object
) -> None:
    assert likeliest(scores) == severity


def test_thresholds_keep_the_false_alarms_that_the_aims_allow() -> None:
    harmless = [example(f"calm {at}") for at in range(100)]
    scores: list[Scores] = [(at / 100, at / 200, 0.0) for at in range(100)]
    risky = [example("risk", URGENT)]

    concern, urgent = thresholds([*harmless, *risky], [*scores, (0.99, 0.6, 0.0)])

    assert sum(score[0] >= concern for score in scores) == 5
    assert sum(score[1] >= urgent for score in scores) <= 1


def test_a_baseline_is_judged_on_the_same_messages_and_at_lanterns_false_alarms() -> None:
    cases = [case(URGENT, URGENT, text="a"), case(NONE, NONE, text="b")]
    other = Baseline(
        "Other",
        "a guess",
        {"a": result(NONE, scores=(0.9, 0.6, 0.0)), "b": result(URGENT, scores=(0.5, 0.5, 0.0))},
    )

    lantern, found = baselines_report({"test": cases, "development": []}, [other])["systems"]

    assert (lantern["name"], lantern["test"]["urgent recognised"]["hits"]) == ("Lantern", 1)
    assert found["test"]["urgent recognised"]["hits"] == 0
    assert found["test"]["harmless urgent"]["hits"] == 1
    assert found["urgent recognised at Lantern's false alarms"] == 1.0
    assert found["development"]["messages"] == 0


def test_a_baseline_without_probabilities_has_no_other_threshold() -> None:
    cases = [case(URGENT, URGENT, text="pain"), case(NONE, NONE, text="tea")]

    _, found = baselines_report({"test": cases}, [keywords(["pain", "tea"])])["systems"]

    assert found["urgent recognised at Lantern's false alarms"] is None


def test_tfidf_learns_and_is_sure_of_the_graver_steps_less() -> None:
    training = [
        *map(example, RISK, [CONCERN, URGENT, IMMEDIATE] * 2),
        *map(example, CALM),
    ]
    development = [example("he hits me now", URGENT), example("we had tea")]

    found = tfidf(training, development, ["he hits me today", "we had pasta today"])

    risky, calm = (found.results[text].scores for text in found.results)
    assert risky is not None
    assert calm is not None
    assert risky[0] > 0.5 > calm[0]
    assert risky[0] >= risky[1] >= risky[2]


def test_a_quick_run_leaves_out_what_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANTERN_EVALUATE_QUICK", "1")

    assert diet([], []) is None
