"""Checks the lexicon: `python -m safeguarding.risk.check [FILE ...]`; exits 1 if it is unsound."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from safeguarding.records import ContentError, Problem
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon import LEXICON, Lexicon, read_what_is_sound
from safeguarding.risk.rules import Combination, Rule
from safeguarding.taxonomy import Severity


def examples_that_fail(lexicon: Lexicon) -> Iterator[Problem]:
    """Every `match` sentence its rule does not fire on, and every `near_miss` it fires on."""
    engine = RiskEngine(lexicon)
    rules: list[Rule | Combination] = [*lexicon.rules, *lexicon.combinations]
    for rule in rules:
        place = lexicon.places[rule.id]
        for sentence in rule.match:
            if rule.id not in engine.fired(sentence):
                yield _about(place, f"does not fire on the match {sentence!r}")
        for sentence in rule.near_miss:
            if rule.id in engine.fired(sentence):
                yield _about(place, f"fires on the near miss {sentence!r}")
    yield from _harmful_idioms(lexicon, engine)


def _harmful_idioms(lexicon: Lexicon, engine: RiskEngine) -> Iterator[Problem]:
    for rule in lexicon.rules:
        if rule.kind == "harmless":
            for sentence in rule.match:
                assessment = engine.assess(sentence)
                if assessment.severity > Severity.NONE:
                    sources = ", ".join(signal.source for signal in assessment.signals)
                    what = f"is harmless, but {sentence!r} fires {sources}"
                    yield _about(lexicon.places[rule.id], what)


def _about(place: Problem, what: str) -> Problem:
    return Problem(place.path, place.line, f"{place.what}: {what}")


def main(arguments: Sequence[str]) -> int:
    """Print what is wrong, in the named files only when there are any; 1 if something is."""
    try:
        lexicon, problems = read_what_is_sound(LEXICON)
    except ContentError as error:
        print(error)  # noqa: T201 - a command
        return 1
    problems += examples_that_fail(lexicon)
    named = {Path(argument).resolve() for argument in arguments}
    shown = sorted(p for p in problems if not named or p.path.resolve() in named)
    for problem in shown:
        print(problem)  # noqa: T201
    print(f"{len(lexicon.rules)} rules, {len(shown)} problems")  # noqa: T201
    return 1 if shown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
