"""A severity is due where missing it would cost more than a false alarm; the costs decide."""

from __future__ import annotations

from math import exp, log
from pathlib import Path

import pytest
from msgspec.structs import replace

from safeguarding.records import ContentError
from safeguarding.risk.thresholds import (
    Calibration,
    Evidence,
    Probabilities,
    SeverityStep,
    Steps,
    Thresholds,
    Weights,
    confirmed,
    read_calibration,
)
from safeguarding.taxonomy import Severity
from tests.steps import even_step

NONE, CONCERN, URGENT, IMMEDIATE = Severity
PLAIN = even_step()
"""The network alone decides; its bar is at even odds."""
SILENT = (0.0, 0.0, 0.0)
COSTLY = Calibration(
    version="v1",
    concern=replace(PLAIN, expected=0.08, developed=0.6, miss_cost=10.0),
    urgent=replace(PLAIN, expected=0.03, developed=0.4, miss_cost=50.0),
    immediate=replace(PLAIN, expected=0.006, developed=0.2, miss_cost=80.0),
    conversation=1.0,
)
FILE = """\
version: 0123456789ab
concern: {once: {network: 1.1, witness: 0.4, phrase: 2.0, offset: -0.5},
  twice: {network: 0.9, witness: 0.3, phrase: 2.0, second: 0.2, offset: -0.6}, expected: 0.08,
  developed: 0.6, miss_cost: 10}
urgent: {once: {network: 1.2, witness: 0.5, phrase: 3.0, offset: -0.6},
  twice: {network: 1.0, witness: 0.4, phrase: 3.0, second: 0.3, offset: -0.7}, expected: 0.03,
  developed: 0.4, miss_cost: 50}
immediate: {once: {network: 1.3, witness: 0.6, phrase: 4.0, offset: -0.7},
  twice: {network: 1.1, witness: 0.5, phrase: 4.0, second: 0.4, offset: -0.8}, expected: 0.006,
  developed: 0.2, miss_cost: 50}
conversation: 1.5
"""


def thresholds(conversation: float = 0.0, **steps: SeverityStep) -> Thresholds:
    """Return thresholds whose steps are plain, but for those given."""
    plain = {"concern": PLAIN, "urgent": PLAIN, "immediate": PLAIN}
    return Thresholds(Calibration(version="v1", conversation=conversation, **{**plain, **steps}))


def hears(network: Steps, phrased: Severity = NONE, witness: Steps = SILENT) -> Evidence:
    return Evidence(network, witness, phrased)


def probability(odds: float) -> float:
    return 1 / (1 + exp(-odds))


def where_used(p: float, developed: float, expected: float) -> float:
    """Elkan 2001, theorem 2, as printed: a probability after the share of positives changed."""
    b, c = developed, expected
    return c * (p - p * b) / (b - p * b + c * p - b * c)


@pytest.mark.parametrize("at", range(3))
def test_at_its_bar_a_miss_costs_as_much_as_a_false_alarm(at: int) -> None:
    step = (COSTLY.concern, COSTLY.urgent, COSTLY.immediate)[at]

    p = where_used(probability(Thresholds(COSTLY).log_odds[at]), step.developed, step.expected)

    assert p * step.miss_cost == pytest.approx(1 - p)


def test_a_bar_is_lower_the_more_such_messages_are_expected() -> None:
    rare, frequent = replace(PLAIN, expected=0.01), replace(PLAIN, expected=0.1)

    assert thresholds(urgent=rare).log_odds[1] > thresholds(urgent=frequent).log_odds[1] > 0


def test_another_cost_of_a_miss_moves_all_bars_alike() -> None:
    usual, careful, bold = Thresholds(COSTLY), Thresholds(COSTLY, 200.0), Thresholds(COSTLY, 25.0)

    for bar, lower, higher in zip(usual.log_odds, careful.log_odds, bold.log_odds, strict=True):
        assert bar - lower == pytest.approx(log(4))
        assert higher - bar == pytest.approx(log(2))


def test_the_cost_of_a_miss_is_that_of_an_urgent_message() -> None:
    assert Thresholds(COSTLY, COSTLY.urgent.miss_cost).log_odds == Thresholds(COSTLY).log_odds


def test_a_score_on_the_bar_is_enough() -> None:
    assert thresholds().probabilities(hears((-9.0, 0.0, -9.0))).severity == URGENT
    assert thresholds().probabilities(hears((-9.0, -0.001, -9.0))).severity == NONE


