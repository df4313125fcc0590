"""Reads content/help_card.yml: the help cards, what is signed of them, and what is unsound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from safeguarding.content.choices import Choices
from safeguarding.content.help_cards import (
    OTHER_WAYS,
    ByReader,
    CardRecord,
    CardsRecord,
    HelpCards,
    NumbersRecord,
)
from safeguarding.content.items import Block, Item, label, lines, word_count, yaml_item
from safeguarding.conversation_state import DANGER_NOW
from safeguarding.records import Problem, YamlDocument, read_yaml, sound
from safeguarding.taxonomy import READERS, YOUNG_PERSON, taxonomy

MOST_WORDS = {YOUNG_PERSON: 50, "adult": 65}
"""Words of a card, without its ending."""
_BY_READER = ("cards", "numbers", "misread", "again", "still_with_you")


def read_help_cards(path: Path, choices: Choices) -> HelpCards:
    """Read the cards of `path`. Raises ContentError with all that is wrong."""
    document = read_yaml(path)
    record = document.convert(CardsRecord)
    problems = [*_unsound_cards(document, record), *_unknown(document, record, choices)]
    problems += [*_unsound_ways(document, record), *_unsound_numbers(document, record)]
    problems += _unsound_apologies(document, record)
    return sound(HelpCards(record, choices), problems)


def _unsound_cards(document: YamlDocument, record: CardsRecord) -> Iterator[Problem]:
    """Yield needs without a card, severities without a text, cards too long or without 999."""
    needs = taxonomy().needs
    for need in {*needs} ^ {*record.cards}:
        yield document.problem(f"{need}: a card for each need, and for no other", "cards")
    for need, pair in record.cards.items():
        due = {"immediate"} if need == DANGER_NOW else {"concern", "urgent"}
        for reader in READERS:
            texts = pair.of(reader).texts
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
    for reader in READERS:
        text = record.numbers.of(reader).text
        for number in ("999", "0800 1111"):
            if number not in text:
                yield document.problem(f"says nothing of {number}", "numbers", reader, "text")


def _unsound_ways(document: YamlDocument, record: CardsRecord) -> Iterator[Problem]:
    """Yield texts after a card that are missing, too few or without 999."""
    names = {*taxonomy().needs, *OTHER_WAYS}
    for name in names ^ {*record.still_with_you}:
        yield document.problem(f"{name}: words for each need and small talk", "still_with_you")
    places: dict[tuple[str, ...], ByReader[list[str]]] = {("again",): record.again}
    places |= {("still_with_you", name): pair for name, pair in record.still_with_you.items()}
    for where, pair in places.items():
        for reader in READERS:
            texts: Sequence[str] = pair.of(reader)
            if len(texts) < 2:  # noqa: PLR2004 - the same is never shown twice in a row
                yield document.problem("two ways or more", *where, reader)
            for index, text in enumerate(texts):
                if "999" not in text:
                    yield document.problem("says nothing of 999", *where, reader, index)


def _unsound_apologies(document: YamlDocument, record: CardsRecord) -> Iterator[Problem]:
    for reader in READERS:
        if len(record.misread.of(reader)) < 2:  # noqa: PLR2004 - the same is never said twice in a row
            yield document.problem("two ways or more", "misread", reader)


def _unknown(document: YamlDocument, record: CardsRecord, choices: Choices) -> Iterator[Problem]:
    """Yield contacts and buttons that do not exist."""
    yield from choices.unknown(document, record.still_choices, "still_choices")
    shown: dict[tuple[str, ...], CardRecord | NumbersRecord] = {
        ("cards", need, reader): pair.of(reader)
        for need, pair in record.cards.items()
        for reader in READERS
    }
    shown |= {("numbers", reader): record.numbers.of(reader) for reader in READERS}
    for where, card in shown.items():
        for index, contact in enumerate(card.contacts):
            if contact not in record.contacts:
                yield document.problem(f"no contact {contact!r}", *where, "contacts", index)
        yield from choices.unknown(document, card.choices, *where, "choices")


def help_card_item(content_id: str, title: str, path: Path) -> Item:
    """Return what is signed of the help cards, each for its reader. Raises ContentError."""
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
    return replace(whole, blocks=(*blocks, *rest))


def _pairs(part: str, data: Mapping[str, object]) -> list[tuple[str, Mapping[str, object]]]:
    value = data.get(part, {})
    if not isinstance(value, dict):
        return []
    if set(READERS) & set(value):
        return [(part, value)]
    return [(f"{part} {name}", pair) for name, pair in value.items() if isinstance(pair, dict)]
