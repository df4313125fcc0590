"""Faults as they happen to a machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def unwritable(database: Path) -> Iterator[None]:
    """The files of a SQLite database cannot be written, by open connections neither.

    Root writes whatever the permissions say, so for root the file system refuses (chattr +i). The
    -shm file stays as it is: it is mapped memory, and its writers would die rather than err.
    """
    files = [database, database.with_name(f"{database.name}-wal")]
    there = [str(path) for path in files if path.exists()]
    root = os.geteuid() == 0
    closing = ["chattr", "+i"] if root else ["chmod", "a-w"]
    opening = ["chattr", "-i"] if root else ["chmod", "u+w"]
    subprocess.run([*closing, *there], check=True)
    try:
        yield
    finally:
        subprocess.run([*opening, *there], check=True)
