"""Write a checked catalogue, or a native speaker's signature, into the file of a language."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ops.translations.po_file import PoEntry, PoFile, context_of
from ops.translations.yaml_values import Value, replace_file, with_values
from safeguarding.content.languages import LanguageCardRecord, language_card, read_language_card
from safeguarding.content.translation import (
    CARDS,
    NativeSignature,
    card_faults,
    hash_of,
    names_counting,
    translation_faults,
)
from safeguarding.messages import folded
from safeguarding.records import Problem, YamlDocument, sound

_ENDS = tuple(".!?…。।۔؟”»\"')")
"""What a card ends with. A file that was cut off between two lines often ends elsewhere."""


class NotSignedError(Exception):
    """A signature that would not count. Says why."""


@dataclass(frozen=True)
class Imported:
    """What an import changed."""

    cards: tuple[str, ...]
    """The fields with another translation, or that translate another English."""
    signatures: int
    """How many signatures it cleared."""


def import_po_file(po: PoFile, path: Path, services: Collection[str]) -> Imported:
    """Write a catalogue into the file of its language; clear the signatures of changed cards.

    Raises ContentError with every problem, each with its line; nothing is written then.
    """
    language = read_language_card(path)
    sound(None, _problems(po, language, services))
    given = {field: _entry(po, field).translation for field in CARDS}
    changes: dict[str, Value] = {}
    changed = []
    for field in CARDS:
        if given[field] != language.translation(field):
            changes[field] = given[field]
        if field in language.withdrawn:
            changes[f"{field}_translated_from"] = hash_of(language.english(field))
        if {field, f"{field}_translated_from"} & changes.keys():
            changed.append(field)
    cleared = len(language.signed_by_native_speakers) if changed else 0
    if cleared:
        changes["signed_by_native_speakers"] = []
    if changes:
        _write(path, changes)
    return Imported(tuple(changed), cleared)


def sign(path: Path, name: str, today: date) -> int:
    """Add a native speaker's signature to the present cards; return how many count now.

    Raises ContentError for a file with a fault, and NotSignedError: no full name, the same person
    again, or a card that is withdrawn and has to be translated first.
    """
    language = read_language_card(path)
    name = " ".join(name.split())
    if len(folded(name).split()) < 2 or not name.replace(" ", "").isprintable():  # noqa: PLR2004
        raise NotSignedError("give the first name and the family name")
    if language.withdrawn:
        raise NotSignedError(f"translate first what is withdrawn: {', '.join(language.withdrawn)}")
    new = NativeSignature(name, today, language.digest)
    # Signatures on earlier words count no more, and go.
    kept = [each for each in language.signed_by_native_speakers if each.words == language.digest]
    counting = len(names_counting([*kept, new], language.digest))
    if counting == len(language.signers):
        raise NotSignedError(f"{name} has signed these cards: a second person has to")
    signatures: list[Value] = [
        {"name": each.name, "signed_on": each.signed_on, "words": each.words}
        for each in (*kept, new)
    ]
    _write(path, {"signed_by_native_speakers": signatures})
    return counting


def _problems(
    po: PoFile, language: LanguageCardRecord, services: Collection[str]
) -> Iterator[Problem]:
    wanted = {context_of(language.code, field): field for field in CARDS}
    found: dict[str, PoEntry] = {}
    for entry in po.entries:
        if entry.context not in wanted:
            yield po.problem(entry.line, f"{entry.context or 'a text without msgctxt'}: not ours")
        elif entry.context in found:
            yield po.problem(entry.line, f"{entry.context} stands here a second time")
        else:
            found[entry.context] = entry
    last = max((entry.line for entry in po.entries), default=1)
    for context, field in wanted.items():
        if context not in found:
            yield po.problem(last, f"{context} is missing")
        else:
            entry = found[context]
            for fault in _faults(entry, field, language, services):
                yield po.problem(entry.line, f"{context}: {fault}")


def _faults(
    entry: PoEntry, field: str, language: LanguageCardRecord, services: Collection[str]
) -> Iterator[str]:
    """Yield what is wrong with the translation of a card."""
    text = entry.translation
    if hash_of(entry.english) != hash_of(language.english(field)):
        yield "its English is not that of today: export the language again"
    elif not text.strip():
        yield "is not translated"
    elif text == entry.english:
        yield "is still the English"
    else:
        if entry.is_fuzzy:
            yield "is marked as fuzzy: compare it with the English, then take the mark away"
        if text != text.strip() or not text.endswith(_ENDS):
            yield "does not end with the end of a sentence: cut off?"
        yield from card_faults(field, text)
        yield from translation_faults(entry.english, text, services)


def _entry(po: PoFile, field: str) -> PoEntry:
    return next(each for each in po.entries if each.context == context_of(po.code, field))


def _write(path: Path, changes: Mapping[str, Value]) -> None:
    """Write the changes if the file is sound with them. Raises ContentError."""
    text = with_values(path.read_bytes().decode("utf-8"), changes)
    language_card(YamlDocument(path, text))
    replace_file(path, text)
