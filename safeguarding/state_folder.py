"""The state folder: for its owner alone, whatever was there before and whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import structlog

OTHERS = stat.S_IRWXG | stat.S_IRWXO
log = structlog.get_logger("state")


def make_private(state_dir: Path) -> None:
    """Take from others what they may do here: the folder, and all of its secrets.

    Says in the log what was open, and what is somebody else's to close. Refuses nothing.
    """
    for path in _all(state_dir):
        try:
            found = path.lstat()
            if stat.S_ISLNK(found.st_mode) or not found.st_mode & OTHERS:
                continue
            path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
        except FileNotFoundError:
            continue
        except OSError as error:
            log.warning("state.open_to_others", path=str(path), error=type(error).__name__)
        else:
            was = oct(stat.S_IMODE(found.st_mode))
            log.warning("state.made_private", path=str(path), was=was)


def _all(state_dir: Path) -> Iterator[Path]:
    yield state_dir
    secrets = state_dir / "secrets"
    yield secrets
    if os.access(secrets, os.R_OK | os.X_OK):
        yield from secrets.iterdir()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, readable by its owner only, completely or not at all. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
