"""Which words are signed, as a process that answers people knows it: soon, and never in their way.

Reading the database takes time and may fail; an answer does neither.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

EVERY_S = 30.0
AFTER_FAILURE_S = 5.0
WAIT_S = 1.0
"""The longest that one answer waits for the database, once in EVERY_S."""

Read = Callable[[], frozenset[tuple[str, str]]]


class ApprovedWords:
    """Asked with a content id and a digest. What was read last holds while nothing can be read."""

    def __init__(
        self,
        read: Read,
        failed: Callable[[Exception], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`read` gives all signed words; `failed` is told why it could not."""
        self._read = read
        self._failed = failed
        self._clock = clock
        self._known: frozenset[tuple[str, str]] = frozenset()
        self._next = float("-inf")
        self._lock = threading.Lock()

    def __call__(self, content_id: str, digest: str) -> bool:
        """Whether these words are signed, as far as is known. Raises nothing."""
        if self._is_due():
            # A thread of its own: a database that hangs must not hold up an answer.
            reader = threading.Thread(target=self._refresh, daemon=True)
            reader.start()
            reader.join(WAIT_S)
        return (content_id, digest) in self._known

    def _is_due(self) -> bool:
        now = self._clock()
        with self._lock:
            due = now >= self._next
            if due:
                self._next = now + EVERY_S
        return due

    def _refresh(self) -> None:
        try:
            self._known = self._read()
        except Exception as error:  # noqa: BLE001 - whatever it is, people must be answered
            self._next = self._clock() + AFTER_FAILURE_S
            self._failed(error)
