"""The risk engine finds the same in the assistant's environment as in that of the services."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from safeguarding.corpus import read_examples
from safeguarding.risk.lexicon.reader import read_lexicon
from safeguarding.taxonomy import ROOT

ASSISTANT = ROOT / ".venv-assistant" / "bin" / "python"
EVERY_EXAMPLE, EVERY_RULE = 15, 12


def sample() -> list[str]:
    """Sentences of the development part, and one of every few rules of the lexicon."""
    sentences = [each.text for each in read_examples() if each.part == "development"]
    rules = [rule.match[0] for rule in read_lexicon().rules if rule.match]
    return sentences[::EVERY_EXAMPLE] + rules[::EVERY_RULE]


def screened(python: Path, texts: list[str]) -> list[dict[str, Any]]:
    lines = "".join(
        json.dumps({"id": str(at), "text": text}) + "\n" for at, text in enumerate(texts)
    )
    command = [str(python), "-m", "lantern", "screen"]
    done = subprocess.run(
        command, input=lines, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def in_short(record: dict[str, Any]) -> tuple[object, ...]:
    """All of a record but how sure each signal is, which may differ in its last digits."""
    sources = sorted(signal["source"] for signal in record["signals"])
    return record["id"], record["severity"], record["categories"], record["subject"], sources


def test_both_environments_find_the_same_in_a_sample_of_sentences() -> None:
    texts = sample()
    here, there = screened(Path(sys.executable), texts), screened(ASSISTANT, texts)

    assert len(here) == len(texts) > 100
    assert len({record["severity"] for record in here}) == 4
    assert [in_short(record) for record in there] == [in_short(record) for record in here]
