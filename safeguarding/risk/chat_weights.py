"""What the signs of a chat weigh, and from where on a chat is a worry: data/risk/chat_signs.yml."""

from __future__ import annotations

from pathlib import Path

import msgspec

from safeguarding.records import ContentError, Problem, read_yaml
from safeguarding.risk.dialogues import SIGNS
from safeguarding.taxonomy import ROOT

CHAT_SIGNS = ROOT / "data" / "risk" / "chat_signs.yml"


class Bar(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the two witnesses of a chat add up to log-odds, and from where on they count."""

    pattern: float
    """What one point of the speaker's signs adds."""
    tone: float
    """What one point of the network's score for stretches of the chat adds."""
    offset: float
    bar: float

    def over(self, pattern: float, tone: float) -> float:
        """The log-odds above the bar."""
        return self.pattern * pattern + self.tone * tone + self.offset - self.bar


class ChatWeights(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file data/risk/chat_signs.yml, which training/chat_bars.py writes."""

    version: str
    """Digest of the adapter whose scores these numbers belong to."""
    signs: dict[str, float]
    """What each sign weighs; reviewed by people."""
    shown: float
    """How probable a sign must be to be shown beside a chat that is a worry."""
    concern: Bar
    urgent: Bar
    line: float
    """By how many log-odds the bar of a message is higher for one line among others."""


def read_chat_weights(path: Path = CHAT_SIGNS) -> ChatWeights:
    """The weights of `path`. Raises ContentError."""
    document = read_yaml(path)
    weights = document.convert(ChatWeights)
    wrong = set(weights.signs) ^ set(SIGNS)
    if wrong:
        names = ", ".join(sorted(wrong))
        raise ContentError([Problem(path, 1, f"signs without a weight, or unknown: {names}")])
    return weights
