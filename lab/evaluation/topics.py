"""Evaluation of topics: right topics for questions, and no article for other talk."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from lab.evaluation.measures import share
from lab.evaluation.messages import HELD_OUT, JsonRow, is_ordinary, read_lines
from ops.stack import ASSISTANT
from safeguarding.corpus import Example
from safeguarding.taxonomy import ROOT, TOPIC_PREFIX

MODEL = ROOT / "models" / "lantern.tar.gz"
_CONTENT = (TOPIC_PREFIX, "disclose_", "read_story", "take_pledge", "use_tool")
"""Beginnings of the intents that are answered with safeguarding content."""
_NEAR_IT = frozenset({"feelings", "relationship", "health", "online", "news"})
"""Kinds of everyday talk to which a safeguarding answer may be right."""


def topic_rows() -> list[JsonRow]:
    """Read the held-out questions: rows {"id", "text", "intent", "voice"}."""
    return [row for path in sorted(HELD_OUT.glob("topics_*.jsonl")) for row in read_lines(path)]


def other_talk(examples: Iterable[Example]) -> list[str]:
    """Return the texts that have nothing to do with safeguarding."""
    return [each.text for each in examples if is_ordinary(each) and each.kind not in _NEAR_IT]


def classify(texts: Sequence[str]) -> list[JsonRow] | None:
    """Classify each text by the trained model in its own environment. None without a model."""
    if not MODEL.is_file():
        return None
    lines = "".join(json.dumps({"id": at, "text": text}) + "\n" for at, text in enumerate(texts))
    command = [str(ASSISTANT / "python"), "-m", "lantern", "classify"]
    done = subprocess.run(
        command, input=lines, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def topic_report(rows: Sequence[JsonRow], verdicts: Sequence[JsonRow]) -> dict[str, Any]:
    """Count right topics, first and within three: in all, by voice and by topic."""
    pairs = list(zip(rows, verdicts, strict=True))
    voices: dict[str, list[tuple[JsonRow, JsonRow]]] = defaultdict(list)
    topics: dict[str, list[tuple[JsonRow, JsonRow]]] = defaultdict(list)
    for row, verdict in pairs:
        voices[row["voice"]].append((row, verdict))
        topics[_topic(row)].append((row, verdict))
    return {
        **_counts(pairs),
        "by voice": {name: _counts(group) for name, group in sorted(voices.items())},
        "by topic": {name: _counts(group) for name, group in sorted(topics.items())},
    }


def talk_report(verdicts: Iterable[JsonRow]) -> dict[str, Any]:
    """Count the other talk that is answered with safeguarding content."""
    return share(verdict["intent"].startswith(_CONTENT) for verdict in verdicts).record()


def _counts(pairs: Sequence[tuple[JsonRow, JsonRow]]) -> dict[str, Any]:
    return {
        "questions": len(pairs),
        "right first": share(_topic(row) == found["topic"] for row, found in pairs).record(),
        "within three": share(_within_three(row, found) for row, found in pairs).record(),
    }


def _within_three(row: JsonRow, verdict: JsonRow) -> bool:
    return _topic(row) in [near["topic"] for near in verdict["topics"]]


def _topic(row: JsonRow) -> str:
    topic: str = row["intent"].removeprefix(TOPIC_PREFIX)
    return topic
