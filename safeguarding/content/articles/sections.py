"""The body of an article: a section for each audience, its text and its steps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from safeguarding.records import Problem
from safeguarding.taxonomy import YOUNGER, taxonomy

HEADING = re.compile(r"^## *(?P<name>.*?) *$")
STEPS = re.compile(r"^What (?:you can|to) do:$")
MARKUP = re.compile(r"\*\*|__|\]\(|`|^#", re.MULTILINE)

NumberedLine = tuple[int, str]
"""A line of the file and its number."""


@dataclass(frozen=True)
class Section:
    """What one audience reads."""

    text: str
    """Paragraphs with an empty line between them."""
    steps: tuple[str, ...]

    @property
    def all(self) -> str:
        """Text and steps together."""
        return "\n".join([self.text, *self.steps])


@dataclass(frozen=True)
class SectionLimits:
    """How long a section may be, and how many steps it has."""

    words: Mapping[str, int]
    """The most words of the text, by audience."""
    fewest_steps: int = 0
    most_steps: int = 4


def read_sections(
    path: Path, body: str, limits: SectionLimits
) -> tuple[dict[str, Section], list[Problem]]:
    """The sections by audience, and everything that is wrong with them."""
    sections: dict[str, Section] = {}
    problems: list[Problem] = []
    for (number, name), lines in split_sections(path, body):
        if name not in {*taxonomy().audiences, YOUNGER}:
            words = "text above the first section" if not name else f"{name!r} is no audience"
            if name or any(line for _, line in lines):
                problems.append(Problem(path, number, words))
            continue
        if name in sections:
            problems.append(Problem(path, number, f"{name} stands here twice"))
        sections[name], found = _section(lines)
        found += _faults(name, sections[name], limits)
        problems += [Problem(path, line or number, what) for line, what in found]
    if not sections:
        problems.append(Problem(path, 1, "no section"))
    return sections, problems


def word_count(text: str) -> int:
    """How many words a reader reads: marks that stand alone are none."""
    return sum(any(char.isalnum() for char in word) for word in text.split())


def split_sections(path: Path, body: str) -> Iterator[tuple[NumberedLine, list[NumberedLine]]]:
    """Each heading with the lines under it; the first, unnamed one holds what stands above."""
    first = path.read_text(encoding="utf-8").count("\n") - body.count("\n") + 1
    heading: NumberedLine = (first, "")
    lines: list[NumberedLine] = []
    for number, line in enumerate(body.splitlines(), first):
        if match := HEADING.match(line):
            yield heading, lines
            heading, lines = (number, match["name"]), []
        else:
            lines.append((number, line.strip()))
    yield heading, lines


def _section(lines: list[NumberedLine]) -> tuple[Section, list[NumberedLine]]:
    """The section, and its faults with the line of each."""
    cut = next((n for n, (_, line) in enumerate(lines) if STEPS.match(line)), len(lines))
    steps: list[str] = []
    faults: list[NumberedLine] = []
    for number, line in lines[cut + 1 :]:
        if line.startswith("- "):
            steps.append(line[2:].strip())
        elif line:
            faults.append((number, "after the steps there is nothing but steps"))
    return Section(_paragraphs([line for _, line in lines[:cut]]), tuple(steps)), faults


def _paragraphs(lines: list[str]) -> str:
    """The text with its paragraphs unwrapped; a line of a list stays a line."""
    text = "\n".join(lines).strip()
    paragraphs = re.split(r"\n{2,}", text)
    return "\n\n".join(re.sub(r"\n(?!- )", " ", paragraph) for paragraph in paragraphs)


def _faults(name: str, section: Section, limits: SectionLimits) -> Iterator[NumberedLine]:
    most, fewest = limits.most_steps, limits.fewest_steps
    if not section.text:
        yield 0, f"{name} is empty"
    if (length := word_count(section.text)) > limits.words[name]:
        yield 0, f"{name}: {length} words; at most {limits.words[name]}"
    if not fewest <= len(section.steps) <= most:
        yield 0, f"{name}: {len(section.steps)} steps; {fewest} to {most}"
    if MARKUP.search(section.all):
        yield 0, f"{name}: shown as plain text, so no markup"
