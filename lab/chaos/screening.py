"""The screening process of `make chaos`: `python -m lab.chaos.screening`.

Most messages only say DISCLOSES or HARMLESS (tests/fakes/plain_engine.py), and are assessed by the
plain engine at once, so that thousands can be sent on few cores. The others are assessed by the
real engine.
"""

from __future__ import annotations

import sys

from safeguarding.content.reader import read_content
from safeguarding.risk.assessment import AssessedMessage
from safeguarding.screening.__main__ import serve
from safeguarding.screening.screener import MessageScreener, build_screener
from safeguarding.screening.task import Glimpse, ScreeningTask
from safeguarding.settings import Settings
from tests.fakes.plain_engine import DISCLOSES, HARMLESS
from tests.fakes.plain_screening import plain_screener

COMMAND = (sys.executable, "-m", "lab.chaos.screening")


class MixedScreener(MessageScreener):
    """Screens messages that hold DISCLOSES or HARMLESS with the plain engine."""

    def __init__(self, real: MessageScreener, plain: MessageScreener) -> None:
        self._real, self._plain = real, plain

    def screen(self, task: ScreeningTask) -> AssessedMessage:
        """Assess a message by the one or the other."""
        return self._screener_of(task.text).screen(task)

    def alarm(self, glimpse: Glimpse) -> float:
        """Return how alarming a message looks to the one or the other."""
        return self._screener_of(glimpse.text).alarm(glimpse)

    def _screener_of(self, text: str) -> MessageScreener:
        is_plain = DISCLOSES in text or HARMLESS in text
        return self._plain if is_plain else self._real


def _build() -> MessageScreener:
    real = build_screener(read_content(), Settings.from_env().miss_cost)
    return MixedScreener(real, plain_screener())


if __name__ == "__main__":
    serve(_build)
