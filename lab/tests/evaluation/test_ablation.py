from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.evaluation.ablation import RuleCounts, ablation_report, count_rules, rules_alone
from safeguarding.risk.assessment import Signal
from safeguarding.risk.lexicon.reader import LEXICON, Lexicon, read_lexicon
from safeguarding.risk.text.normalise import Canonical
from safeguarding.taxonomy import Severity
from tests.labelled import CONCERN, IMMEDIATE, NONE, URGENT, example

HEAD = (
    "provenance: {owner: DSL, reviewed_on: 2026-11-25, review_due: 2027-05-25, approved_by: null}\n"
    "entries:\n"
)
ENTRY = "  - {{id: {}, severity: {}, phrases: [{}], match: [a, b], near_miss: [c, d]}}\n"
CUE = "  - {{id: {}, phrases: [{}], match: [a]}}\n"
TOGETHER = "  - {{id: {}, category: grooming, severity: {}, all: [{}], match: [a]}}\n"
FILES = {
    "words.yml": "push: [push]\n",
    "bullying.yml": HEAD
    + ENTRY.format("pushed", "urgent", "they push me")
    + ENTRY.format("laughed", "urgent", "they laugh")
    + ENTRY.format("left-out", "concern", "left out")
    + ENTRY.format("never", "urgent", "zebra"),
    "cues.yml": HEAD + CUE.format("secret", "secret") + CUE.format("older", "older"),
    "combinations.yml": HEAD
    + TOGETHER.format("older-and-secret", "urgent", "older, secret")
    + TOGETHER.format("all-of-it", "immediate", "older-and-secret, pushed"),
    "harmless.yml": HEAD + CUE.format("swing", "they push me on the swing"),
}
PUSHED, BOTH = "they push me", "they push me and they laugh"
SECRET, EVERYTHING = "older and secret", "older and secret and they push me"
SWING = "they push me on the swing"


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory: pytest.TempPathFactory) -> Lexicon:
    folder: Path = tmp_path_factory.mktemp("lexicon")
    (folder / "expansions.yml").write_bytes((LEXICON / "expansions.yml").read_bytes())
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return read_lexicon(folder)


def deaf_and_urgent(message: Canonical, signals: Sequence[Signal]) -> Severity:
    """Stand in for an engine that recognises every risk without rules."""
    return URGENT


def counts(lexicon: Lexicon, rule: str, *messages: tuple[str, Severity]) -> RuleCounts:
    examples = [example(text, severity) for text, severity in messages]
    return count_rules(lexicon, examples, rules_alone).rules[rule]


def test_what_only_one_rule_finds_would_be_missed_without_it(lexicon: Lexicon) -> None:
    found = counts(lexicon, "pushed", (PUSHED, URGENT), (BOTH, URGENT))

    assert found == RuleCounts(risk=2, missed_by_rules=1, missed=1)
    assert found.verdict() == "earns its place"


def test_a_classifier_that_finds_it_too_makes_the_rule_spare(lexicon: Lexicon) -> None:
    found = count_rules(lexicon, [example(PUSHED, URGENT)], deaf_and_urgent).rules["pushed"]

    assert found == RuleCounts(risk=1, missed_by_rules=1, missed=0)
    assert found.verdict() == "spare"


def test_a_false_alarm_by_one_rule_alone_counts_against_it(lexicon: Lexicon) -> None:
    found = counts(lexicon, "pushed", (PUSHED, NONE), (BOTH, NONE))

    assert found == RuleCounts(harmless=2, lone_alarms=1, false_alarms=1)
    assert found.verdict() == "harmful"


def test_a_false_alarm_that_the_classifier_raises_too_does_not_count_against_the_rule(
    lexicon: Lexicon,
) -> None:
    found = count_rules(lexicon, [example(PUSHED, NONE)], deaf_and_urgent).rules["pushed"]

    assert found == RuleCounts(harmless=1, lone_alarms=1, false_alarms=0)


def test_a_concern_is_missed_when_no_other_rule_finds_it(lexicon: Lexicon) -> None:
    assert counts(lexicon, "left-out", ("i was left out", CONCERN)).missed == 1
    assert counts(lexicon, "left-out", ("left out and they push me", CONCERN)).missed == 0


def test_a_rule_for_a_concern_does_not_count_for_an_urgent_message(lexicon: Lexicon) -> None:
    assert counts(lexicon, "left-out", ("i was left out", URGENT)).missed == 0


@pytest.mark.parametrize("rule", ["older", "secret", "older-and-secret"])
def test_a_combination_needs_each_of_its_parts(lexicon: Lexicon, rule: str) -> None:
    assert counts(lexicon, rule, (SECRET, URGENT)) == RuleCounts(
        risk=1, missed_by_rules=1, missed=1
    )


def test_a_combination_of_combinations_needs_them(lexicon: Lexicon) -> None:
    # Immediate is assessed as urgent by "pushed" alone, which is enough.
    assert counts(lexicon, "older-and-secret", (EVERYTHING, IMMEDIATE)).missed == 0
    assert counts(lexicon, "all-of-it", (EVERYTHING, IMMEDIATE)).risk == 1


def test_an_idiom_counts_the_alarms_that_it_prevents(lexicon: Lexicon) -> None:
    examples = [example(SWING, NONE), example(SWING, URGENT)]

    found = count_rules(lexicon, examples, rules_alone).idioms["swing"]

    assert (found.harmless, found.alarms_spared) == (1, 1)
    assert (found.risk, found.risk_silenced) == (1, 1)


def test_every_rule_is_listed_the_worst_first_and_the_dead_named(lexicon: Lexicon) -> None:
    development = [example(PUSHED, URGENT), example("they laugh", NONE)]
    training = [example("a zebra", NONE), example("zebra zebra", URGENT)]

    report = ablation_report(lexicon, development, training, rules_alone)

    rows = {row["id"]: row for row in report["rules"]}
    assert set(rows) == {
        *("pushed", "laughed", "left-out", "never"),
        *("secret", "older", "older-and-secret", "all-of-it"),
    }
    assert report["rules"][0]["id"] == "laughed"
    assert report["rules"][-1]["id"] == "pushed"
    assert rows["never"]["verdict"] == "dead"
    assert (rows["never"]["training_risk"], rows["never"]["training_harmless"]) == (1, 1)
    assert report["verdicts"] == {"dead": 6, "earns its place": 1, "harmful": 1}
    assert [row["id"] for row in report["idioms"]] == ["swing"]
