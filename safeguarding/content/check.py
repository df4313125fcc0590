"""`python -m safeguarding.content.check`: everything wrong with the content, then what there is."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from safeguarding.choices import choices
from safeguarding.content.answer import Answer, read_answer
from safeguarding.content.contacts import ContactDirectory, contact_directory
from safeguarding.content.help_card import help_cards
from safeguarding.content.hours import LONDON
from safeguarding.content.opening import read_opening
from safeguarding.content.services import FILES, digits
from safeguarding.content.summary import summary
from safeguarding.records import ContentError, Problem, read_front_matter, read_yaml
from safeguarding.taxonomy import CONTENT, taxonomy

NUMBER = re.compile(r"\b0\d{2,4}(?: ?\d){4,8}\b|\b116 ?\d{3}\b")
"""A telephone number, or nearly one."""
SKIPPED = ("- {title:", "doubt:", "url:", "source:")
"""Beginnings of lines that no person is shown as words."""


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who answers for a file of the risk lexicon, and until when."""

    owner: str
    reviewed_on: date
    review_due: date
    approved_by: str | None


class Retired(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number or address that must not be printed any more."""

    words: str
    why: str


class Check:
    """One look at a content folder on one day. `problems` fills as its parts are read."""

    def __init__(self, folder: Path, today: date) -> None:
        self._folder = folder
        self._today = today
        self.problems: list[Problem] = []
        self.answers: dict[str, Answer] = {}
        self.directory: ContactDirectory | None = None

    def run(self) -> Check:
        """Read everything. Raises nothing: what is wrong is in `problems`."""
        self.directory = self._read(contact_directory, self._folder / "contacts")
        for path in sorted((self._folder / "answers").glob("*.md")):
            if answer := self._read(read_answer, path, self.directory):
                self.answers[path.stem] = answer
        self._read(choices, self._folder / "choices.yml")
        self._read(help_cards, self._folder / "help_card.yml")
        self._read(read_opening, self._folder / "opening.yml")
        parts = (
            self._missing,
            self._overdue,
            self._cards,
            self._labels,
            self._retired,
            self._numbers,
        )
        for part in parts:
            self.problems += self._read(lambda part=part: list(part())) or []
        for path in sorted((self._folder / "risk").glob("*.yml")):
            self._read(self._provenance, path)
        return self

    def _read(self, read: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return read(*arguments)
        except ContentError as error:
            self.problems += error.problems
            return None

    def _missing(self) -> Iterator[Problem]:
        folder = self._folder / "answers"
        for topic in taxonomy().topics:
            if not (folder / f"{topic}.md").exists():
                yield Problem(folder, 1, f"no answer for {topic}")

    def _overdue(self) -> Iterator[Problem]:
        for topic, answer in self.answers.items():
            if answer.head.review_due < self._today:
                document, _ = read_front_matter(self._folder / "answers" / f"{topic}.md")
                yield document.problem("past its review: withheld until reviewed", "review_due")
        for id_, record in (self.directory.records() if self.directory else {}).items():
            if record.check_due < self._today:
                yield Problem(self._folder / "contacts", 1, f"{id_}: past its check")

    def _cards(self) -> Iterator[Problem]:
        """The help card repeats contacts, to need no other file: they must be the same."""
        path = self._folder / "help_card.yml"
        records = self.directory.records() if self.directory else {}
        if not records:
            return
        contacts = [card for message in help_cards(path).messages() for card in message["contacts"]]
        for card in {card["id"]: card for card in contacts}.values():
            record = records.get(card["id"])
            known = {(way.kind, way.href) for way in record.ways} if record else set()
            if record is None or record.name != card["name"]:
                yield Problem(path, 1, f"{card['id']}: not the name in content/contacts")
            elif not {(way["kind"], way.get("href")) for way in card["ways"]} <= known:
                yield Problem(path, 1, f"{card['id']}: not the ways in content/contacts")

    def _labels(self) -> Iterator[Problem]:
        document = read_yaml(self._folder / "choices.yml")
        for topic in document.data.get("topic_labels", {}):
            if topic not in taxonomy().topics:
                yield document.problem(f"{topic!r} is no topic", "topic_labels", topic)

    def _retired(self) -> Iterator[Problem]:
        """Old numbers stay on public pages for years, and come back from there."""
        document = read_yaml(self._folder / "contacts" / "retired.yml")
        retired, problems = document.convert_each(Retired, "retired")
        yield from problems
        for path, number, line in self._spoken():
            for old in retired:
                if _holds(line, old.words):
                    yield Problem(path, number, f"{old.words} is retired: {old.why}")

    def _numbers(self) -> Iterator[Problem]:
        """A number in an answer that is no contact's is a slip, or a contact nobody checks."""
        if self.directory is None:
            return
        ways = [way for record in self.directory.records().values() for way in record.ways]
        known = {digits(way.href) for way in ways if way.href}
        for path, number, line in self._spoken():
            for found in NUMBER.findall(line):
                if digits(found) not in known:
                    yield Problem(path, number, f"{found} is no number of content/contacts")

    def _spoken(self) -> Iterator[tuple[Path, int, str]]:
        """The lines that people are shown, with their places."""
        paths = sorted((self._folder / "answers").glob("*.md"))
        paths += [self._folder / "contacts" / f"{name}.yml" for name in FILES]
        paths += [self._folder / "help_card.yml", self._folder / "opening.yml"]
        for path in filter(Path.exists, paths):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if not line.lstrip().startswith(SKIPPED):
                    yield path, number, line

    def _provenance(self, path: Path) -> None:
        document = read_yaml(path)
        if not isinstance(document.data, dict) or "provenance" not in document.data:
            self.problems.append(document.problem("no provenance: whose words are these?"))
            return
        provenance = document.convert(Provenance, "provenance")
        if provenance.review_due < self._today:
            what = "past its review: still in force, to be reviewed"
            self.problems.append(document.problem(what, "provenance", "review_due"))


def _holds(line: str, words: str) -> bool:
    if words[0].isdigit():
        return digits(words) in digits(line) and words.replace(" ", "") in line.replace(" ", "")
    return words in line


def main(folder: Path = CONTENT) -> int:
    """Print every problem, or else what there is. The exit status says whether there was any."""
    today = datetime.now(LONDON).date()
    check = Check(folder, today).run()
    for problem in sorted(set(check.problems)):
        sys.stdout.write(f"{problem}\n")
    sys.stdout.write(summary(check.answers, check.directory, today))
    return 1 if check.problems else 0


if __name__ == "__main__":
    sys.exit(main())
