"""Reading of a whole content folder: what is shown (Content), what is signed (Catalogue)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from safeguarding.content.article_file import FORMS, References, part_problems, topics_of
from safeguarding.content.articles import Articles
from safeguarding.content.chat_signs import ChatSigns
from safeguarding.content.choices import ChoiceRecord, Choices, read_choices
from safeguarding.content.contacts import ContactDirectory, read_contacts
from safeguarding.content.follow_ups import FollowUps
from safeguarding.content.guides import (
    GuidePhrases,
    GuideRecord,
    Guides,
    guide_choices,
    read_guides,
)
from safeguarding.content.help_cards import HelpCards
from safeguarding.content.items import Item
from safeguarding.content.kinds import KINDS, ContentKind, Kinds
from safeguarding.content.languages import LanguageCardRecord
from safeguarding.content.phrases import Opening, Phrases, read_phrases
from safeguarding.content.pledge import Pledge
from safeguarding.content.questions import Questions
from safeguarding.content.services import AreaRecord, read_areas
from safeguarding.records import ContentError, Problem
from safeguarding.taxonomy import CONTENT

T = TypeVar("T")


@dataclass(frozen=True)
class Content:
    """All content, ready to show."""

    choices: Choices
    areas: Mapping[str, AreaRecord]
    contacts: ContactDirectory
    articles: Articles
    stories: Articles
    tools: Articles
    help_cards: HelpCards
    guides: Guides
    follow_ups: FollowUps
    languages: Mapping[str, LanguageCardRecord]
    questions: Questions
    opening: Opening
    pledge: Pledge
    chat_signs: ChatSigns
    phrases: Phrases


class Files:
    """The records of a content folder, and the problems of the files that could not be read."""

    def __init__(self, folder: Path, kinds: Kinds = KINDS) -> None:
        """Read the folder. Raises nothing: faults are in `problems`."""
        self.problems: list[Problem] = []
        self.records: dict[str, dict[str, Any]] = {kind.id: {} for kind in kinds}
        """The records by kind and by name of file without ending."""
        topics = topics_of(folder / "articles")
        self.phrases = self._attempt(read_phrases, folder / "phrases")
        self.areas = self._attempt(read_areas, folder / "contacts")
        self.contacts: ContactDirectory | None = None
        if self.phrases is not None:
            self.contacts = self._attempt(read_contacts, folder / "contacts", self.phrases, topics)
        self.choices = self._attempt(
            read_choices,
            folder / "choices.yml",
            topics,
            self._area_labels(),
            self._guide_buttons(folder / "guides"),
        )
        if self.choices is not None:
            self._read_each(folder, kinds, References(self.choices, self.contacts))

    def _attempt(self, read: Callable[..., T], *arguments: Any) -> T | None:
        try:
            return read(*arguments)
        except ContentError as error:
            self.problems += error.problems
            return None

    def _area_labels(self) -> dict[str, str]:
        return {area: record.label for area, record in (self.areas or {}).items()}

    def _guide_buttons(self, folder: Path) -> list[ChoiceRecord]:
        guides: Mapping[str, GuideRecord] = self._attempt(read_guides, folder) or {}
        if self.phrases is None:
            return []
        phrases = self._attempt(self.phrases.of, "guides", GuidePhrases)
        return list(guide_choices(guides.values(), phrases)) if phrases else []

    def _read_each(self, folder: Path, kinds: Kinds, references: References) -> None:
        for kind in kinds:
            if kind.read is None:
                continue
            for path in kind.paths(folder):
                record = self._attempt(kind.read, path, references)
                if record is not None:
                    self.records[kind.id][path.stem] = record
        for form in FORMS:
            if form in kinds:
                folder_of_form = folder / Path(kinds[form].files).parent
                self.problems += part_problems(self.records[form], folder_of_form)


def read_content(folder: Path = CONTENT) -> Content:
    """Read the content of `folder`. Raises ContentError with all that is wrong with it."""
    files = Files(folder)
    choices, contacts, phrases = files.choices, files.contacts, files.phrases
    if files.problems or not (choices and contacts and phrases):
        raise ContentError(sorted(set(files.problems)))
    return Content(
        choices=choices,
        areas=files.areas or {},
        contacts=contacts,
        articles=Articles("answer", files.records["answer"], choices),
        stories=Articles("story", files.records["story"], choices),
        tools=Articles("tool", files.records["tool"], choices),
        help_cards=files.records["help_card"]["help_card"],
        guides=Guides(files.records["guide"], choices),
        follow_ups=FollowUps(files.records["follow_up"], _signed(folder, "follow_up"), choices),
        languages=files.records["language_card"],
        questions=files.records["questions"]["questions"],
        opening=files.records["opening"]["opening"],
        pledge=files.records["pledge"]["pledge"],
        chat_signs=files.records["chat_signs"]["chat_signs"],
        phrases=phrases,
    )


def _signed(folder: Path, kind_id: str) -> dict[str, Item]:
    """Return the signed item of each file of a kind, by the file's name without ending."""
    kind = KINDS[kind_id]
    return {
        path.stem: kind.item(kind.content_id(path), kind.title_of(path), path)
        for path in kind.paths(folder)
    }


@dataclass(frozen=True)
class Catalogue:
    """The items to sign, by content id, and the problems of files that could not be read."""

    kinds: Kinds
    items: Mapping[str, Item]
    problems: tuple[Problem, ...]


def read_catalogue(folder: Path = CONTENT, kinds: Kinds = KINDS) -> Catalogue:
    """Read every reviewed file. Raises nothing: faults are among the problems."""
    items: dict[str, Item] = {}
    problems: list[Problem] = []
    for kind in kinds:
        for path in kind.paths(folder):
            try:
                stat = path.stat()
                stamp = (stat.st_mtime_ns, stat.st_size)
                items[kind.content_id(path)] = _read(kind, path, stamp)
            except ContentError as error:
                problems += error.problems
            except OSError as error:
                problems.append(Problem(path, 1, error.strerror or "cannot be read"))
            except (AttributeError, TypeError):
                problems.append(Problem(path, 1, "not in the form that such a file has"))
    return Catalogue(kinds, items, tuple(sorted(problems)))


@lru_cache(maxsize=1024)
def _read(kind: ContentKind, path: Path, _stamp: tuple[int, int]) -> Item:
    return kind.item(kind.content_id(path), kind.title_of(path), path)
