"""The check of the lexicon's own sentences says which of them its rules break."""

from __future__ import annotations

from dataclasses import replace

from safeguarding.risk.commands import check_lexicon, examples_that_fail
from safeguarding.risk.lexicon.reader import LEXICON, Lexicon
from tests.commands import run


def test_a_match_that_does_not_fire_and_a_near_miss_that_does_are_named(lexicon: Lexicon) -> None:
    rule = next(rule for rule in lexicon.rules if rule.kind == "entry" and rule.match)
    wrong = replace(rule, match=("we had pasta",), near_miss=(rule.match[0],))
    small = replace(lexicon, rules=(wrong,), combinations=())

    found = [str(problem) for problem in examples_that_fail(small)]

    assert len(found) == 2
    assert "does not fire on the match 'we had pasta'" in found[0]
    assert f"fires on the near miss {rule.match[0]!r}" in found[1]
    sound = replace(lexicon, rules=(rule,), combinations=())
    assert list(examples_that_fail(sound)) == []


def test_a_file_that_is_not_there_is_refused_rather_than_found_sound() -> None:
    done = run(check_lexicon, str(LEXICON / "no-such-category.yml"))

    assert done.exit_code == 2
    assert "no-such-category.yml" in done.stderr
