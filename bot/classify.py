"""`python -m bot.classify`: intent and topic of each line on standard input, by the trained model.

Each line in is {"id", "text"}; each line out is {"id", "intent", "topic", "confidence", "topics"}.
`intent` is what the assistant acts on; `topic` the question it would answer, or null; `topics` the
three nearest topics. A line that is not such an object gives {"id": …, "error": …}.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from rasa.core.agent import Agent
from rasa.utils.log_utils import configure_structlog

from bot.text import as_text
from safeguarding.taxonomy import ROOT

MODEL = ROOT / "models" / "lantern.tar.gz"
TOPIC_PREFIX = "ask_"
NEAREST = 3


async def classify(lines: Iterable[str], out: TextIO, model: Path = MODEL) -> None:
    """Classify every line with one loaded model."""
    agent = Agent.load(str(model))
    for line in lines:
        if line.strip():
            print(json.dumps(await _classified(agent, line)), file=out, flush=True)


async def _classified(agent: Agent, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
        identifier, text = record["id"], record["text"]
    except (ValueError, TypeError, KeyError):
        return {"id": None, "error": 'each line is a JSON object with "id" and "text"'}
    if not isinstance(text, str):
        return {"id": identifier, "error": '"text" is not a string'}
    parsed = await agent.parse_message(as_text(_encodable(text)))
    return {"id": identifier, **_verdict(parsed)}


def _encodable(text: str) -> str:
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _verdict(parsed: dict[str, Any]) -> dict[str, Any]:
    intent = parsed.get("intent") or {}
    ranking = parsed.get("intent_ranking") or []
    topics = [guess for guess in ranking if guess["name"].startswith(TOPIC_PREFIX)][:NEAREST]
    name = intent.get("name") or "nlu_fallback"
    return {
        "intent": name,
        "topic": name.removeprefix(TOPIC_PREFIX) if name.startswith(TOPIC_PREFIX) else None,
        "confidence": round(float(intent.get("confidence") or 0.0), 4),
        "topics": [
            {
                "topic": guess["name"].removeprefix(TOPIC_PREFIX),
                "confidence": round(float(guess["confidence"]), 4),
            }
            for guess in topics
        ],
    }


def main() -> int:
    """Read standard input to its end."""
    logging.disable(logging.CRITICAL)
    # Rasa sends every message through structlog at debug level: words must not reach a terminal.
    configure_structlog(logging.CRITICAL)
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    asyncio.run(classify(sys.stdin, sys.stdout))
    return 0


if __name__ == "__main__":
    sys.exit(main())
