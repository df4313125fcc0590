"""The two files of reviewed sentences: examples to learn from, and the levels that tests expect.

The examples are data/risk/training/reviewed.yml, the expected levels tests/reviewed.jsonl.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, TextIO

import msgspec

from lab.review.lessons import Verdict
from safeguarding.corpus import RETOLD, SentenceGroup
from safeguarding.records import ContentError, Problem, read_yaml
from safeguarding.taxonomy import CORPUS, ROOT, Severity

REVIEWED = CORPUS / "training" / f"{RETOLD}.yml"
EXPECTED = ROOT / "tests" / "reviewed.jsonl"
_HEADER = """\
# Messages that Lantern assessed wrongly, retold by staff in their own words only.
# Only `make learn` writes this file; see docs/review-to-example.md.
"""


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sentence in a reviewer's own words with the level that staff found."""

    text: str
    severity: Literal["none", "concern", "urgent", "immediate"]
    verdict: Verdict

    def holds(self, found: Severity) -> bool:
        """Return whether `found` satisfies the verdict: no higher, no lower, or exactly equal."""
        wanted = Severity.named(self.severity)
        if self.verdict is Verdict.FALSE_ALARM:
            return found <= wanted
        if self.verdict is Verdict.MISSED:
            return found >= wanted
        return found == wanted


def read_expected(path: Path = EXPECTED) -> list[Expected]:
    """Read every line of `path`. Raises ContentError with all invalid lines."""
    found: list[Expected] = []
    problems: list[Problem] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            found.append(msgspec.json.decode(line, type=Expected))
        except msgspec.DecodeError as error:
            problems.append(Problem(path, number, str(error)))
    if problems:
        raise ContentError(problems)
    return found


def broken(expected: Iterable[Expected], assess: Callable[[str], Severity]) -> list[str]:
    """Return a line for each sentence whose level by `assess` does not satisfy the verdict."""
    bounds = {
        Verdict.FALSE_ALARM: "at most",
        Verdict.WRONG_LEVEL: "exactly",
        Verdict.MISSED: "at least",
    }
    return [
        f"assessed as {found.label}, {bounds[each.verdict]} {each.severity} is right: {each.text}"
        for each in expected
        if not each.holds(found := assess(each.text))
    ]


class ConflictingLabelsError(ValueError):
    """Raised when the same sentence was kept before with other labels."""


@dataclass(frozen=True)
class ReviewedFiles:
    """The two files that one reviewed sentence goes into."""

    examples: Path = REVIEWED
    expected: Path = EXPECTED

    def add(self, labelled: SentenceGroup, verdict: Verdict, day: date) -> str:
        """Add the one sentence of `labelled` to both files; return the situation of its group.

        Without its own situation it joins the day's sentences with the same labels. A sentence that
        is there already is not written again, so an interrupted run may be repeated. Raises
        ConflictingLabelsError, ContentError when a file is invalid, and OSError; neither file then
        holds half a sentence.
        """
        (text,) = labelled.sentences
        line = Expected(text, labelled.severity, verdict)
        with self._locked() as lines:
            groups = read_yaml(self.examples).convert(list[SentenceGroup], "groups")
            taught = read_expected(self.expected)
            known = next((group for group in groups if text in group.sentences), None)
            if known is None:
                groups, known = _with(groups, labelled, day)
                _replace(self.examples, _rendered(groups))
            elif _labels(known) != _labels(labelled):
                raise ConflictingLabelsError("This very sentence was kept before with other labels")
            if line not in taught:
                lines.write(msgspec.json.encode(line).decode() + "\n")
                lines.flush()
                os.fsync(lines.fileno())
        return known.situation

    @contextmanager
    def _locked(self) -> Iterator[TextIO]:
        """Open the expected levels for appending, while no other run may write."""
        with self.expected.open("a", encoding="utf-8") as lines:
            fcntl.flock(lines, fcntl.LOCK_EX)
            yield lines


def _with(
    groups: Sequence[SentenceGroup], new: SentenceGroup, day: date
) -> tuple[list[SentenceGroup], SentenceGroup]:
    """Return `groups` with the new sentence, and the group that it is in."""
    today = f"review-{day.isoformat()}-"
    for place, group in enumerate(groups):
        fits = group.situation == new.situation if new.situation else today in group.situation
        if fits and _labels(group) == _labels(new):
            longer = msgspec.structs.replace(group, sentences=[*group.sentences, *new.sentences])
            return [*groups[:place], longer, *groups[place + 1 :]], longer
    number = 1 + sum(today in group.situation for group in groups)
    added = msgspec.structs.replace(new, situation=new.situation or f"{today}{number}")
    return [*groups, added], added


def _labels(group: SentenceGroup) -> SentenceGroup:
    return msgspec.structs.replace(group, situation="", sentences=[])


def _rendered(groups: Sequence[SentenceGroup]) -> str:
    """Return the file as YAML like its neighbours, one sentence a line."""
    if not groups:
        return f"{_HEADER}groups: []\n"
    lines = ["groups:"]
    for group in groups:
        fields = [
            f"writer: {group.writer}",
            f"situation: {group.situation}",
            f"voice: {group.voice}",
            f"severity: {group.severity}",
            f"categories: [{', '.join(group.categories)}]",
            f"subject: {group.subject}",
            f"register: [{', '.join(group.register)}]",
            *([f"kind: {group.kind}"] if group.kind else []),
            "sentences:",
        ]
        lines += [f"{'    ' if place else '  - '}{field}" for place, field in enumerate(fields)]
        # A JSON string is a YAML one, except for characters that `why_refused` refuses.
        lines += [f"      - {json.dumps(text, ensure_ascii=False)}" for text in group.sentences]
    return _HEADER + "\n".join(lines) + "\n"


def _replace(path: Path, text: str) -> None:
    """Write the file in one piece."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
