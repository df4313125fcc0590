"""The commands of the risk engine: `screen` and `check-lexicon` of `python -m lantern`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from safeguarding.json_lines import InputLine, LineError, not_blank, standard_input, write
from safeguarding.records import ContentError, Problem
from safeguarding.risk.assessment import Turn
from safeguarding.risk.engine import RiskEngine, build_engine
from safeguarding.risk.lexicon.reader import LEXICON, Lexicon, read_what_is_sound
from safeguarding.risk.lexicon.rules import Combination, Rule
from safeguarding.settings import Settings
from safeguarding.taxonomy import Severity

SPEAKERS = ("user", "assistant")


def screened(lines: Iterable[bytes], engine: RiskEngine) -> Iterator[dict[str, Any]]:
    """Yield a record for each line: the assessment, or `{"id", "error"}` for an invalid line.

    Each line is `{"id", "text", "history"?: [{"by": "user" or "assistant", "text"}]}` with the
    oldest turn first; blank lines are skipped.
    """
    for line in not_blank(lines):
        try:
            read = InputLine.read(line)
            text, history = read.text(), _history(read)
        except LineError as error:
            yield error.as_record()
        else:
            yield {"id": read.id, **engine.assess(text, history).as_record()}


def _history(line: InputLine) -> tuple[Turn, ...]:
    turns: Any = line.fields.get("history") or []
    if not isinstance(turns, list):
        raise line.error("`history` is not a list")
    for turn in turns:
        words = turn.get("text") if isinstance(turn, dict) else None
        if not isinstance(words, str) or turn.get("by") not in SPEAKERS:
            raise line.error('a turn of `history` is {"by": "user" or "assistant", "text"}')
    return tuple(Turn(turn["by"], turn["text"]) for turn in turns)


@click.command()
def screen() -> None:
    """Screen standard input to standard output; a bad line never stops the run.

    Each line in is {"id", "text", "history"?}; each line out is the assessment, or {"id", "error"}.
    """
    for record in screened(standard_input(), build_engine(miss_cost=Settings.from_env().miss_cost)):
        write(record)


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
def check_lexicon(files: tuple[Path, ...]) -> None:
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
