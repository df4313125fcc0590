"""A screening process that does what a message asks of it: fail, wait, print or crash.

It starts quickly: it loads no content and no languages. All else is the real one.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from safeguarding.dialogue.encoder import DialogueEncoder
from safeguarding.risk.assessment import Analysis, Assessment, Turn
from safeguarding.screening.__main__ import serve
from safeguarding.screening.screener import MessageScreener
from tests.fakes.plain_engine import PlainEngine, plain_alarm, plain_encode

FAILS, WAITS, PRINTS, CRASHES = "fail", "wait for ", "print", "crash"
COMMAND = (sys.executable, "-m", "tests.fakes.odd_screening")


class OddEngine(PlainEngine):
    """Does what a text says before it assesses it."""

    def analyse(
        self, text: str, history: Sequence[Turn] = (), context: str | None = None
    ) -> Analysis:
        """Fail, wait until a file is there, print, or end the process at once."""
        if text.startswith(FAILS):
            raise RuntimeError(text)
        if text.startswith(WAITS):
            while not Path(text.removeprefix(WAITS)).exists():
                time.sleep(0.01)
        if text.startswith(PRINTS):
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
            os.write(1, text.encode())
        if text.startswith(CRASHES):
            os._exit(3)
        return super().analyse(text, history, context)


class NoLanguages:
    """Knows no other language."""

    def read(self, _text: str, _canonical: str, assessment: Assessment) -> tuple[None, Assessment]:
        """Return the assessment as it is."""
        return None, assessment


class NoQuestions:
    """Knows no question."""

    def heard(self, _asked: str | None, _text: str, assessment: Assessment) -> Assessment:
        """Return the assessment as it is."""
        return assessment


def odd_screener() -> MessageScreener:
    """Return a screener that loads nothing."""
    dialogue = DialogueEncoder(plain_encode, {})
    return MessageScreener(OddEngine(), dialogue, NoLanguages(), NoQuestions(), plain_alarm)


if __name__ == "__main__":
    serve(odd_screener)
