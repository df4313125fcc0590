"""What staff found misheard stays mended: every reviewed sentence gets the level they found."""

from __future__ import annotations

from safeguarding.risk.engine import risk_engine
from safeguarding.risk.examples import read_examples
from safeguarding.risk.reviewed import broken, read_expected
from safeguarding.risk.reviewed_files import WRITER
from safeguarding.taxonomy import Severity


def hear(text: str) -> Severity:
    return risk_engine().assess(text).severity


def test_every_reviewed_sentence_is_heard_as_staff_found_it() -> None:
    assert broken(read_expected(), hear) == []


def test_every_reviewed_sentence_is_learned_from_under_the_same_level() -> None:
    expected = {(each.text, each.severity) for each in read_expected()}
    learned = {
        (example.text, example.severity.label)
        for example in read_examples()
        if example.writer == WRITER
    }

    assert learned == expected
