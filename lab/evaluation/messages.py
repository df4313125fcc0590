"""The single messages that are evaluated.

These are the parts of our own data, the older independent set, disguised disclosures, and sets of
other authors, which are kept beside the checkout and never in it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.evaluation.assessing import Result, Results, TimedMessage
from lab.evaluation.measures import share
from safeguarding.corpus import Example
from safeguarding.taxonomy import ROOT, Severity

HELD_OUT = ROOT / "tests" / "held_out"
JsonRow = dict[str, Any]


@dataclass(frozen=True)
class EvaluatedMessage:
    """A labelled message with the engine's result."""

    example: Example
    result: Result

    @property
    def due(self) -> Severity:
        """The labelled severity."""
        return self.example.severity

    @property
    def found(self) -> Severity:
        """The severity that the engine found."""
        return self.result.severity


def read_lines(path: Path) -> list[JsonRow]:
    """Read the rows of a JSON Lines file; none when there is no such file."""
    if not path.is_file():
        return []
    # Not splitlines: hostile strings hold line separators of their own.
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]


def independent_examples(path: Path = HELD_OUT / "risk.jsonl") -> list[Example]:
    """Read the older set, written by others before the project had its own data."""
    return [_independent(row) for row in read_lines(path)]


def _independent(row: JsonRow) -> Example:
    return Example(
        text=row["text"],
        severity=Severity.named(row["severity"]),
        categories=(row["category"],) if row["category"] else (),
        near=(),
        subject=row["subject"],
        voice=row["voice"],
        register=(row["register"],),
        kind="",
        writer="independent",
        situation="",
        part="test",
    )


def seems_risky(example: Example) -> bool:
    """Return whether a message is a hard near miss: harmless, but it looks like a category."""
    return example.severity == Severity.NONE and bool(example.near) and not is_question(example)


def is_question(example: Example) -> bool:
    """Return whether a message asks about a subject in general."""
    return example.kind == "question"


def is_ordinary(example: Example) -> bool:
    """Return whether a message is everyday talk that looks like nothing else."""
    harmless = example.severity == Severity.NONE and not example.near
    return harmless and example.kind not in {"question", "near_miss", "idiom"}


def of_examples(examples: Iterable[Example]) -> Iterator[TimedMessage]:
    """Return the messages to assess for `examples`."""
    return (TimedMessage(example.text) for example in examples)


def cases(examples: Sequence[Example], results: Results) -> list[EvaluatedMessage]:
    """Return each example with its result."""
    return [EvaluatedMessage(example, results[TimedMessage(example.text)]) for example in examples]


CHATTER = "oos_or_chitchat"
Sets = Mapping[str, list[JsonRow]]


def outside_sets() -> Sets:
    """Read the sets of LANTERN_EVAL_DIR: rows {"text", "expect", …} by the name of the set."""
    folder = Path(os.environ.get("LANTERN_EVAL_DIR", ROOT.parent / "shared" / "eval"))
    return {path.stem: read_lines(path) for path in sorted(folder.glob("*.jsonl"))}


def of_outside(sets: Sets) -> Iterator[TimedMessage]:
    """Return the messages to assess for `sets`."""
    return (TimedMessage(row["text"]) for rows in sets.values() for row in rows)


def chatter(sets: Sets) -> list[str]:
    """Return the texts that are small talk or out of scope."""
    return [row["text"] for rows in sets.values() for row in rows if row["expect"] == CHATTER]


def outside_report(sets: Sets, results: Results) -> dict[str, Any]:
    """Count, by set and expectation, what is found at least urgent and at least concern."""
    report = {}
    for name, rows in sets.items():
        for expect in sorted({row["expect"] for row in rows}):
            found = [
                results[TimedMessage(row["text"])].severity
                for row in rows
                if row["expect"] == expect
            ]
            report[f"{name} ({expect})"] = {
                "at least urgent": share(each >= Severity.URGENT for each in found).record(),
                "at least concern": share(each >= Severity.CONCERN for each in found).record(),
            }
    return report


_WORD = re.compile(r"[^\W\d_]{3,}")
"""Words of three letters or more: people do not disguise shorter ones."""
_ZERO_WIDTH = "\u200b"
_HOMOGLYPHS = str.maketrans("aceiopsxyACEHIKMOPSTX", "асеіорѕхуАСЕНІКМОРЅТХ")
_LEET = str.maketrans("aeiosAEIOS", "4310543105")


def zero_width(text: str) -> str:
    """Put a zero-width space between any two letters."""
    return _WORD.sub(lambda word: _ZERO_WIDTH.join(word[0]), text)


def homoglyphs(text: str) -> str:
    """Replace Latin letters with Cyrillic ones that look the same."""
    return text.translate(_HOMOGLYPHS)


def leet(text: str) -> str:
    """Replace vowels and s with digits."""
    return _WORD.sub(lambda word: word[0].translate(_LEET), text)


def spaced(text: str) -> str:
    """Put a space between letters and two between words."""
    return "  ".join(_WORD.sub(lambda word: " ".join(word[0]), part) for part in text.split())


def repeated(text: str) -> str:
    """Repeat the last letter of each word."""
    return _WORD.sub(lambda word: word[0] + word[0][-1] * 2, text)


DISGUISES: Mapping[str, Callable[[str], str]] = {
    "zero-width": zero_width,
    "homoglyph": homoglyphs,
    "leet": leet,
    "spaced letters": spaced,
    "repeated letters": repeated,
}


def disclosures(examples: Iterable[Example]) -> list[Example]:
    """Return the urgent and immediate examples."""
    return [example for example in examples if example.severity >= Severity.URGENT]


def disguised(texts: Iterable[str]) -> Iterator[TimedMessage]:
    """Return every text in every disguise."""
    return (TimedMessage(disguise(text)) for text in texts for disguise in DISGUISES.values())


def obfuscation_report(cases: Sequence[EvaluatedMessage], results: Results) -> dict[str, Any]:
    """Compute the recall of the same disclosures, plain and in each disguise, and what changed."""
    plain = [case.found >= Severity.URGENT for case in cases]
    report: dict[str, Any] = {"plain": share(plain).record(), "disguises": {}}
    for name, disguise in DISGUISES.items():
        hidden = [
            results[TimedMessage(disguise(case.example.text))].severity >= Severity.URGENT
            for case in cases
        ]
        pairs = list(zip(plain, hidden, strict=True))
        report["disguises"][name] = {
            "recognised": share(hidden).record(),
            "lost": sum(before and not after for before, after in pairs),
            "gained": sum(after and not before for before, after in pairs),
        }
    return report
