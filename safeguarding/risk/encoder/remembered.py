"""Scores of texts that were read before, without the texts: earlier messages are not read anew."""

from __future__ import annotations

import secrets
from hashlib import blake2b
from threading import Lock

from cachetools import LRUCache

Steps = tuple[float, float, float]
KEPT = 20_000
"""Texts whose scores are remembered; the one longest unused makes room."""


class RememberedScores:
    """The three scores of severity, by a digest that only this process can make of the text.

    Three numbers say little of what somebody wrote, and the digest nothing to whoever lacks its
    key, so no words outlive their conversation. Safe to share between threads.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._key = secrets.token_bytes(32)
        self._scores: LRUCache[bytes, Steps] = LRUCache(kept)
        self._lock = Lock()

    def get(self, text: str) -> Steps | None:
        """The scores of the text; None of one that was not read, or long ago."""
        with self._lock:
            return self._scores.get(self._digest(text))

    def put(self, text: str, scores: Steps) -> None:
        """Remember the scores of a text."""
        with self._lock:
            self._scores[self._digest(text)] = scores

    def _digest(self, text: str) -> bytes:
        return blake2b(text.encode("utf-8", "replace"), digest_size=16, key=self._key).digest()
