"""The lanes of the screening process, and how a service sees that one of them hangs.

Each lane has threads of its own, so that none holds up another. A lane hangs if it works on one
message for too long, or if it owes answers and begins with none. The time in which the threads of
the process wait for a core does not count in full: on a machine that is too busy an assessment
takes longer, and to start the process again would take even more.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path

SHORT, LONG, SPARE, ALARM = "short", "long", "spare", "alarm"
"""Short messages, long ones, those over the limit, and the first look at messages that wait."""
HANGS_S = 12.0
"""Seconds after which a lane hangs; the costliest text that we know takes an eighth of it."""
LEAST_SHARE = 0.25
"""The share of the time that counts in any case."""


class LaneWatch:
    """Notes what each lane owes, by a clock that its owner moves on."""

    def __init__(self, hangs_s: float) -> None:
        self._hangs_s = hangs_s
        self._at = 0.0
        self._lane_of: dict[int, str] = {}
        self._owes: Counter[str] = Counter()
        self._begun_at: dict[int, float] = {}
        self._heard_at: dict[str, float] = {}

    def asked(self, number: int, lane: str) -> None:
        """Note that a lane owes one more answer."""
        if not self._owes[lane]:
            self._heard_at[lane] = self._at
        self._owes[lane] += 1
        self._lane_of[number] = lane

    def begun(self, number: int) -> None:
        """Note that a lane works on a message now."""
        if number in self._lane_of:
            self._begun_at[number] = self._heard_at[self._lane_of[number]] = self._at

    def ended(self, number: int) -> None:
        """Note that an answer came, or that no one waits for it any more."""
        lane = self._lane_of.pop(number, None)
        self._begun_at.pop(number, None)
        if lane is not None:
            self._owes[lane] -= 1
            self._heard_at[lane] = self._at

    def move_on(self, elapsed_s: float, waited_s: float) -> None:
        """Move the clock on; of this time, a thread of the process waited for a core so long."""
        self._at += max(elapsed_s - waited_s, LEAST_SHARE * elapsed_s)

    def hanging(self) -> str | None:
        """Return a lane that hangs; None when there is none."""
        for number, since in self._begun_at.items():
            if self._at - since > self._hangs_s:
                return self._lane_of[number]
        for lane, since in self._heard_at.items():
            if self._owes[lane] and self._at - since > self._hangs_s:
                return lane
        return None


def waited_for_core_s(pid: int) -> dict[str, float]:
    """Return how long each thread of a process has waited for a core; empty where that is hidden.

    A thread that sleeps or is stopped does not wait for one.
    """
    waited = {}
    for place in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError, IndexError, ValueError):  # the thread has ended
            waited[place.parent.name] = int(place.read_text("ascii").split()[1]) / 1e9
    return waited
