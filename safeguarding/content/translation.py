"""What a translated card must keep of its English, and when a native speaker's signature counts."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

import msgspec

from safeguarding.content.items import word_count
from safeguarding.messages import folded

CARDS = ("card", "urgent_card", "immediate_card")
"""The fields of a language that people read."""
DANGER = "immediate_card"
MOST_WORDS = 75
FIRST = 5
"""A card for danger names 999 within so many words."""
SIGNERS = 2
"""How many different native speakers sign the cards of a language."""
ALWAYS = ("999", "0800 1111")
"""The numbers that every card names."""
_NUMBER = re.compile(r"\d+(?: \d+)*")
_SPOKEN = re.compile(r'"([^"]+)"')
"""What a person says to 999 in English stands in straight quotation marks in the English."""
_JOINERS = frozenset("\u200c\u200d\u200e\u200f\u061c")
"""Unseen characters that some of the languages need: joiners, and marks of direction."""


class NativeSignature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A native speaker's signature on the cards of a language."""

    name: str
    signed_on: date
    words: str
    """The `digest_of` the cards that were read."""


def hash_of(english: str) -> str:
    """Return the SHA-256 of an English text, in hexadecimal."""
    return hashlib.sha256(english.encode("utf-8")).hexdigest()


def digest_of(code: str, cards: Mapping[str, tuple[str, str]]) -> str:
    """Return the SHA-256 of the English and the translation of each card of a language."""
    record = [code, [[field, *both] for field, both in cards.items()]]
    return hashlib.sha256(msgspec.json.encode(record)).hexdigest()


def names_counting(signatures: Iterable[NativeSignature], digest: str) -> tuple[str, ...]:
    """Return the names of the different people who signed the cards with this digest.

    A name counts once, however its capitals, accents and spaces are typed.
    """
    names: dict[str, str] = {}
    for each in signatures:
        if each.words == digest:
            names.setdefault(folded(each.name), each.name)
    names.pop("", None)
    return tuple(names.values())


def card_faults(field: str, text: str) -> Iterator[str]:
    """Yield what is wrong with a card in any language, English too."""
    if field == DANGER and "999" not in folded(text).split()[:FIRST]:
        yield "999 comes first"
    if word_count(text) > MOST_WORDS:
        yield f"over {MOST_WORDS} words"
    for number in ALWAYS:
        if number not in text:
            yield f"says nothing of {number}"


def translation_faults(english: str, text: str, services: Iterable[str] = ()) -> Iterator[str]:
    """Yield what a translation lost of its English, added to it, or must not hold.

    Numbers stay as they are dialled. `services` are names that stay as they are in English.
    """
    wanted, found = _NUMBER.findall(english), _NUMBER.findall(text)
    for number in dict.fromkeys(wanted):
        if number not in found:
            yield f"lacks the number {number}"
    for number in dict.fromkeys(found):
        if number not in wanted:
            yield f"has the number {number}, which the English does not have"
    for said in _SPOKEN.findall(english):
        if said not in text:
            yield f"lacks the English words {said!r}, which a person says on the phone"
    for name in services:
        if names_service(english, name) and name not in text:
            yield f"lacks the name {name}"
    if strange := sorted({f"U+{ord(char):04X}" for char in text if _is_strange(char)}):
        yield f"has characters that no card needs: {', '.join(strange)}"


def names_service(text: str, name: str) -> bool:
    """Return whether a text names a service, as a whole word."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def numbers_in(english: str) -> list[str]:
    """Return the numbers of a text, each once."""
    return list(dict.fromkeys(_NUMBER.findall(english)))


def spoken_in(english: str) -> list[str]:
    """Return what a person is to say in English."""
    return _SPOKEN.findall(english)


def _is_strange(char: str) -> bool:
    """Return whether a character is unseen or can turn the order of others: "999" backwards."""
    unseen = unicodedata.category(char) in {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
    return char == "\\" or (unseen and char not in _JOINERS)
