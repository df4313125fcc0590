"""Sets the bars for pasted chats: `python -m training.chat_bars` writes data/risk/chat_signs.yml.

Reads the chats of the development part only. Run it after `python -m training.calibrate`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from math import log

import msgspec
import numpy as np
import yaml
from sklearn.linear_model import LogisticRegression

from safeguarding.risk.chat import pasted_chat
from safeguarding.risk.chat_reading import ChatReader, Evidence
from safeguarding.risk.chat_weights import CHAT_SIGNS, Bar, ChatWeights
from safeguarding.risk.classifier import risk_classifier
from safeguarding.risk.dialogues import SIGNS, Chat, read_dialogues
from safeguarding.risk.judgement import Judge, read_calibration
from safeguarding.risk.lexicon import read_lexicon
from safeguarding.taxonomy import Severity
from scripts.evaluation.chats import rendered

# What the signs weigh is a judgement, to be reviewed by a safeguarding lead: what somebody who
# exploits does with a child weighs more than what leads up to it. Fifteen weights are too many to
# fit on the chats of one writer.
HEAVY = ("threats", "sexual_talk", "pictures", "meeting", "secrecy")
WEIGHTS = {sign: 1.5 if sign in HEAVY else 1.0 for sign in SIGNS}
# What share of the chats that people show us is expected to be that severe, and what a missed one
# costs in false alarms. A false concern costs a calm conversation, a false alarm staff's time.
EXPECTED = {"concern": 0.3, "urgent": 0.25}
MISS_COST = {"concern": 1.5, "urgent": 2.0}
SHOWN, LINE = 0.1, 1.0
HEAD = """\
# What the signs in a pasted chat weigh, and from where on they are a worry. Written by
# `make calibrate` from the development part of data/risk/chats; safeguarding/risk/chat_weights.py
# says what each number means. What the signs weigh is set by people, in training/chat_bars.py.
"""


@dataclass(frozen=True)
class Seen:
    """One development chat as it was pasted: what speaks for a pattern, and what is due."""

    evidence: Evidence
    due: Severity


@cache
def _reader() -> ChatReader:
    nothing = Bar(pattern=0.0, tone=0.0, offset=0.0, bar=0.0)
    return ChatReader(
        risk_classifier(),
        Judge(read_calibration()),
        _weights(nothing, nothing),
        read_lexicon().normaliser,
    )


def _weights(concern: Bar, urgent: Bar) -> ChatWeights:
    return ChatWeights(
        version=risk_classifier().version,
        signs=WEIGHTS,
        shown=SHOWN,
        concern=concern,
        urgent=urgent,
        line=LINE,
    )


def _seen(chat: Chat) -> Seen | None:
    pasted = pasted_chat(rendered(chat))
    evidence = _reader().evidence(pasted) if pasted else None
    return Seen(evidence, Severity.named(chat.severity)) if evidence else None


def seen(chats: Sequence[Chat]) -> list[Seen]:
    """Every chat that the parser and the reader make something of, on all cores."""
    with ProcessPoolExecutor() as pool:
        return [found for found in pool.map(_seen, chats, chunksize=4) if found]


def fitted(rows: Sequence[Seen], due: Severity) -> Bar:
    """Logistic regression of whether `due` is due, and the bar that follows from the costs."""
    inputs = np.array([[row.evidence.pattern, row.evidence.tone] for row in rows])
    target = np.array([row.due >= due for row in rows])
    model = LogisticRegression(C=1.0).fit(inputs, target)
    share = float(target.mean())
    prior = _odds(EXPECTED[due.label]) - _odds(share)
    return Bar(
        pattern=round(max(0.0, float(model.coef_[0][0])), 4),
        tone=round(max(0.0, float(model.coef_[0][1])), 4),
        offset=round(float(model.intercept_[0]), 4),
        bar=round(-log(MISS_COST[due.label]) - prior, 4),
    )


def _odds(share: float) -> float:
    return log(share / (1 - share))


def main() -> int:
    """Fit, write the file, and print what it means on the development part."""
    rows = seen(read_dialogues("development").chats)
    bars = {due: fitted(rows, due) for due in (Severity.CONCERN, Severity.URGENT)}
    weights = _weights(bars[Severity.CONCERN], bars[Severity.URGENT])
    text = HEAD + yaml.safe_dump(msgspec.to_builtins(weights), sort_keys=False)
    CHAT_SIGNS.write_text(text, "utf-8")
    for due, bar in bars.items():
        over = [bar.over(row.evidence.pattern, row.evidence.tone) >= 0 for row in rows]
        hits = [heard for heard, row in zip(over, rows, strict=True) if row.due >= due]
        alarms = [heard for heard, row in zip(over, rows, strict=True) if row.due == 0]
        print(  # noqa: T201 - a command
            f"{due.label}: heard {np.mean(hits):.1%} of {len(hits)} chats, "
            f"harmless alarmed {np.mean(alarms):.1%} of {len(alarms)}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
