"""The key of a letterbox: what is kept of a phrase and an answer, and how a try is compared.

A keyed digest of the phrase stands for it everywhere. Its first digits find the letterbox. One slow
hash is kept of phrase and answer together. So they cannot be guessed one after the other, and a
wrong phrase takes as long as a wrong answer. ADR 53.
"""

from __future__ import annotations

import base64
import hmac
import os
import unicodedata
from collections.abc import Sequence

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from chat.gateway.shared_store import derived_key

LOCATOR_DIGITS = 5
"""Hexadecimal digits by which a letterbox is found: 20 of the 66 bits of a phrase. A thief who has
database and key must still try 2^46 phrases with the slow hash."""


class PhraseKey:
    """Makes and compares what is kept of phrases, with a key that all gateways share."""

    def __init__(self, token_key: str, hasher: PasswordHasher | None = None) -> None:
        """Derive the key from that of the tokens; `hasher` is for tests."""
        self._key = derived_key(token_key, b"lantern letterbox phrase")
        self._hasher = hasher or PasswordHasher(parallelism=1)

    def digest(self, phrase: str) -> str:
        """Return the digest that stands for a phrase, 64 hexadecimal digits."""
        return self._keyed("phrase", phrase).hex()

    @staticmethod
    def locator(digest: str) -> str:
        """Return the part of a digest by which the letterbox is found."""
        return digest[:LOCATOR_DIGITS]

    def secret(self, digest: str, answer: str) -> str:
        """Return the slow hash of a phrase and an answer together. Takes a while."""
        return self._hasher.hash(self._both(digest, answer))

    def fits(self, secret: str | None, digest: str, answer: str) -> bool:
        """Return whether phrase and answer are those of a secret. Takes as long without one."""
        try:
            self._hasher.verify(secret or self._no_secret(), self._both(digest, answer))
        except VerificationError:
            return False
        return secret is not None

    def pick(self, digest: str, choices: Sequence[str]) -> str:
        """Return one of the choices, for the same phrase always the same."""
        number = int.from_bytes(self._keyed("pick", digest))
        return choices[number % len(choices)]

    def _both(self, digest: str, answer: str) -> bytes:
        return self._keyed("both", f"{digest} {folded(answer)}")

    def _keyed(self, purpose: str, text: str) -> bytes:
        return hmac.digest(
            self._key, f"{purpose} {text}".encode("utf-8", "surrogatepass"), "sha256"
        )

    def _no_secret(self) -> str:
        """Return a secret that nothing fits, with the same costs."""
        of = self._hasher
        salt, result = (
            base64.b64encode(os.urandom(length)).decode().rstrip("=")
            for length in (of.salt_len, of.hash_len)
        )
        costs = f"m={of.memory_cost},t={of.time_cost},p={of.parallelism}"
        return f"$argon2id$v=19${costs}${salt}${result}"


def folded(answer: str) -> str:
    """Return an answer without case, accents, spaces and signs."""
    plain = unicodedata.normalize("NFKD", answer).casefold()
    return "".join(char for char in plain if char.isalnum())
