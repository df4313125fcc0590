"""A language as a gettext catalogue (.po): written for translators, and read with each fault."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timezone
from io import BytesIO, StringIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError, PoFileParser, write_po

from safeguarding.content.languages import ID, LanguageCardRecord
from safeguarding.content.translation import (
    CARDS,
    DANGER,
    FIRST,
    MOST_WORDS,
    names_service,
    numbers_in,
    spoken_in,
)
from safeguarding.records import ContentError, Problem, sound

MOST_BYTES = 1_000_000
"""A catalogue of three cards has some 8,000."""
SHOWN = {
    "card": "Shown to a person who writes in {name}, where the message shows no risk.",
    "urgent_card": "Shown where a message in {name} says that a person may be hurt or at risk.",
    "immediate_card": "Shown where a message in {name} says that a person may be in danger now.",
}
_READERS = (
    "Read by children, young people and adults, often afraid, in a hurry and on a phone. "
    "Short sentences, plain words, no blame, and no promise that the English does not make."
)
_LINE = re.compile(r'#.*|(?:(?:msgctxt|msgid|msgstr)\s+)?"(?:[^"\\]|\\.)*"')
"""A line that is not empty. Babel also takes a string that ends without its quotation mark."""


@dataclass(frozen=True)
class PoEntry:
    """One text of a catalogue."""

    context: str
    english: str
    translation: str
    is_fuzzy: bool
    line: int


@dataclass(frozen=True)
class PoFile:
    """A catalogue as a translator sent it."""

    path: Path
    code: str
    """The language that its header names."""
    entries: tuple[PoEntry, ...]

    def problem(self, line: int, what: str) -> Problem:
        """Return a problem of this file."""
        return Problem(self.path, line, what)


def context_of(code: str, field: str) -> str:
    """Return the permanent id of a text: "language_card:pl:card"."""
    return f"{ID}:{code}:{field}"


def write_po_file(language: LanguageCardRecord, services: Collection[str]) -> bytes:
    """Return the catalogue of a language.

    `services` are the names that stay as they are. The same language gives the same bytes: the date
    in the header is that of its review.
    """
    reviewed = datetime.combine(language.provenance.reviewed_on, time(), timezone.utc)
    catalog = Catalog(
        locale=language.code,
        project="Lantern",
        version="content",
        copyright_holder="the authors of Lantern",
        msgid_bugs_address="the safeguarding lead who sent you this file",
        creation_date=reviewed,
        fuzzy=False,
    )
    catalog.header_comment = f"# Lantern's cards in {language.name}: see docs/translating.md."
    for field in CARDS:
        catalog.add(
            language.english(field),
            language.translation(field),
            context=context_of(language.code, field),
            auto_comments=list(_told(language, field, services)),
            flags=["fuzzy"] if field in language.withdrawn else [],
        )
    written = BytesIO()
    write_po(written, catalog)
    return written.getvalue()


def _told(language: LanguageCardRecord, field: str, services: Collection[str]) -> Iterator[str]:
    """Yield what a translator has to know of a text."""
    english = language.english(field)
    yield SHOWN[field].format(name=language.name)
    yield _READERS
    yield f"At most {MOST_WORDS} words."
    if field == DANGER:
        yield f"999 stands among the first {FIRST} words."
    yield f"Keep these numbers, in these digits: {', '.join(numbers_in(english))}."
    if names := sorted(name for name in services if names_service(english, name)):
        yield f"Keep these names: {', '.join(names)}."
    if said := spoken_in(english):
        quoted = ", ".join(f"“{each}”" for each in said)
        yield f"Keep in English, because a person says it on the phone: {quoted}"


def read_po_file(path: Path) -> PoFile:
    """Read a catalogue. Raises ContentError with every fault of its form, each with its line."""
    text = _text(path)
    lines = enumerate(text.split("\n"), 1)
    broken = [number for number, line in lines if not _is_sound(line)]
    sound(
        None,
        [Problem(path, number, "not a whole line of a catalogue: cut off?") for number in broken],
    )
    catalog = _Catalog()
    try:
        PoFileParser(catalog, ignore_obsolete=True, abort_invalid=True).parse(StringIO(text))
    except PoFileError as error:
        what = f"not a catalogue: {str(error).rpartition(' on ')[0]}"
        raise ContentError([Problem(path, error.lineno + 1, what)]) from None
    except (ValueError, IndexError, TypeError, AttributeError) as error:
        # A header that Babel cannot read, for example with a date of another form.
        raise ContentError([Problem(path, 1, f"not a catalogue: {error}")]) from None
    problems = [Problem(path, line, "stands here a second time") for line in catalog.repeated]
    if catalog.charset.lower().replace("-", "") != "utf8":
        problems.append(Problem(path, 1, f"says that it is {catalog.charset}: save it as UTF-8"))
    code = str(catalog.locale_identifier or "")
    if not code:
        problems.append(Problem(path, 1, "its header names no language"))
    entries = tuple(
        PoEntry(
            str(message.context or ""),
            str(message.id),
            str(message.string or ""),
            message.fuzzy,
            message.lineno or 1,
        )
        for message in catalog
        if message.id
    )
    return sound(PoFile(path, code, entries), problems)


class _Catalog(Catalog):
    """A catalogue that notes the lines of texts that stand in it twice; Babel keeps the first."""

    def __init__(self) -> None:
        super().__init__()
        self.repeated: list[int] = []

    def __setitem__(self, id: str, message: Message) -> None:  # type: ignore[override]  # noqa: A002 - Babel's name
        if id and self.get(id, message.context) is not None:
            self.repeated.append(message.lineno or 1)
        super().__setitem__(id, message)


def _is_sound(line: str) -> bool:
    line = line.strip()
    return not line or _LINE.fullmatch(line) is not None


def _text(path: Path) -> str:
    """Return the text of a file. Raises ContentError: missing, too large, not UTF-8."""
    try:
        with path.open("rb") as file:
            read = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ContentError([Problem(path, 1, error.strerror or "cannot be read")]) from None
    if len(read) > MOST_BYTES:
        raise ContentError([Problem(path, 1, f"over {MOST_BYTES:,} bytes: not a catalogue")])
    try:
        text = read.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = read.count(b"\n", 0, error.start) + 1
        raise ContentError([Problem(path, line, "not UTF-8: save the file as UTF-8")]) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
