"""Probabilities are fitted on network, second witness and lexicon together."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from math import log

import pytest

from lab.training import calibrate as module
from lab.training.calibrate import ScoredChat, ScoredMessage, fit_chats, fit_messages
from safeguarding.risk.chat.reading import ChatEvidence
from safeguarding.risk.thresholds import STEPS, Evidence, Thresholds
from safeguarding.taxonomy import Severity

NONE, CONCERN, URGENT, IMMEDIATE = Severity


@dataclass
class Classifier:
    version: str = "0123456789ab"


@pytest.fixture(autouse=True)
def light_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "build_classifier", Classifier)


def messages(
    network: float, witness: float, phrase: float, second: float = 0.0, count: int = 800
) -> list[ScoredMessage]:
    """Return messages of every severity.

    Each witness tells the severity as clearly as its number says: 0 is noise, and a number below 0
    tells the contrary.
    """
    rng = random.Random(1)  # noqa: S311 - tests, not secrets
    found = []
    for at in range(count):
        due = Severity(at % 4)

        def says(clear: float, due: Severity = due) -> tuple[float, float, float]:
            one, two, three = (
                clear * (1 if due >= step else -1) + rng.gauss(0, 1) for step in STEPS
            )
            return one, two, three

        heard = due if rng.random() < phrase else NONE
        evidence = Evidence(says(network), says(witness), heard, says(second))
        found.append(ScoredMessage(evidence, tuple(float(due >= step) for step in STEPS)))
    return found


def test_a_witness_that_tells_counts_and_one_that_tells_nothing_hardly() -> None:
    found = fit_messages(messages(network=1.0, witness=0.0, phrase=0.5))

    for step in (found.concern, found.urgent, found.immediate):
        assert step.once.network > 1
        assert 0 <= step.once.witness < 0.4
        assert step.once.phrase > 1


def test_both_witnesses_count_as_much_as_they_tell() -> None:
    found = fit_messages(messages(network=0.5, witness=1.5, phrase=0.0))

    for step in (found.concern, found.urgent, found.immediate):
        assert step.once.witness > step.once.network > 0
        assert step.once.phrase == 0


def test_no_witness_and_no_phrase_ever_speaks_against_a_risk() -> None:
    found = fit_messages(messages(network=1.0, witness=-1.0, phrase=0.0))

    steps = (found.concern, found.urgent, found.immediate)
    assert [step.once.witness for step in steps] == [0, 0, 0]
    assert [step.twice.witness for step in steps] == [0, 0, 0]


def test_the_second_reader_counts_only_where_it_reads() -> None:
    found = fit_messages(messages(network=1.0, witness=0.0, phrase=0.0, second=1.5))

    for step in (found.concern, found.urgent, found.immediate):
        assert step.once.second == 0
        assert step.twice.second > step.twice.network > 0


def test_the_second_reader_never_speaks_against_a_risk_that_it_hears() -> None:
    found = fit_messages(messages(network=1.0, witness=0.0, phrase=0.0, second=-1.0))

    assert [step.twice.second for step in (found.concern, found.urgent, found.immediate)] == [0] * 3


def test_a_turn_counts_more_than_a_sentence() -> None:
    rows = messages(network=1.0, witness=0.0, phrase=0.0)
    quiet = [replace(row, due=(0.0, 0.0, 0.0)) for row in rows[:100]]

    sentences = fit_messages([*rows, *quiet])
    turns = fit_messages([*rows, *(replace(row, is_turn=True) for row in quiet)])

    assert turns.concern.developed < sentences.concern.developed
    assert turns.concern.once.offset < sentences.concern.once.offset


def test_what_is_not_labelled_is_not_learned() -> None:
    rows = messages(network=2.0, witness=0.0, phrase=0.0)
    turned = [replace(row, due=(1.0, 0.0, 0.0), known=(1.0, 0.0, 0.0)) for row in rows[:200]]

    both, alone = fit_messages([*rows, *turned]), fit_messages(rows)

    assert both.urgent == alone.urgent
    assert both.concern != alone.concern


def test_the_shares_and_costs_are_those_that_people_set() -> None:
    found = fit_messages(messages(1.0, 1.0, 0.5))

    assert found.version == "0123456789ab"
    assert found.conversation == module.CONVERSATION
    assert [found.concern.developed, found.urgent.developed] == [0.75, 0.5]
    assert found.urgent.expected == module.EXPECTED["urgent"]
    assert found.immediate.miss_cost == module.COSTS["immediate"]


def test_what_is_fitted_tells_the_messages_apart() -> None:
    rows = messages(2.0, 2.0, 0.5)

    thresholds = Thresholds(fit_messages(rows))

    right = [
        (thresholds.probabilities(row.evidence).severity >= URGENT) == bool(row.due[1])
        for row in rows
    ]
    assert sum(right) / len(right) > 0.95


def chats(count: int = 200) -> list[ScoredChat]:
    rng = random.Random(1)  # noqa: S311 - tests, not secrets
    found = []
    for at in range(count):
        due = (NONE, CONCERN, URGENT)[at % 3]
        tone = (float(due >= CONCERN) + rng.gauss(0, 0.3), float(due >= URGENT) + rng.gauss(0, 0.3))
        found.append(ScoredChat(ChatEvidence(int(due) / 2 + rng.gauss(0, 0.3), tone, ()), due))
    return found


@pytest.mark.parametrize("due", [CONCERN, URGENT])
def test_each_severity_of_a_chat_has_its_own_tone(due: Severity) -> None:
    rows, at = chats(), (CONCERN, URGENT).index(due)

    found = fit_chats(rows, due)

    assert found.pattern > 0
    assert found.tone > 0
    over = [found.over(row.evidence.pattern, row.evidence.tone[at]) >= 0 for row in rows]
    right = [one == (row.due >= due) for one, row in zip(over, rows, strict=True)]
    assert sum(right) / len(right) > 0.9


def test_the_bar_of_a_chat_follows_from_its_cost_and_how_many_are_expected() -> None:
    found = fit_chats(chats(150), URGENT)

    share, cost = module.EXPECTED_CHATS["urgent"], module.CHAT_COSTS["urgent"]
    prior = log(share / (1 - share)) - log(1 / 2)
    assert found.bar == pytest.approx(-log(cost) - prior, abs=1e-3)
