"""Screens messages in bulk: `make -s screen < in.jsonl > out.jsonl`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import click

from safeguarding.json_lines import InputLine, LineError, not_blank, standard_input, write
from safeguarding.risk.assessment import Turn
from safeguarding.risk.engine import RiskEngine, build_engine
from safeguarding.settings import Settings

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
def main() -> None:
    """Screen standard input to standard output; a bad line never stops the run.

    Each line in is {"id", "text", "history"?}; each line out is the assessment, or {"id", "error"}.
    """
    for record in screened(standard_input(), build_engine(miss_cost=Settings.from_env().miss_cost)):
        write(record)
