"""The kinds of file that can be attached to a case, recognised by their content.

A name says what a file claims to be. What it is decides whether it is kept, and as what a browser
gets it back. Programs, pages and documents with macros are none of these kinds.
"""

from __future__ import annotations

import io
import unicodedata
import zipfile
from enum import Enum

import puremagic

LONGEST_NAME = 120
"""Characters of a file's name."""
_MACROS = "vbaproject.bin"
_DOCUMENT = "word/document.xml"
_ALLOWED_CONTROLS = frozenset("\t\n\r\f")


class FileKind(Enum):
    """A kind of file: its stored name, media type and ending."""

    PDF = ("pdf", "application/pdf", ".pdf")
    JPEG = ("jpeg", "image/jpeg", ".jpg")
    PNG = ("png", "image/png", ".png")
    WORD = (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ".docx",
    )
    TEXT = ("text", "text/plain; charset=utf-8", ".txt")

    def __init__(self, stored: str, media_type: str, ending: str) -> None:
        self.stored = stored
        """The value in the database: never rename one."""
        self.media_type = media_type
        self.ending = ending

    @classmethod
    def of(cls, stored: str) -> FileKind:
        """Return the kind with this stored name. Raises ValueError."""
        for kind in cls:
            if kind.stored == stored:
                return kind
        raise ValueError(stored)


_BY_MAGIC = {
    "application/pdf": FileKind.PDF,
    "image/jpeg": FileKind.JPEG,
    "image/png": FileKind.PNG,
}


def kind_of(content: bytes) -> FileKind | None:
    """Return the kind of a file by its content; None for all that cannot be attached."""
    if not content:
        return None
    if content.startswith(b"PK"):
        return FileKind.WORD if _is_plain_word(content) else None
    try:
        found = puremagic.from_string(content, mime=True)
    except (puremagic.PureError, ValueError):
        found = ""
    if found in _BY_MAGIC:
        return _BY_MAGIC[found]
    return FileKind.TEXT if _is_text(content) else None


def clean_name(name: str, kind: FileKind) -> str:
    """Return the name under which a file is kept: no folder, no hidden character, the right ending.

    Characters that write in the other direction could make "exe.pdf" read like a picture.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    # Letters, marks, numbers, punctuation, symbols and plain spaces; nothing that is not seen.
    seen = "".join(c for c in last if unicodedata.category(c)[0] in "LMNPS" or c == " ").strip()
    stem = seen.rpartition(".")[0] if "." in seen else seen
    stem = stem[: LONGEST_NAME - len(kind.ending)].strip(" .")
    return (stem or "file") + kind.ending


def _is_plain_word(content: bytes) -> bool:
    """Return whether it is a Word document without macros. It is listed, never unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [each.lower() for each in archive.namelist()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    return _DOCUMENT in names and not any(each.endswith(_MACROS) for each in names)


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    # A page could run in the browser of the next reader.
    starts = text.lstrip()[:256].lower()
    if starts.startswith(("<!doctype", "<html", "<svg", "<?xml", "<script")):
        return False
    return all(c in _ALLOWED_CONTROLS or unicodedata.category(c) != "Cc" for c in text)
