"""The screening process with PlainEngine in place of the risk engine."""

from __future__ import annotations

from safeguarding.content.reader import read_content
from safeguarding.dialogue.encoder import DialogueEncoder
from safeguarding.screening.__main__ import serve
from safeguarding.screening.languages import LanguageDetector
from safeguarding.screening.screener import MessageScreener
from tests.fakes.plain_engine import PlainEngine, plain_alarm, plain_encode


def plain_screener() -> MessageScreener:
    """Return a screener that loads no model."""
    content, engine = read_content(), PlainEngine()
    dialogue = DialogueEncoder.of(plain_encode, content.replies.all(), engine.canonical)
    languages = LanguageDetector(content.languages)
    return MessageScreener(engine, dialogue, languages, content.questions, plain_alarm)


if __name__ == "__main__":
    serve(plain_screener)