def test_evidence_adds_up_to_log_odds() -> None:
    weights = Weights(network=2.0, witness=3.0, phrase=1.5, offset=-0.25)
    step = replace(PLAIN, once=weights)
    evidence = hears((0.0, 0.5, 0.0), URGENT, (0.0, 0.3, 0.0))

    found = thresholds(urgent=step).probabilities(evidence, handicap=0.75)

    assert found.urgent == pytest.approx(probability(2.0 * 0.5 + 3.0 * 0.3 + 1.5 - 0.25 - 0.75))


def test_each_witness_speaks_of_each_step_for_itself() -> None:
    step = even_step(witness=2.0)
    weighing = thresholds(concern=step, urgent=step, immediate=step)

    found = weighing.probabilities(hears((0.1, 0.2, 0.3), NONE, (-0.1, 0.4, -0.8)))

    odds = (0.1 - 0.2, 0.2 + 0.8, 0.3 - 1.6)
    assert (found.concern, found.urgent, found.immediate) == pytest.approx(
        tuple(map(probability, odds))
    )


def test_what_one_witness_misses_the_other_may_tell() -> None:
    step = even_step(witness=1.0)
    weighing = thresholds(urgent=step)
    quiet, loud, sure = (-1.0, -1.0, -9.0), (-1.0, 1.5, -9.0), (0.0, 2.0, 0.0)

    assert weighing.probabilities(hears(quiet)).severity == NONE
    assert weighing.probabilities(hears(quiet, witness=sure)).severity == URGENT
    assert weighing.probabilities(hears(loud, witness=(0.0, -2.0, 0.0))).severity == NONE


def test_evidence_holds_no_phrase_unless_one_is_given() -> None:
    assert Evidence(SILENT, SILENT).phrased == NONE


def test_a_phrase_is_evidence_for_its_severity_and_for_all_below() -> None:
    step = even_step(phrase=2.0)
    weighing = thresholds(concern=step, urgent=step, immediate=step)
    heard, unheard = pytest.approx(probability(1.0)), pytest.approx(probability(-1.0))

    expected = {
        NONE: (unheard, unheard, unheard),
        CONCERN: (heard, unheard, unheard),
        URGENT: (heard, heard, unheard),
        IMMEDIATE: (heard, heard, heard),
    }
    for phrased, due in expected.items():
        found = weighing.probabilities(hears((-1.0, -1.0, -1.0), phrased))
        assert (found.concern, found.urgent, found.immediate) == due


def test_a_phrase_may_lift_a_message_over_the_bar() -> None:
    step = even_step(phrase=2.0)
    weighing = thresholds(concern=step, urgent=step)

    assert weighing.probabilities(hears((-1.0, -1.0, -9.0))).severity == NONE
    assert weighing.probabilities(hears((-1.0, -1.0, -9.0), URGENT)).severity == URGENT


def test_the_second_reader_may_lift_and_calm_what_the_others_find() -> None:
    step = even_step(second=1.0)
    weighing = thresholds(concern=step, urgent=step)

    def severity(network: float, second: float | None) -> Severity:
        again = None if second is None else (second, second, -9.0)
        evidence = Evidence((network, network, -9.0), SILENT, second=again)
        return weighing.probabilities(evidence).severity

    assert [severity(0.5, second) for second in (None, 1.0, -1.0)] == [URGENT, URGENT, NONE]
    assert [severity(-0.5, second) for second in (None, 1.0, -1.0)] == [NONE, URGENT, NONE]


def test_what_was_read_once_has_weights_of_its_own() -> None:
    twice = Weights(network=2.0, witness=0.0, phrase=0.0, second=0.0, offset=-3.0)
    weighing = thresholds(urgent=replace(PLAIN, twice=twice))
    once = Evidence((0.0, 1.0, 0.0), SILENT)

    assert weighing.probabilities(once).urgent == pytest.approx(probability(1.0))
    again = weighing.probabilities(once._replace(second=(9.0, 9.0, 9.0)))
    assert again.urgent == pytest.approx(probability(-1.0))


def test_several_messages_read_as_one_must_show_more() -> None:
    weighing = thresholds(conversation=1.0)
    under, over = hears((0.9, 0.9, 0.9)), hears((1.1, 1.1, 1.1))

    assert weighing.probabilities(under).severity == IMMEDIATE
    assert weighing.of_conversation(under).severity == NONE
    assert weighing.of_conversation(over).severity == IMMEDIATE
    assert weighing.of_conversation(over).urgent == pytest.approx(probability(0.1))


