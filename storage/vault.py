"""The vault: encrypts what people wrote, for the database and for the spool."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from safeguarding.settings import Settings

_KEY_BYTES = 32
_NONCE_BYTES = 12
DATA_KEY = "case"
"""Id, in an envelope, of whatever data key its case has; none of the ring's keys may have it."""


class VaultError(Exception):
    """A key or an envelope cannot be used. Never quotes either."""


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
    """A fresh random key in base64, for a key ring."""
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode("ascii")


class Vault:
    """AES-256-GCM. An envelope reads `v2|key id|nonce|ciphertext` and opens only in its place,
    and only beside the facts it was sealed with; `v1`, of older records, knows of no facts."""

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
        """The vault of this installation. Raises SettingsError without keys, VaultError."""
        keys = key_ring(settings.secret("field_keys"))
        if DATA_KEY in keys:
            raise VaultError(f'No key of field_keys may have the id "{DATA_KEY}"')
        return cls(keys)

    def led_by(self, keys: Mapping[str, bytes]) -> Vault:
        """A vault that seals with the first of `keys`, and opens with this one's keys as well."""
        return Vault({**keys, **self._keys})

    def seal(self, text: str, *, table: str, row: str, column: str, facts: str = "") -> str:
        """Encrypt `text` for one cell of the database.

        `facts` are kept elsewhere in plain sight and proved with it: who changes them finds the
        envelope shut.
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
            plain = cipher.decrypt(_decode(nonce), _decode(sealed), _place(*known))
        except (InvalidTag, ValueError):
            raise VaultError(
                "An envelope is damaged, lies in another's place, or its facts were changed"
            ) from None
        return plain.decode("utf-8", "surrogatepass")

    def fingerprint(self, text: str) -> str:
        """Return 32 hex digits that are the same for the same text while the first key is.

        Without the key nobody can try texts until one fits, as they could with a plain digest.
        """
        own = hmac.digest(self._keys[self.key_id], b"lantern fingerprint", "sha256")
        return hmac.digest(own, text.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]

    def is_current(self, envelope: str) -> bool:
        """Whether the envelope is sealed with the first key, as of today. Raises VaultError."""
        version, key_id, _, _ = _parts(envelope)
        return version == "v2" and key_id == self.key_id


def _parts(envelope: str) -> tuple[str, str, str, str]:
    parts = envelope.split("|")
    if len(parts) != 4:  # noqa: PLR2004
        raise VaultError("An envelope is damaged")
    return parts[0], parts[1], parts[2], parts[3]


def _place(*parts: str) -> bytes:
    # Lengths first: no two places may read the same.
    return "|".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "surrogatepass")


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii"))
