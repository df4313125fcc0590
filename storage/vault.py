"""The vault: encrypts what people wrote, for the database and for the spool.

Each process notes in its state folder which key it seals with, so that no key is removed too early.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hmac
import logging
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from safeguarding.settings import Settings

_KEY_BYTES = 32
_NONCE_BYTES = 12
DATA_KEY = "case"
"""Id, in an envelope, of the data key of its case; none of the ring's keys may have it."""
_KEY_USERS = "key-users"
logger = logging.getLogger(__name__)


class VaultError(Exception):
    """A key or an envelope cannot be used. The message quotes neither."""


def key_ring(text: str) -> dict[str, bytes]:
    """Read "id:base64,id2:base64": the first key seals, every key opens. Raises VaultError."""
    keys: dict[str, bytes] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        key_id, _, encoded = entry.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise VaultError(f"Key {len(keys) + 1} of field_keys is not base64") from None
        if not key_id.isalnum() or len(key) != _KEY_BYTES or key_id in keys:
            raise VaultError(
                f"Key {len(keys) + 1} of field_keys: write id:base64 with an id of letters and "
                f"digits used once, and {_KEY_BYTES} random bytes"
            )
        keys[key_id] = key
    return keys


def new_key() -> str:
    """Return a random key in base64, for a key ring."""
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode("ascii")


class Vault:
    """Seals and opens envelopes with AES-256-GCM.

    An envelope reads `v2|key id|nonce|ciphertext` and opens only in its place, and only beside the
    facts it was sealed with; `v1`, of older records, has no facts.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """Take the keys by id; the first seals. Raises VaultError when there is none."""
        if not keys:
            raise VaultError("The key ring is empty")
        self._keys = dict(keys)
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.key_id = next(iter(keys))
        """Id of the key that seals."""

    @classmethod
    def of(cls, settings: Settings) -> Vault:
        """Return the vault of this installation. Raises SettingsError without keys, VaultError."""
        keys = key_ring(settings.secret("field_keys"))
        if DATA_KEY in keys:
            raise VaultError(f'No key of field_keys may have the id "{DATA_KEY}"')
        return cls(keys)

    def led_by(self, keys: Mapping[str, bytes]) -> Vault:
        """Return a vault that seals with the first of `keys`, and opens with its own keys too."""
        return Vault({**keys, **self._keys})

    def seal(self, text: str, *, table: str, row: str, column: str, facts: str = "") -> str:
        """Encrypt `text` for one cell of the database.

        `facts` are kept elsewhere in plain sight: once they are changed, it cannot be opened.
        """
        nonce = os.urandom(_NONCE_BYTES)
        # A message may hold half an emoji, which strict UTF-8 would refuse to keep.
        plain = text.encode("utf-8", "surrogatepass")
        sealed = self._ciphers[self.key_id].encrypt(nonce, plain, _place(table, row, column, facts))
        return f"v2|{self.key_id}|{_encode(nonce)}|{_encode(sealed)}"

    def open(self, envelope: str, *, table: str, row: str, column: str, facts: str = "") -> str:
        """Decrypt the envelope found in that cell beside these facts. Raises VaultError."""
        version, key_id, nonce, sealed = _parts(envelope)
        cipher = self._ciphers.get(key_id)
        if version not in {"v1", "v2"} or cipher is None:
            raise VaultError("An envelope was sealed with a key that is not in the key ring")
        known = (table, row, column) if version == "v1" else (table, row, column, facts)
        try:
            plain = cipher.decrypt(
                base64.urlsafe_b64decode(nonce), base64.urlsafe_b64decode(sealed), _place(*known)
            )
        except (InvalidTag, ValueError):
            raise VaultError(
                "An envelope is damaged, lies in another's place, or its facts were changed"
            ) from None
        return plain.decode("utf-8", "surrogatepass")

    def fingerprint(self, text: str) -> str:
        """Return 32 hex digits that are the same for the same text while the first key is.

        Without the key, texts cannot be tried until one fits, as they could be with a plain digest.
        """
        own = hmac.digest(self._keys[self.key_id], b"lantern fingerprint", "sha256")
        return hmac.digest(own, text.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]

    def is_current(self, envelope: str) -> bool:
        """Return whether the envelope is sealed with the first key. Raises VaultError."""
        version, key_id, _, _ = _parts(envelope)
        return version == "v2" and key_id == self.key_id


def note_key_in_use(settings: Settings, vault: Vault) -> None:
    """Note that this process seals with the first key of `vault`, as long as it runs.

    A lock on the note proves it, because the lock ends with the process, however that ends. Where
    no note can be written, on a full disk, the process works all the same.
    """
    try:
        _write_note(settings.state_dir / _KEY_USERS, vault)
    except OSError as error:
        logger.warning("key_user.not_noted kind=%s", type(error).__name__)


def _write_note(folder: Path, vault: Vault) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Processes in containers that share the folder may have the same number.
    name = f"{os.getpid()}-{secrets.token_hex(8)}"
    draft = folder / f".{name}"
    # Never closed: the lock lasts as long as the descriptor.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    os.write(descriptor, vault.key_id.encode())
    draft.rename(folder / name)


def processes_with_other_keys(settings: Settings, vault: Vault) -> list[int]:
    """Return the running processes of this state folder that seal with another key than `vault`.

    Notes of processes that have ended are removed.
    """
    notes = sorted((settings.state_dir / _KEY_USERS).glob("[0-9]*"))
    return [
        int(note.name.partition("-")[0])
        for note in notes
        if _is_in_use(note) and note.read_text("utf-8") != vault.key_id
    ]


def _is_in_use(note: Path) -> bool:
    with note.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        note.unlink()
    return False


def _parts(envelope: str) -> tuple[str, str, str, str]:
    try:
        version, key_id, nonce, sealed = envelope.split("|")
    except ValueError:
        raise VaultError("An envelope is damaged") from None
    return version, key_id, nonce, sealed


def _place(*parts: str) -> bytes:
    # Lengths first: no two places may read the same.
    return "|".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "surrogatepass")


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii")
