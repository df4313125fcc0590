"""Which running processes seal with which key: what must be known before a key may go."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
from pathlib import Path

from safeguarding.settings import Settings
from storage.vault import Vault

_FOLDER = "key-users"
logger = logging.getLogger(__name__)


def announce(settings: Settings, vault: Vault) -> None:
    """Note that this process seals with the first key of `vault`, until it ends however it ends.

    The lock on the note says so, not the note: it goes with the process. Where no note can be
    written, on a full disk, the process works all the same.
    """
    try:
        _announce(settings.state_dir / _FOLDER, vault)
    except OSError as error:
        logger.warning("key_user.not_noted kind=%s", type(error).__name__)


def _announce(folder: Path, vault: Vault) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Processes in containers that share the folder may have the same number.
    name = f"{os.getpid()}-{secrets.token_hex(8)}"
    draft = folder / f".{name}"
    # Never closed: the lock lasts as long as the descriptor.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    os.write(descriptor, vault.key_id.encode())
    draft.rename(folder / name)


def with_other_keys(settings: Settings, vault: Vault) -> list[int]:
    """The running processes on this state folder that seal with another key than `vault` does.

    Notes of processes that have ended are removed.
    """
    notes = sorted((settings.state_dir / _FOLDER).glob("[0-9]*"))
    return [_process(note) for note in notes if _is_in_use(note) and _key(note) != vault.key_id]


def _is_in_use(note: Path) -> bool:
    with note.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        note.unlink()
    return False


def _process(note: Path) -> int:
    return int(note.name.partition("-")[0])


def _key(note: Path) -> str:
    return note.read_text("utf-8")
