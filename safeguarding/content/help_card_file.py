"""content/help_card.yml read strictly, and what of it is signed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from safeguarding.content.articles.sections import word_count
from safeguarding.content.choices import Choices
from safeguarding.content.help_cards import (
    OTHER_WAYS,
    READERS,
    CardRecord,
    CardsRecord,
    HelpCards,
    NumbersRecord,
    WaysPair,
)
from safeguarding.content.items import Block, Item
from safeguarding.content.yaml_items import label, lines, yaml_item
from safeguarding.conversation_state import DANGER_NOW
from safeguarding.records import ContentError, Problem, YamlDocument, read_yaml
from safeguarding.taxonomy import YOUNG_PERSON, taxonomy

MOST_WORDS = {YOUNG_PERSON: 50, "adult": 65}
"""Of a card, without the words on who reads what was told."""


def read_help_cards(path: Path, choices: Choices) -> HelpCards:
    """The cards of `path`. Raises ContentError with all that is wrong."""
    document = read_yaml(path)
    record = document.convert(CardsRecord)
    problems = [*_unsound_cards(document, record), *_unknown(document, record, choices)]
    problems += [*_unsound_ways(document, record), *_unsound_numbers(document, record)]
    if problems:
        raise ContentError(problems)
    return HelpCards(record, choices)


def _unsound_cards(document: YamlDocument, record: CardsRecord) -> Iterator[Problem]:
    """A need without a card, a severity without words, a card too long or without 999."""
    needs = taxonomy().needs
    for need in {*needs} ^ {*record.cards}:
        yield document.problem(f"{need}: a card for each need, and for no other", "cards")
    for need, pair in record.cards.items():
        due = {"immediate"} if need == DANGER_NOW else {"concern", "urgent"}
        for reader in READERS:
            texts = getattr(pair, reader).texts
            where = ("cards", need, reader, "texts")
            if set(texts) != due:
                yield document.problem(f"has words for {sorted(due)}", *where)
            for severity, text in texts.items():
                if (length := word_count(text)) > MOST_WORDS[reader]:
                    what = f"{length} words; at most {MOST_WORDS[reader]}"
                    yield document.problem(what, *where, severity)
                if "999" not in text:
                    yield document.problem("says nothing of 999", *where, severity)
                elif need == DANGER_NOW and not text.startswith("Call 999"):
                    yield document.problem("999 comes first", *where, severity)


def _unsound_numbers(document: YamlDocument, record: CardsRecord) -> Iterator[Problem]:
    """A card that claims nothing and leaves out a number."""
    for reader in READERS:
        text: str = getattr(record.numbers, reader).text
        for number in ("999", "0800 1111"):
            if number not in text:
                yield document.problem(f"says nothing of {number}", "numbers", reader, "text")


def _unsound_ways(document: YamlDocument, record: CardsRecord) -> Iterator[Problem]:
    """Ways to say that we are still here: for every need, with 999 in each."""
    names = {*taxonomy().needs, *OTHER_WAYS}
    for name in names ^ {*record.still_with_you}:
        yield document.problem(f"{name}: words for each need and small talk", "still_with_you")
    places: dict[tuple[str, ...], WaysPair] = {("again",): record.again}
    places |= {("still_with_you", name): pair for name, pair in record.still_with_you.items()}
    for where, pair in places.items():
        for reader in READERS:
            texts: Sequence[str] = getattr(pair, reader)
            if len(texts) < 2:  # noqa: PLR2004 - nobody reads the same twice in a row
                yield document.problem("two ways or more", *where, reader)
            for index, text in enumerate(texts):
                if "999" not in text:
                    yield document.problem("says nothing of 999", *where, reader, index)


def _unknown(document: YamlDocument, record: CardsRecord, choices: Choices) -> Iterator[Problem]:
    """Contacts and buttons that are not there."""
    for index, choice in enumerate(record.still_choices):
        if choice not in choices:
            yield document.problem(f"no button {choice!r}", "still_choices", index)
    shown: dict[tuple[str, ...], CardRecord | NumbersRecord] = {
        ("cards", need, reader): getattr(pair, reader)
        for need, pair in record.cards.items()
        for reader in READERS
    }
    shown |= {("numbers", reader): getattr(record.numbers, reader) for reader in READERS}
    for where, card in shown.items():
        for index, contact in enumerate(card.contacts):
            if contact not in record.contacts:
                yield document.problem(f"no contact {contact!r}", *where, "contacts", index)
        for index, choice in enumerate(card.choices):
            if choice not in choices:
                yield document.problem(f"no button {choice!r}", *where, "choices", index)


_BY_READER = ("cards", "numbers", "again", "still_with_you")


def help_card_item(content_id: str, title: str, path: Path) -> Item:
    """The help cards and what is said after them, each for its reader. Raises ContentError."""
    whole = yaml_item(content_id, title, path)
    data = read_yaml(path).data
    blocks = [
        Block(f"{label(name)}, {label(reader)}".capitalize(), tuple(lines(words)), audiences)
        for part in _BY_READER
        for name, pair in _pairs(part, data)
        for reader, audiences in READERS.items()
        if (words := pair.get(reader))
    ]
    by_reader = {label(part) for part in _BY_READER}
    rest = [block for block in whole.blocks if block.heading not in by_reader]
    return Item(
        content_id,
        title,
        (*blocks, *rest),
        whole.reviewed_on,
        whole.review_due,
        whole.signed_on_paper,
    )


def _pairs(part: str, data: Mapping[str, object]) -> list[tuple[str, Mapping[str, object]]]:
    found = data.get(part, {})
    if not isinstance(found, dict):
        return []
    if set(READERS) & set(found):
        return [(part, found)]
    return [(f"{part} {name}", pair) for name, pair in found.items() if isinstance(pair, dict)]
