"""`python -m safeguarding.content.export AUDIENCE`: all that one audience reads, to be printed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from safeguarding.content.catalogue import read_catalogue
from safeguarding.content.hours import LONDON
from safeguarding.content.items import Item, Part
from safeguarding.taxonomy import taxonomy

READERS = {
    "young_person": "young people",
    "parent": "parents and carers",
    "professional": "professionals",
}
CHAPTERS = {
    "help_card": "Help cards",
    "opening": "The opening",
    "answer": "Answers",
    "story": "Stories",
    "tool": "Tools",
    "contacts": "Contacts",
    "pledge": "The pledge by buttons",
    "chat_signs": "What is said of a pasted chat",
    "responses": "What is said between answers",
    "gateway": "What is said when something fails",
    "choices": "Buttons",
}
"""What people read, in the order of a booklet. The screen's phrases are for the console."""
NOT_SPOKEN = ("contacts:needs", "contacts:retired")
CODE_LENGTH = 12


@dataclass(frozen=True)
class Sheet:
    """One item as its reader meets it."""

    item: Item
    parts: tuple[Part, ...]

    @property
    def code(self) -> str:
        """The beginning of the digest: ties a signature on paper to exactly these words."""
        return self.item.digest[:CODE_LENGTH]


def export_page(audience: str, items: Iterable[Item], today: date) -> str:
    """One HTML page that asks no server for anything. Raises KeyError for an unknown audience."""
    sheets = [
        Sheet(item, item.for_reader(audience))
        for item in items
        if item.kind in CHAPTERS and item.id not in NOT_SPOKEN and _speaks_to(item, audience)
    ]
    chapters = [
        (title, [sheet for sheet in sheets if sheet.item.kind == kind])
        for kind, title in CHAPTERS.items()
    ]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("export.html").render(
        readers=READERS[audience],
        chapters=[(title, found) for title, found in chapters if found],
        count=len(sheets),
        today=today,
    )


def _speaks_to(item: Item, audience: str) -> bool:
    """Whether it has words for this audience; words for everyone count unless others are named."""
    named = {reader for part in item.parts for reader in part.audiences}
    return not named or audience in named


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the page; 1 when some content could not be read, which is said on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m safeguarding.content.export", description=__doc__
    )
    parser.add_argument("audience", choices=list(taxonomy().audiences))
    catalogue = read_catalogue()
    today = datetime.now(LONDON).date()
    audience = parser.parse_args(arguments).audience
    sys.stdout.write(export_page(audience, catalogue.items.values(), today))
    for problem in catalogue.problems:
        sys.stderr.write(f"{problem}\n")
    return 1 if catalogue.problems else 0


if __name__ == "__main__":
    sys.exit(main())
