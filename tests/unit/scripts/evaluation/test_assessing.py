from __future__ import annotations

from safeguarding.risk.assessment import Turn
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon import read_lexicon
from scripts.evaluation.assessing import Said, hear
from tests.labelled import NONE, URGENT


def test_a_message_is_heard_with_its_categories_and_its_time() -> None:
    engine = RiskEngine(read_lexicon())

    found = hear(engine, Said("my boyfriend hits me"))

    assert found.severity >= URGENT
    assert "relationship_abuse" in found.categories
    assert 0 < found.milliseconds < 10_000
    assert found.scores is None  # the lexicon alone has no probabilities


def test_what_was_said_before_counts() -> None:
    engine = RiskEngine(read_lexicon())
    before = (Turn("user", "he is 24"),)

    assert hear(engine, Said("he says its our secret", before)).severity >= URGENT
    assert hear(engine, Said("see you at football", before)).severity == NONE
