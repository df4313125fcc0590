"""What the signs of a chat weigh, from where on a chat is a worry, and the signals of them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from safeguarding import artifacts
from safeguarding.records import ContentError, Problem, read_yaml
from safeguarding.risk.assessment import Signal
from safeguarding.taxonomy import SIGNS


class ChatThreshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the two witnesses of a chat add up to log-odds, and from where on they count."""

    pattern: float
    """What one point of the speaker's signs adds."""
    tone: float
    """What one point of the network's score for stretches with their speakers adds."""
    offset: float
    bar: float
    """The threshold, in log-odds; named as in the artifact."""

    def over(self, pattern: float, tone: float) -> float:
        """The log-odds above the threshold."""
        return self.pattern * pattern + self.tone * tone + self.offset - self.bar


class ChatThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file artifacts/chat_thresholds.yml, which lab/training/calibrate.py writes."""

    version: str
    """Digest of the adapter whose scores these numbers belong to."""
    signs: dict[str, float]
    """What each sign weighs; reviewed by people."""
    shown: float
    """How probable a sign must be to be shown beside a chat that is a worry."""
    concern: ChatThreshold
    urgent: ChatThreshold
    line: float
    """By how many log-odds the threshold of a message is higher for one line among others."""


def read_chat_thresholds(path: Path | None = None) -> ChatThresholds:
    """The weights of `path`, without one the project's. Raises ContentError."""
    path = path or artifacts.checked(artifacts.CHAT_THRESHOLDS)
    document = read_yaml(path)
    weights = document.convert(ChatThresholds)
    wrong = set(weights.signs) ^ set(SIGNS)
    if wrong:
        names = ", ".join(sorted(wrong))
        raise ContentError([Problem(path, 1, f"signs without a weight, or unknown: {names}")])
    return weights


KIND = "chat"
_SOURCE = "chat-"


def source_of(sign: str) -> str:
    """The permanent id of a sign as the source of a signal."""
    return f"{_SOURCE}{sign}"


def sign_of(signal: Signal) -> str | None:
    """The sign that a signal is of; None for every other signal."""
    sign = signal.source.removeprefix(_SOURCE)
    return sign if signal.kind == KIND and sign in SIGNS else None
