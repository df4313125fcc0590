"""Counts what is wrong with a morning's records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from staff.cases.case import Case
from staff.cases.cases import Cases, UnknownCaseError
from tests.mornings.morning import MorningCase


@dataclass
class MorningCount:
    """What is wrong with the records of a morning, each as a line for people."""

    cases: int = 0
    not_handed_over: list[str] = field(default_factory=list)
    wrong_first: list[str] = field(default_factory=list)
    wrong_main: list[str] = field(default_factory=list)
    not_told: list[str] = field(default_factory=list)
    """Categories that nobody told."""
    wrong_subject: list[str] = field(default_factory=list)
    wrong_writer: list[str] = field(default_factory=list)
    first_lines: Counter[str] = field(default_factory=Counter)

    @property
    def same_line(self) -> int:
        """Rows whose first line another row has too."""
        return sum(count for count in self.first_lines.values() if count > 1)

    def report(self) -> str:
        """Return the counts, and what is behind each."""
        lines = [f"{self.cases} cases, {self.same_line} rows with a first line that another has"]
        for name, wrong in vars(self).items():
            if isinstance(wrong, list):
                lines += [f"{name}: {len(wrong)}", *(f"    {each}" for each in wrong)]
        common = self.first_lines.most_common(5)
        return "\n".join([*lines, *(f"    {count} × {line}" for line, count in common)])


def counted(
    cases: Cases, morning: Iterable[MorningCase], first_line: Callable[[Case], str]
) -> MorningCount:
    """Compare the records of a morning with what is right."""
    count = MorningCount()
    for right in morning:
        try:
            whole = cases.whole(right.id)
        except UnknownCaseError:
            count.not_handed_over.append(right.id)
            continue
        case = whole.case
        count.cases += 1
        count.first_lines[first_line(case)] += 1
        first = right.turns[right.read_first - 1]
        if whole.opening.text != first:
            count.wrong_first.append(f"{right.id}: {whole.opening.text!r}, not {first!r}")
        named = list(case.categories)
        if not {*named[:1]} & {*right.main}:
            count.wrong_main.append(f"{right.id}: {named}, not {right.main}")
        if untold := [each for each in named if each not in {*right.main, *right.may}]:
            count.not_told.append(f"{right.id}: {untold} in {named}")
        if case.subject != right.about:
            count.wrong_subject.append(f"{right.id}: {case.subject}, not {right.about}")
        if case.audience not in {right.writer, _written_by(right)}:
            count.wrong_writer.append(f"{right.id}: {case.audience}, not {right.writer}")
    return count


def _written_by(right: MorningCase) -> str | None:
    """Return who writes where only an age says it: a person under 19 is young."""
    return "young_person" if right.writer is None else right.writer
