"""How many refusals of strangers the audit trail gets: all of them, until they are a flood.

The trail keeps what it is given for ever, and one at a time may write to it: whoever could make it
grow as fast as they ask would fill the disk, and hold up the record of what a child tells.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TTLCache

_QUIET_S = 3600
"""After so long without a refusal counting begins anew."""
_REMEMBERED = 100_000
_EVERYBODY = ""


@dataclass(frozen=True)
class RefusalLimits:
    """How many refusals are recorded one by one."""

    per_client: int = 1_000
    of_all: int = 10_000
    """Of all strangers together: an address is easily changed."""


class Refusals:
    """Counts in memory: the console is one process. The clock is monotonic."""

    def __init__(
        self,
        limits: RefusalLimits | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits or RefusalLimits()
        self._counts: TTLCache[str, int] = TTLCache(_REMEMBERED, _QUIET_S, timer)

    def counted(self, client: str) -> dict[str, int] | None:
        """Count one more of a client; what the trail says of it besides. None: it says nothing.

        Nothing besides while they are recorded one by one; then, each time their number has
        doubled, how many there were.
        """
        own = self._count(client, self._limits.per_client, "refused_to_client")
        if own is None:
            return None
        everybody = self._count(_EVERYBODY, self._limits.of_all, "refused_to_strangers")
        return None if everybody is None else own | everybody

    def _count(self, key: str, most: int, name: str) -> dict[str, int] | None:
        number = self._counts[key] = self._counts.get(key, 0) + 1
        times, rest = divmod(number, most)
        if number <= most:
            return {}
        return None if rest or times & (times - 1) else {name: number}
