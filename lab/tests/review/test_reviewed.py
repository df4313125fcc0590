"""Every reviewed sentence is assessed at the level that staff found."""

from __future__ import annotations

from lab.review.files import broken, read_expected
from safeguarding.corpus import RETOLD, read_examples
from safeguarding.risk.engine import build_engine
from safeguarding.taxonomy import Severity


def test_every_reviewed_sentence_is_assessed_as_staff_found_it() -> None:
    engine = build_engine()

    def severity(text: str) -> Severity:
        return engine.assess(text).severity

    assert broken(read_expected(), severity) == []


def test_every_reviewed_sentence_is_learned_from_under_the_same_level() -> None:
    expected = {(each.text, each.severity) for each in read_expected()}
    learned = {
        (example.text, example.severity.label)
        for example in read_examples()
        if example.writer == RETOLD
    }

    assert learned == expected
