"""The kinds of content, one row a kind, for all code that checks, signs, prints or lists it.

A new kind is a row here and its files under content/. Its `read` checks a file, and its `item`
returns the words of it that are signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from safeguarding.content import chat_signs, follow_ups, guides, languages, questions
from safeguarding.content.article_file import References, read_article
from safeguarding.content.articles import ArticleKind
from safeguarding.content.chat_signs import read_chat_signs
from safeguarding.content.follow_ups import read_follow_ups
from safeguarding.content.guides import guide_item, read_guide
from safeguarding.content.help_cards import help_card_item, read_help_cards
from safeguarding.content.items import Item, kind_of, read_provenance
from safeguarding.content.languages import read_language_card
from safeguarding.content.phrases import read_opening, read_phrase_file
from safeguarding.content.pledge import read_pledge
from safeguarding.content.questions import read_questions
from safeguarding.content.services import NOT_SERVICES
from safeguarding.content.yaml_items import responses_item, yaml_item
from safeguarding.records import read_yaml

ReadItem = Callable[[str, str, Path], Item]
"""Returns what is signed, from a content id, a title and a path. Raises ContentError."""
Read = Callable[[Path, References], Any]
"""Reads a file strictly. Raises ContentError with all that is wrong with it."""


@dataclass(frozen=True)
class ContentKind:
    """One kind of content."""

    id: str
    """Permanent: the beginning of the content ids that signatures bind."""
    title: str
    """Its heading in the console and on paper; of a kind with one file also the item's title."""
    files: str
    """The file, or a pattern for many, seen from the content folder."""
    item: ReadItem = yaml_item
    read: Read | None = None
    """None: any YAML will do, or the files are read together (contacts)."""
    signers: int = 1
    """How many different people must sign the same words."""
    withheld: bool = False
    """Whether it is withheld past its review, or unsigned where signatures are required.

    Help, contacts and buttons are never withheld.
    """
    for_people: bool = True
    """Whether people outside the staff read it."""
    internal: frozenset[str] = frozenset()
    """Names of files, without ending, that only staff read."""
    under: tuple[str, ...] = ()
    """The keys of a YAML file that lead to what people read; empty for the whole file."""

    def paths(self, folder: Path) -> list[Path]:
        """Return its files in a content folder; a single file also when it is missing."""
        if "*" in self.files:
            return sorted(folder.glob(self.files))
        if self.files.startswith("../"):
            return [folder.parent / self.files.removeprefix("../")]
        return [folder / self.files]

    def content_id(self, path: Path) -> str:
        """Return the permanent id of a file: "answer:consent", "help_card"."""
        return f"{self.id}:{path.stem}" if "*" in self.files else self.id

    def title_of(self, path: Path) -> str:
        """Return the title of a file without one of its own."""
        return path.stem.replace("_", " ").capitalize() if "*" in self.files else self.title

    def shows(self, stem: str) -> bool:
        """Return whether people outside the staff read the file of this name."""
        return self.for_people and stem not in self.internal


class Kinds:
    """Every kind, in the order of the console's list and of the printed booklet."""

    def __init__(self, *rows: ContentKind) -> None:
        self._rows: Mapping[str, ContentKind] = {row.id: row for row in rows}

    def __iter__(self) -> Iterator[ContentKind]:
        return iter(self._rows.values())

    def __getitem__(self, kind_id: str) -> ContentKind:
        return self._rows[kind_id]

    def __contains__(self, kind_id: object) -> bool:
        return kind_id in self._rows

    def people_needed(self, content_id: str) -> int:
        """Return how many different people must sign this content; 1 for a former kind."""
        kind = self._rows.get(kind_of(content_id))
        return kind.signers if kind else 1

    def of(self, content_id: str) -> ContentKind:
        """Return the kind of a content id. Raises KeyError for a former kind."""
        return self._rows[kind_of(content_id)]


def _article(kind: ArticleKind, title: str, folder: str) -> ContentKind:
    def item(_content_id: str, _title: str, path: Path) -> Item:
        return read_article(kind, path, None).item

    read = partial(read_article, kind)
    return ContentKind(kind, title, f"{folder}/*.md", item, read, withheld=True)


KINDS = Kinds(
    ContentKind(
        "help_card",
        "Help card",
        "help_card.yml",
        help_card_item,
        lambda path, references: read_help_cards(path, references.choices),
        signers=2,
    ),
    ContentKind(
        "opening",
        "Opening",
        "opening.yml",
        read=lambda path, references: read_opening(path, references.choices),
    ),
    _article("answer", "Answers", "articles"),
    _article("story", "Stories", "stories"),
    _article("tool", "Tools", "tools"),
    ContentKind(
        guides.ID,
        guides.TITLE,
        "guides/*.yml",
        guide_item,
        read=lambda path, _references: read_guide(path),
        signers=2,
    ),
    ContentKind(
        follow_ups.ID,
        follow_ups.TITLE,
        "follow_ups/*.yml",
        follow_ups.follow_up_item,
        read=lambda path, references: read_follow_ups(path, references.choices),
        withheld=True,
    ),
    ContentKind(
        languages.ID,
        languages.TITLE,
        "languages/*.yml",
        read=lambda path, _references: read_language_card(path),
        signers=2,
    ),
    ContentKind(
        questions.ID,
        questions.TITLE,
        "questions.yml",
        read=lambda path, references: read_questions(path, references.choices),
        signers=2,
        for_people=False,
    ),
    ContentKind("contacts", "Contacts", "contacts/*.yml", internal=NOT_SERVICES),
    ContentKind(
        "pledge",
        "The pledge by buttons",
        "pledge.yml",
        read=lambda path, references: read_pledge(path, references.choices),
    ),
    ContentKind(
        chat_signs.ID,
        chat_signs.TITLE,
        "chat_signs.yml",
        read=read_chat_signs,
        withheld=True,
    ),
    ContentKind(
        "responses",
        "What is said between answers",
        "../domain.yml",
        responses_item,
        signers=2,
        under=("responses",),
    ),
    ContentKind(
        "phrases",
        "What is said by the programs themselves",
        "phrases/*.yml",
        read=lambda path, _references: read_phrase_file(path),
    ),
    ContentKind("choices", "Buttons", "choices.yml"),
    ContentKind(
        "risk",
        "What the risk screen looks for",
        "risk/*.yml",
        read=lambda path, _references: read_provenance(read_yaml(path)),
        signers=2,
        for_people=False,
    ),
    ContentKind("language", "Words that may not be used", "language.yml", for_people=False),
    ContentKind(
        "source_domains",
        "Whose pages may be a source",
        "source_domains.yml",
        read=lambda path, _references: read_provenance(read_yaml(path)),
        for_people=False,
    ),
)
"""Two people sign the content that recognises danger or answers it."""
