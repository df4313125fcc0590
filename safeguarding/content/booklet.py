"""The printed booklet: all that one audience reads, as one page.

`python -m lantern export AUDIENCE`
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import click
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from safeguarding.clock import LONDON
from safeguarding.content.items import Block, Item
from safeguarding.content.reader import Catalogue, read_catalogue
from safeguarding.taxonomy import PARENT, PROFESSIONAL, YOUNG_PERSON

READERS = {
    YOUNG_PERSON: "young people",
    PARENT: "parents and carers",
    PROFESSIONAL: "professionals",
}
"""How a heading names an audience."""
CODE_LENGTH = 12


@dataclass(frozen=True)
class Sheet:
    """One item as its reader sees it."""

    item: Item
    blocks: tuple[Block, ...]
    people_needed: int

    @property
    def code(self) -> str:
        """The beginning of the digest, which ties a signature on paper to exactly these words."""
        return self.item.digest[:CODE_LENGTH]


def export_page(audience: str, catalogue: Catalogue, today: date) -> str:
    """Return a self-contained HTML page. Raises KeyError for an unknown audience."""
    chapters: dict[str, list[Sheet]] = {kind.id: [] for kind in catalogue.kinds}
    for content_id, item in catalogue.items.items():
        kind = catalogue.kinds.of(content_id)
        named = {reader for block in item.blocks for reader in block.audiences}
        speaks_to = not named or audience in named
        if kind.shows(content_id.partition(":")[2]) and speaks_to:
            sheet = Sheet(item, item.for_reader(audience), kind.signers)
            chapters[kind.id].append(sheet)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("booklet.html").render(
        readers=READERS[audience],
        chapters=[(kind.title, chapters[kind.id]) for kind in catalogue.kinds if chapters[kind.id]],
        count=sum(map(len, chapters.values())),
        today=today,
    )


@click.command()
@click.argument("audience", type=click.Choice(list(READERS)))
def main(audience: str) -> None:
    """Print all that AUDIENCE reads. Exit with 1 when some content could not be read."""
    catalogue = read_catalogue()
    today = datetime.now(LONDON).date()
    click.echo(export_page(audience, catalogue, today), nl=False)
    for problem in catalogue.problems:
        click.echo(problem, err=True)
    if catalogue.problems:
        raise SystemExit(1)