def test_the_second_witness_counts_in_a_conversation_too() -> None:
    step = even_step(witness=2.0)
    evidence = hears((-1.0, -1.0, -1.0), witness=(0.0, 0.7, 0.0))

    found = thresholds(conversation=0.5, urgent=step).of_conversation(evidence)

    assert found.urgent == pytest.approx(probability(-1.0 + 1.4 - 0.5))


@pytest.mark.parametrize(
    ("scores", "severity"),
    [
        ((-1.0, -1.0, -1.0), NONE),
        ((1.0, -1.0, -1.0), CONCERN),
        ((1.0, 1.0, -1.0), URGENT),
        ((-1.0, 1.0, -1.0), URGENT),
        ((-1.0, -1.0, 1.0), IMMEDIATE),
        ((1.0, -1.0, 1.0), IMMEDIATE),
    ],
)
def test_the_highest_step_over_its_bar_wins(scores: Steps, severity: Severity) -> None:
    assert thresholds().probabilities(hears(scores)).severity == severity


def test_the_probability_of_each_severity_can_be_asked_for() -> None:
    weights = Probabilities(0.7, 0.4, 0.1, CONCERN)

    assert [weights.of(severity) for severity in Severity] == [1.0, 0.7, 0.4, 0.1]


@pytest.mark.parametrize(("score", "nearly"), [(1e6, 1.0), (-1e6, 0.0)])
def test_a_score_beyond_all_measure_is_still_a_probability(score: float, nearly: float) -> None:
    found = thresholds().probabilities(hears((score, score, score)))

    assert found.urgent == pytest.approx(nearly, abs=1e-9)


def test_reads_the_calibration(tmp_path: Path) -> None:
    path = tmp_path / "calibration.yml"
    path.write_text(FILE, "utf-8")

    found = read_calibration(path)

    assert (found.version, found.conversation) == ("0123456789ab", 1.5)
    assert found.immediate == SeverityStep(
        once=Weights(network=1.3, witness=0.6, phrase=4.0, offset=-0.7),
        twice=Weights(network=1.1, witness=0.5, phrase=4.0, second=0.4, offset=-0.8),
        expected=0.006,
        developed=0.2,
        miss_cost=50.0,
    )


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("conversation: 1.5", "conversation: 1.5\ntalk: 1", "unknown field `talk`"),
        ("witness: 0.4, phrase: 3", "phrase: 3", r":6: .*missing required field `witness`"),
        ("urgent: {once", "urgent: {points: 1, once", r":5: .*unknown field `points`"),
        (", miss_cost: 10}", "}", r":2: .*missing required field `miss_cost`"),
        ("network: 1.3", "network: high", r":8: Expected `float`, got `str`"),
    ],
)
def test_refuses_a_calibration_that_is_not_sound(
    tmp_path: Path, old: str, new: str, what: str
) -> None:
    path = tmp_path / "calibration.yml"
    path.write_text(FILE.replace(old, new), "utf-8")

    with pytest.raises(ContentError, match=what):
        read_calibration(path)


def test_says_that_there_is_no_calibration(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"calibration\.yml:1: No such file"):
        read_calibration(tmp_path / "calibration.yml")


@pytest.mark.parametrize(
    ("found", "witness", "phrased", "severity"),
    [
        (IMMEDIATE, -0.01, NONE, URGENT),
        (IMMEDIATE, -0.01, CONCERN, URGENT),
        (IMMEDIATE, -0.01, URGENT, IMMEDIATE),
        (IMMEDIATE, 0.0, NONE, IMMEDIATE),
        (URGENT, -9.0, NONE, URGENT),
        (NONE, 9.0, IMMEDIATE, NONE),
    ],
)
def test_the_network_alone_makes_nothing_immediate(
    found: Severity, witness: float, phrased: Severity, severity: Severity
) -> None:
    """A reviewed phrase of at least urgent, or the second witness, must agree."""
    before = Probabilities(0.9, 0.8, 0.7, found)

    after = confirmed(before, Evidence(SILENT, (witness, -9.0, -9.0)), phrased)

    assert after == Probabilities(0.9, 0.8, 0.7, severity)


@pytest.mark.parametrize(
    ("network", "possible"),
    [
        ((0.0, -1.9, -9.0), IMMEDIATE),
        ((0.0, -2.1, -9.0), CONCERN),
        ((-1.9, -2.1, 5.0), CONCERN),
        ((-2.1, -2.1, 5.0), NONE),
    ],
)
def test_a_severity_far_below_its_threshold_is_ruled_out(
    network: Steps, possible: Severity
) -> None:
    assert thresholds().possible(hears(network)) == possible
