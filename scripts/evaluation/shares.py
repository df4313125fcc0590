"""A share of messages, with the interval that says how far it can be trusted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scripts.wilson import interval

_DIGITS = 4


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """The share, 0 to 1; None when there was nothing to count."""
        return self.hits / self.of if self.of else None

    def record(self) -> dict[str, Any]:
        """{"hits", "of", "share", "low", "high"}, with the bounds of Wilson's 95 % interval."""
        low, high = interval(self.hits, self.of)
        return {
            "hits": self.hits,
            "of": self.of,
            "share": None if self.value is None else round(self.value, _DIGITS),
            "low": round(low, _DIGITS),
            "high": round(high, _DIGITS),
        }


def share(trials: Iterable[bool]) -> Share:
    """How many of `trials` are true."""
    listed = list(trials)
    return Share(sum(listed), len(listed))
