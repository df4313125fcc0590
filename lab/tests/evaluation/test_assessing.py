from __future__ import annotations

from lab.evaluation.assessing import TimedMessage, assess, cost_report
from lab.tests.labelled import result
from safeguarding.risk.assessment import Turn
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.reader import read_lexicon
from tests.labelled import NONE, URGENT


def test_a_message_is_assessed_with_its_categories_and_its_time() -> None:
    engine = RiskEngine(read_lexicon())

    found = assess(engine, TimedMessage("my boyfriend hits me"))

    assert found.severity >= URGENT
    assert "relationship_abuse" in found.categories
    assert 0 < found.milliseconds < 10_000
    assert found.scores is None  # the lexicon alone has no probabilities


def test_what_was_said_before_counts() -> None:
    engine = RiskEngine(read_lexicon())
    before = (Turn("user", "he is 24"),)

    assert assess(engine, TimedMessage("he says its our secret", before)).severity >= URGENT
    assert assess(engine, TimedMessage("see you at football", before)).severity == NONE


def test_the_median_and_what_one_in_twenty_exceeds() -> None:
    found = cost_report(result(NONE, milliseconds=at) for at in range(1, 101))

    assert found["messages"] == 100
    assert found["median ms"] == 50.5
    assert 95 <= found["p95 ms"] <= 96
