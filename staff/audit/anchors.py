"""Anchors: the newest link of the audit trail, kept apart from the database.

A person who owns the database can replace the whole chain or cut off its end, and the chain that
remains is still consistent. An anchor shows it, because it records the link that an event had. The
state folder has a file a month with a line an anchor. Each alert mail holds one too, in short form,
so that a person who owns the state folder as well cannot change them all.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from staff.audit.trail import SHORT_LINK, audit_events, last_link

ANCHORS = "anchors"
"""The folder of the anchors, in the state folder."""
_TAIL = 4096
"""Bytes at the end of a file in which its last line begins."""
_SHORT = re.compile(rf"\b([1-9][0-9]{{0,17}}):([0-9a-fA-F]{{{SHORT_LINK},64}})\b")
_LINK = re.compile(rf"[0-9a-f]{{{SHORT_LINK},64}}")


class AnchorError(ValueError):
    """A line is not an anchor; the message names its file."""


@dataclass(frozen=True)
class Anchor:
    """The link that an event had at one moment."""

    number: int
    link: str
    """All of it, or its first SHORT_LINK digits or more."""
    at: datetime | None = None
    """When the anchor was written; None when it came from a mail."""
    source: str = ""
    """Its file, or the option of the command."""

    def line(self) -> str:
        """Return its line in a file: number, link, time. Only an anchor with a time has one."""
        assert self.at is not None  # noqa: S101 - an anchor of a mail is never written
        return f"{self.number} {self.link} {self.at.astimezone(timezone.utc).isoformat()}\n"

    def agrees(self, link: str) -> bool:
        """Return whether the event had this link."""
        return link.startswith(self.link)

    def __str__(self) -> str:
        at = "" if self.at is None else f" of {self.at.isoformat(timespec='seconds')}"
        return f"anchor {self.number}:{self.link[:SHORT_LINK]}{at} ({self.source})"


@dataclass(frozen=True)
class HeldAnchors:
    """The anchors of some folders."""

    anchors: list[Anchor]
    """By number."""
    half_written: list[str]
    """The files whose last line is not whole: the machine stopped while it was written."""


def write_anchor(state_dir: Path, connection: Connection, now: datetime) -> Anchor | None:
    """Append the newest link to the file of this month (UTC); return None when the trail is empty.

    Returns when the line is on a disk. Several processes may do so at once. Raises OSError,
    SQLAlchemyError.
    """
    number, link = last_link(connection)
    if not number:
        return None
    path = _file_of(state_dir, now)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    anchor = Anchor(number, link, now, str(path))
    _append(path, anchor.line().encode())
    return anchor


def newest_anchor(state_dir: Path) -> Anchor | None:
    """Return the last anchor of the newest file that has one, or None. Raises OSError.

    On the first of a month that is the file of the month before: a trail that was cut off while no
    dispatcher ran is seen on that day, too.
    """
    for path in reversed(_files_in(state_dir / ANCHORS)):
        lines = _whole_lines(path.read_bytes())
        if lines and (anchor := _anchor_of(lines[-1], path)) is not None:
            return anchor
    return None


def is_kept(connection: Connection, anchor: Anchor) -> bool:
    """Return whether the trail still has this one link. It looks at no other."""
    query = sa.select(audit_events.c.link).where(audit_events.c.id == anchor.number)
    return anchor.agrees(connection.execute(query).scalar() or "")


def read_anchors(folders: Iterable[Path]) -> HeldAnchors:
    """Return the anchors of these folders. Raises AnchorError, OSError.

    A last line that a crash cut off is no anchor, and no error.
    """
    anchors: list[Anchor] = []
    half_written = []
    for path in (path for folder in folders for path in _files_in(folder)):
        content = path.read_bytes()
        anchors += _anchors_of(path, content)
        if not content.endswith(b"\n"):
            half_written.append(str(path))
    return HeldAnchors(sorted(anchors, key=lambda each: (each.number, each.source)), half_written)


def short_anchors(text: str, source: str) -> list[Anchor]:
    """Return every NUMBER:LINK in a text, such as the alert mails of a mailbox."""
    found = _SHORT.findall(text)
    return [Anchor(int(number), link.lower(), source=source) for number, link in found]


def _files_in(folder: Path) -> list[Path]:
    """Return the files of anchors in a folder, the oldest first: each is named by its month."""
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def _file_of(state_dir: Path, now: datetime) -> Path:
    return state_dir / ANCHORS / f"{now.astimezone(timezone.utc):%Y-%m}"


def _whole_lines(content: bytes) -> list[str]:
    return content[: content.rfind(b"\n") + 1].decode("utf-8", "replace").splitlines()


def _anchors_of(path: Path, content: bytes) -> Iterator[Anchor]:
    for index, line in enumerate(_whole_lines(content), 1):
        anchor = _anchor_of(line, path)
        if anchor is None:
            raise AnchorError(f"line {index} of {path} is not an anchor")
        yield anchor


def _anchor_of(line: str, path: Path) -> Anchor | None:
    try:
        number, link, at = line.split()
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    is_one = number.isdecimal() and _LINK.fullmatch(link) and moment.tzinfo is not None
    return Anchor(int(number), link, moment, str(path)) if is_one else None


def _append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - _TAIL))
        tail = file.read()
        # A crash may have left half a line: it must not become the beginning of the next one.
        file.truncate(end - len(tail) + tail.rfind(b"\n") + 1)
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    if end == 0:
        # A new file name survives a crash only after its folder is synced.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
