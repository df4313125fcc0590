"""Checks the lexicon: `python -m lantern check-lexicon [FILE ...]`; exits with 1 if unsound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from safeguarding.records import ContentError, Problem
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.reader import LEXICON, Lexicon, read_what_is_sound
from safeguarding.risk.lexicon.rules import Combination, Rule
from safeguarding.taxonomy import Severity


def examples_that_fail(lexicon: Lexicon) -> Iterator[Problem]:
    """Yield each `match` sentence that its rule misses, and each `near_miss` that it fires on."""
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


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
def main(files: tuple[Path, ...]) -> None:
    """Print the problems of the lexicon, or of FILES only; exit with 1 if there are any."""
    try:
        lexicon, problems = read_what_is_sound(LEXICON)
    except ContentError as error:
        raise click.ClickException(str(error)) from None
    problems += examples_that_fail(lexicon)
    named = {path.resolve() for path in files}
    shown = sorted(p for p in problems if not named or p.path.resolve() in named)
    for problem in shown:
        click.echo(problem)
    click.echo(f"{len(lexicon.rules)} rules, {len(shown)} problems")
    if shown:
        raise SystemExit(1)
