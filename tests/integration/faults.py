"""Faults as they happen to a machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def unwritable(database: Path) -> Iterator[None]:
    """Keep the files of a SQLite database from being written, by open connections too.

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


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """Mount a file system with room for little at this folder. Skips where none may be mounted."""
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={size}", "tmpfs"):
        yield folder


@contextmanager
def small_ext4(folder: Path, size: int) -> Iterator[Path]:
    """Mount an ext4, as most servers have. Skips where none may be mounted."""
    image = folder.with_suffix(".ext4")
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-F", "-m", "0", str(image)], check=True)
    with _mounted(folder, "-o", "loop", str(image)):
        yield folder


@contextmanager
def frozen(folder: Path) -> Iterator[None]:
    """Whoever writes to this file system, of `small_ext4`, waits until it thaws."""
    subprocess.run(["/sbin/fsfreeze", "--freeze", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["/sbin/fsfreeze", "--unfreeze", str(folder)], check=True)


@contextmanager
def _mounted(folder: Path, *what: str) -> Iterator[None]:
    folder.mkdir()
    mount = ["mount", *what, str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Use up the space of a disk; the file that did."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            return ballast
    raise AssertionError
