"""`python -m safeguarding.content.check`: everything wrong with the content, then what there is."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from safeguarding.choices import choices
from safeguarding.content.answer import Answer, read_answer
from safeguarding.content.chat_signs import ChatSigns, read_chat_signs
from safeguarding.content.contacts import ContactDirectory, contact_directory
from safeguarding.content.head import Provenance
from safeguarding.content.help_card import help_cards
from safeguarding.content.hours import LONDON
from safeguarding.content.language import language
from safeguarding.content.numbers import number_problems
from safeguarding.content.opening import read_opening
from safeguarding.content.pieces import Kind, Piece, read_piece
from safeguarding.content.pledge import pledge
from safeguarding.content.reading import measurable, too_hard
from safeguarding.content.spoken import Line, spoken
from safeguarding.content.summary import Holdings, summary
from safeguarding.records import ContentError, Problem, read_front_matter, read_yaml
from safeguarding.taxonomy import CONTENT, taxonomy

FOLDERS: dict[Kind, str] = {"story": "stories", "tool": "tools"}


class Check:
    """One look at a content folder on one day. `problems` fills as its parts are read."""

    def __init__(self, folder: Path, today: date) -> None:
        self._folder = folder
        self._today = today
        self._lines: list[Line] = []
        self.problems: list[Problem] = []
        self.answers: dict[str, Answer] = {}
        self.pieces: dict[Kind, dict[str, Piece]] = {"story": {}, "tool": {}}
        self.directory: ContactDirectory | None = None
        self._chat_signs: ChatSigns | None = None

    def run(self) -> Check:
        """Read everything. Raises nothing: what is wrong is in `problems`."""
        self.directory = self._read(contact_directory, self._folder / "contacts")
        self._read_pieces()
        self._read(choices, self._folder / "choices.yml")
        self._read(help_cards, self._folder / "help_card.yml")
        self._read(read_opening, self._folder / "opening.yml")
        self._read(pledge, self._folder / "pledge.yml")
        path = self._folder / "chat_signs.yml"
        self._chat_signs = self._read(read_chat_signs, path, self.directory)
        self._lines = list(spoken(self._folder))
        parts = (
            self._missing,
            self._overdue,
            self._cards,
            self._labels,
            self._buttons,
            self._numbers,
            self._language,
            self._reading,
        )
        for part in parts:
            self.problems += self._read(lambda part=part: list(part())) or []
        for path in sorted((self._folder / "risk").glob("*.yml")):
            self._read(self._provenance, path)
        return self

    @property
    def holdings(self) -> Holdings:
        """What there is, for the summary."""
        return Holdings(self.answers, self.pieces["story"], self.pieces["tool"], self.directory)

    def _read(self, read: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return read(*arguments)
        except ContentError as error:
            self.problems += error.problems
            return None

    def _read_pieces(self) -> None:
        for path in sorted((self._folder / "answers").glob("*.md")):
            if answer := self._read(read_answer, path, self.directory):
                self.answers[path.stem] = answer
        for kind, name in FOLDERS.items():
            for path in sorted((self._folder / name).glob("*.md")):
                if piece := self._read(partial(read_piece, kind), path, self.directory):
                    self.pieces[kind][path.stem] = piece

    def _every(self) -> Iterator[tuple[Path, Answer | Piece]]:
        """Each answer, story and tool with its file."""
        for topic, answer in self.answers.items():
            yield self._folder / "answers" / f"{topic}.md", answer
        for kind, name in FOLDERS.items():
            for id_, piece in self.pieces[kind].items():
                yield self._folder / name / f"{id_}.md", piece

    def _missing(self) -> Iterator[Problem]:
        folder = self._folder / "answers"
        for topic in taxonomy().topics:
            if not (folder / f"{topic}.md").exists():
                yield Problem(folder, 1, f"no answer for {topic}")

    def _overdue(self) -> Iterator[Problem]:
        for path, piece in self._every():
            if piece.head.review_due < self._today:
                document, _ = read_front_matter(path)
                yield document.problem("past its review: withheld until reviewed", "review_due")
        if self._chat_signs and self._chat_signs.provenance.review_due < self._today:
            document = read_yaml(self._folder / "chat_signs.yml")
            what = "past its review: withheld until reviewed"
            yield document.problem(what, "provenance", "review_due")
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

    def _buttons(self) -> Iterator[Problem]:
        """A button for a story or tool that nobody wrote would lead to a list."""
        document = read_yaml(self._folder / "choices.yml")
        for index, choice in enumerate(document.data.get("choices", [])):
            for kind, name in FOLDERS.items():
                wanted = choice.get("entities", {}).get(kind)
                if wanted and not (self._folder / name / f"{wanted}.md").exists():
                    yield document.problem(f"no {kind} {wanted!r}", "choices", index)

    def _numbers(self) -> Iterator[Problem]:
        records = self.directory.records() if self.directory else {}
        yield from number_problems(self._lines, records, self._folder)

    def _language(self) -> Iterator[Problem]:
        """Words that are not ours. In sections they were found when the file was read."""
        words = language(self._folder / "language.yml")
        texts: dict[str, list[str]] = defaultdict(list)
        for line in self._lines:
            file = line.file(self._folder)
            texts[file].append(line.text)
            if line.audience is None:
                for fault in words.faults(line.text, file):
                    yield Problem(line.path, line.number, fault)
        for file, text in texts.items():
            for id_ in words.needless(file, "\n".join(text)):
                what = f"{id_}: an exception for {file}, which does not need it"
                yield Problem(self._folder / "language.yml", 1, what)

    def _reading(self) -> Iterator[Problem]:
        if not measurable():
            return
        first = {(line.path, line.audience): line.number for line in reversed(self._lines)}
        for path, piece in self._every():
            for audience, section in piece.sections.items():
                if what := too_hard(section.words, audience):
                    yield Problem(path, first.get((path, audience), 1), what)
        document = read_yaml(self._folder / "chat_signs.yml")
        for audience, words in self._chat_signs.words.items() if self._chat_signs else ():
            if what := too_hard(words.all, audience):
                yield document.problem(what, audience)

    def _provenance(self, path: Path) -> None:
        document = read_yaml(path)
        if not isinstance(document.data, dict) or "provenance" not in document.data:
            self.problems.append(document.problem("no provenance: whose words are these?"))
            return
        provenance = document.convert(Provenance, "provenance")
        if provenance.review_due < self._today:
            what = "past its review: still in force, to be reviewed"
            self.problems.append(document.problem(what, "provenance", "review_due"))


def main(folder: Path = CONTENT) -> int:
    """Print every problem, then what there is. The exit status says whether there was any."""
    now = datetime.now(LONDON)
    check = Check(folder, now.date()).run()
    problems = sorted(set(check.problems))
    for problem in problems:
        sys.stdout.write(f"{problem}\n")
    sys.stdout.write(summary(check.holdings, now))
    sys.stdout.write(f"problems: {len(problems)}\n" if problems else "no problem\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
