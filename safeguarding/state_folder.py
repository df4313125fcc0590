"""The folders of the state and of the secrets, private to their owner whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import structlog

OTHERS = stat.S_IRWXG | stat.S_IRWXO
log = structlog.get_logger("state")


def make_private(state_dir: Path, *secrets: Path) -> None:
    """Remove other users' permissions from the state folder, and from folders of secrets whole.

    Logs what was open, and what this process may not close. Raises nothing.
    """
    for path in _all(state_dir, secrets):
        try:
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode) or not mode & OTHERS:
                continue
            path.chmod(stat.S_IMODE(mode) & ~OTHERS)
        except FileNotFoundError:
            continue
        except OSError as error:
            log.warning("state.open_to_others", path=str(path), error=type(error).__name__)
        else:
            was = oct(stat.S_IMODE(mode))
            log.warning("state.made_private", path=str(path), was=was)


def _all(state_dir: Path, secrets: Iterable[Path]) -> Iterator[Path]:
    yield state_dir
    for folder in secrets:
        yield folder
        if os.access(folder, os.R_OK | os.X_OK):
            yield from folder.iterdir()


def write_whole(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file completely or not at all, also after a power cut. Raises OSError.

    With the usual `mode` only its owner can read it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
