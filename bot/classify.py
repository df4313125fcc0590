"""`make -s classify`: intent, topic and severity of each line on standard input.

Each line in is {"id", "text"}; each line out, by the trained model, is {"id", "intent", "topic",
"confidence", "topics", "severity"}. `intent` is the one the assistant acts on. `topic` is the topic
asked about; for a disclosure without a question, the topic of the article beside the help card;
null when nothing in the content fits. `confidence` is the classifier's, in the topic, or in the
intent when there is no topic. `topics` are the three nearest. Any other line gives {"id", "error"}.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import click
from rasa.core.agent import Agent
from rasa.utils.log_utils import configure_structlog

from bot.risk_screen import RISK, TOPIC, UNDERSTOOD
from safeguarding.answering.parsed import TopicAsked
from safeguarding.json_lines import InputLine, LineError, not_blank, standard_input, write
from safeguarding.messages import as_text
from safeguarding.risk.assessment import Assessment
from safeguarding.taxonomy import ROOT, TOPIC_PREFIX

MODEL = ROOT / "models" / "lantern.tar.gz"
NEAREST = 3


async def classify(lines: Iterable[bytes], model: Path = MODEL) -> AsyncIterator[dict[str, Any]]:
    """Yield one record for each line, by one loaded model."""
    agent = Agent.load(str(model))
    for each in not_blank(lines):
        try:
            line = InputLine.read(each)
            text = line.text()
        except LineError as error:
            yield error.as_record()
        else:
            encodable = text.encode("utf-8", errors="replace").decode("utf-8")
            yield {"id": line.id, **_verdict(await agent.parse_message(as_text(encodable)))}


def _verdict(parsed: dict[str, Any]) -> dict[str, Any]:
    intent = parsed.get(UNDERSTOOD) or parsed.get("intent") or {}
    ranking = parsed.get("intent_ranking") or []
    topics = [guess for guess in ranking if guess["name"].startswith(TOPIC_PREFIX)][:NEAREST]
    asked: TopicAsked | None = parsed.get(TOPIC) or _disclosed(parsed, ranking)
    sure = asked["confidence"] if asked else intent.get("confidence") or 0.0
    return {
        "intent": intent.get("name") or "nlu_fallback",
        "topic": asked["topic"] if asked else None,
        "confidence": round(float(sure), 4),
        "topics": [
            {
                "topic": guess["name"].removeprefix(TOPIC_PREFIX),
                "confidence": round(float(guess["confidence"]), 4),
            }
            for guess in topics
        ],
        "severity": (parsed.get(RISK) or {}).get("severity", "none"),
    }


def _disclosed(parsed: dict[str, Any], ranking: list[dict[str, Any]]) -> TopicAsked | None:
    """Return the topic of the article on what the message discloses."""
    if not (risk := parsed.get(RISK)) or not (topics := Assessment.from_record(risk).topics):
        return None
    sureness = {guess["name"]: float(guess["confidence"]) for guess in ranking}
    return TopicAsked(topic=topics[0], confidence=sureness.get(f"{TOPIC_PREFIX}{topics[0]}", 0.0))


@click.command()
def main() -> None:
    """Classify each line {"id", "text"} of standard input by the trained Rasa model."""
    logging.disable(logging.CRITICAL)
    # Rasa logs every message at debug level, and its words must not reach a terminal.
    configure_structlog(logging.CRITICAL)
    asyncio.run(_print(classify(standard_input())))


async def _print(records: AsyncIterator[dict[str, Any]]) -> None:
    async for record in records:
        write(record)
