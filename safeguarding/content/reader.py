"""The kinds of content, and the reading of a content folder.

KINDS has one row for each kind, for all code that checks, signs, prints or lists content. A new
kind is a row here and its files under content/. `read_content` returns what is shown,
`read_catalogue` what is signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

from safeguarding.content import (
    chat_signs,
    facts,
    languages,
    live_replies,
    replies,
    say_it,
    six_words,
)
from safeguarding.content.article_file import (
    FORMS,
    References,
    part_problems,
    read_article,
    topics_of,
)
from safeguarding.content.articles import ArticleKind, Articles
from safeguarding.content.chat_signs import ChatSigns, read_chat_signs
from safeguarding.content.choices import (
    ChoiceRecord,
    Choices,
    Questions,
    read_choices,
    read_questions,
)
from safeguarding.content.contacts import ContactDirectory, read_contacts
from safeguarding.content.facts import Facts
from safeguarding.content.guides import (
    GuidePhrases,
    GuideRecord,
    Guides,
    guide_choices,
    guide_item,
    read_guide,
    read_guides,
)
from safeguarding.content.help_card_file import help_card_item, read_help_cards
from safeguarding.content.help_cards import HelpCards
from safeguarding.content.items import Item, kind_of, read_provenance, responses_item, yaml_item
from safeguarding.content.languages import LanguageCardRecord, read_language_card
from safeguarding.content.live_replies import LiveReplies, read_live_replies
from safeguarding.content.phrases import (
    Phrases,
    Pledge,
    read_opening,
    read_phrase_file,
    read_phrases,
    read_pledge,
)
from safeguarding.content.replies import Replies
from safeguarding.content.reply_file import read_replies, reply_choices, reply_item
from safeguarding.content.say_it import SayIt, read_say_it
from safeguarding.content.services import NOT_SERVICES, AreaRecord, read_areas
from safeguarding.content.six_words import SixWords, read_six_words
from safeguarding.messages import Message
from safeguarding.records import ContentError, Problem, read_yaml
from safeguarding.taxonomy import CONTENT

T = TypeVar("T")
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

    Help, contacts and buttons are never withheld. Where a card in another language is, its English
    is shown (`languages.py`).
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
        "guide",
        "Guides, step by step",
        "guides/*.yml",
        guide_item,
        read=lambda path, _references: read_guide(path),
        signers=2,
    ),
    ContentKind(
        say_it.ID,
        "Say it for me: sentences for a note",
        "say_it.yml",
        read=lambda path, _references: read_say_it(path),
        signers=2,
    ),
    ContentKind(
        replies.ID,
        "Short replies",
        "replies/*.yml",
        reply_item,
        read=lambda path, references: read_replies(path, references.choices, references.contacts),
        withheld=True,
    ),
    ContentKind(
        live_replies.ID,
        "Short replies of staff in a live chat",
        "live_replies.yml",
        read=lambda path, _references: read_live_replies(path),
        signers=2,
    ),
    ContentKind(
        languages.ID,
        "Cards in other languages",
        "languages/*.yml",
        languages.language_item,
        read=lambda path, _references: read_language_card(path),
        signers=2,
    ),
    ContentKind(
        facts.ID,
        "What a person says in passing",
        "facts.yml",
        read=lambda path, _references: facts.read_facts(path),
        for_people=False,
    ),
    ContentKind(
        "questions",
        "Short answers to Lantern's questions",
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
        six_words.ID,
        "Words of a letterbox's phrase",
        "six_words.yml",
        read=lambda path, _references: read_six_words(path),
        for_people=False,
    ),
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
    say_it: SayIt
    replies: Replies
    live_replies: LiveReplies
    facts: Facts
    languages: Mapping[str, LanguageCardRecord]
    questions: Questions
    opening: Sequence[Message]
    """The first messages of every conversation."""
    pledge: Pledge
    chat_signs: ChatSigns
    six_words: SixWords
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
            {area: record.label for area, record in (self.areas or {}).items()},
            [
                *self._guide_buttons(folder / "guides"),
                *(self._attempt(reply_choices, folder / "replies") or ()),
            ],
        )
        if self.choices is not None:
            self._read_each(folder, kinds, References(self.choices, self.contacts))

    def _attempt(self, read: Callable[..., T], *arguments: Any) -> T | None:
        try:
            return read(*arguments)
        except ContentError as error:
            self.problems += error.problems
            return None

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
        say_it=files.records[say_it.ID][say_it.ID],
        replies=Replies(files.records[replies.ID], _signed(folder, replies.ID), choices),
        live_replies=files.records[live_replies.ID][live_replies.ID],
        facts=files.records[facts.ID][facts.ID],
        languages=files.records["language_card"],
        questions=files.records["questions"]["questions"],
        opening=files.records["opening"]["opening"],
        pledge=files.records["pledge"]["pledge"],
        chat_signs=files.records["chat_signs"]["chat_signs"],
        six_words=files.records[six_words.ID][six_words.ID],
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
