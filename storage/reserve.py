"""The reserve: files of fixed size, made while there is room, for records on a full disk.

A record is written *into* such a file, over space that is taken already: were it given back first,
whatever else writes to the disk, a SQLite database above all, would be quicker. A file system that
never writes in place (btrfs, ZFS) keeps no such promise (docs/faults.md).
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

SIZES: Mapping[int, int] = MappingProxyType({16 * 1024: 1024, 64 * 1024: 64, 512 * 1024: 4})
"""Bytes of a file, and how many there are: 22 MiB, about a thousand usual records."""
_LONGEST_NAME = 150
"""Characters of the longest name that a record or its draft has."""
_LEFT_TO_OTHERS = 2
"""Nothing is set aside unless this many times the whole reserve stays free."""


class Reserve:
    """A folder of files that hold nothing. Several processes may share it."""

    def __init__(self, folder: Path, sizes: Mapping[int, int] = SIZES) -> None:
        """Take the folder; it is made when space is first set aside.

        The records that need the space are to be in the folder above it.
        """
        self._folder = folder
        self._sizes = sizes

    def complete(self) -> bool:
        """Whether all is set aside."""
        return not any(self._missing())

    def restore(self) -> None:
        """Set aside what is missing. Raises OSError when there is no room for it.

        Does nothing while another process does it.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.complete():
            return
        with locked(self._folder / ".lock") as mine:
            if mine:
                self._allocate(list(self._missing()))

    def _allocate(self, missing: list[tuple[Path, int]]) -> None:
        whole = sum(size * number for size, number in self._sizes.items())
        wanted = sum(size for _, size in missing)
        # Never the last of the space: that would fill the disk for everybody else.
        if shutil.disk_usage(self._folder).free < wanted + _LEFT_TO_OTHERS * whole:
            raise no_space()
        # All are made where the records will be, under names as long: a directory is a file as
        # well, and on a full disk it could not grow. ext4 leaves it as large as it once was.
        drafts = {place: self._draft(place) for place, _ in missing}
        try:
            for place, size in missing:
                _allocate(drafts[place], size)
            for place, draft in drafts.items():
                draft.rename(place)
        finally:
            for draft in drafts.values():
                draft.unlink(missing_ok=True)

    def _draft(self, place: Path) -> Path:
        return self._folder.parent / f".{place.name}.draft".ljust(_LONGEST_NAME, "_")

    def take(self, content: bytes, target: Path) -> bool:
        """Write `content`, padded with NUL, to `target` in the place of a reserved file.

        False when none is large enough. `target` is on the same file system. Raises OSError.
        """
        for size in sorted(self._sizes):
            for number in range(self._sizes[size]) if size >= len(content) else ():
                with suppress(FileNotFoundError):  # used up, or another process was quicker
                    self._place(size, number).rename(target)
                    _overwrite(target, content)
                    return True
        return False

    def _missing(self) -> Iterator[tuple[Path, int]]:
        there = {place.name for place in self._folder.glob("*")}
        for size, number in self._sizes.items():
            places = (self._place(size, each) for each in range(number))
            yield from ((place, size) for place in places if place.name not in there)

    def _place(self, size: int, number: int) -> Path:
        return self._folder / f"{size}-{number:04}"


@contextmanager
def locked(place: Path) -> Iterator[bool]:
    """Yield whether this process alone has the lock now; nobody waits for it."""
    with place.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def no_space() -> OSError:
    """The error of a full disk."""
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _overwrite(place: Path, content: bytes) -> None:
    descriptor = os.open(place, os.O_WRONLY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _allocate(place: Path, size: int) -> None:
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)
