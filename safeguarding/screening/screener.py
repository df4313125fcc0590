"""Screens one message: the risk engine, what a short answer means, other languages, and vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from safeguarding.content.choices import Questions
from safeguarding.content.reader import Content
from safeguarding.conversation_state import ConversationState
from safeguarding.dialogue.encoder import DialogueEncoder, Floats
from safeguarding.dialogue.question import last_question
from safeguarding.risk.assessment import Analysis, AssessedMessage, Turn
from safeguarding.risk.encoder.in_place import loaded_encoder
from safeguarding.risk.engine import build_engine
from safeguarding.risk.witness import read_witness
from safeguarding.screening.languages import LanguageDetector
from safeguarding.screening.task import ScreeningTask

_OF_PREVIOUS = 400
"""Characters at the end of the message before that are read beside a message."""
_PART = 40
"""Words that are looked at together at first sight: alarming ones are not lost in a long text."""
log = structlog.get_logger("screening")


class Analyses(Protocol):
    """The part of the risk engine that screening needs."""

    def analyse(
        self, text: str, history: Sequence[Turn] = (), context: str | None = None
    ) -> Analysis:
        """Return the assessment of a text with its words and its vector."""

    def canonical(self, text: str) -> str:
        """Return the words of a text as the encoder reads them."""

    def vector(self, text: str) -> Floats:
        """Return the vector of a text."""


class MessageScreener:
    """Screens messages. Safe to share between threads."""

    def __init__(
        self,
        engine: Analyses,
        dialogue: DialogueEncoder,
        languages: LanguageDetector,
        questions: Questions,
        alarm: Callable[[str], float],
    ) -> None:
        """`alarm` is the second witness: how alarming a text is, as log-odds, in no time."""
        self._engine = engine
        self._dialogue = dialogue
        self._languages = languages
        self._questions = questions
        self._alarm = alarm

    def screen(self, task: ScreeningTask) -> AssessedMessage:
        """Assess a message. What fails beside the assessment is logged and left out."""
        text, before, state = task.text, task.before, task.state
        context = self._context(before, state)
        found = self._engine.analyse(text, before, context)
        assessment = self._questions.heard(state.asked, text, found.assessment)
        language = None
        try:
            language, assessment = self._languages.read(text, found.canonical, assessment)
        except Exception as error:  # noqa: BLE001 - the assessment counts without the language
            log.error("screening.no_language", error=type(error).__name__)  # noqa: TRY400
        if found.vector is None:
            log.error("screening.no_vector")  # Rasa then makes one
        read = self._read_in_place(text, found, context) if task.is_answered else (None, None)
        return AssessedMessage(assessment, found.vector, language, found.canonical, *read)

    def alarm(self, text: str) -> float:
        """Return how alarming the most alarming part of a text looks at first sight, as log-odds.

        It decides only the order in which messages that wait are assessed: reading letters and
        plain words takes less than a millisecond, an assessment twenty and more.
        """
        words = text.split()
        parts = (words[at : at + _PART] for at in range(0, max(len(words), 1), _PART))
        return max(self._alarm(" ".join(part)) for part in parts)

    def _context(self, before: Sequence[Turn], state: ConversationState) -> str:
        """Return what came before a message, as both of its readings in place take it."""
        try:
            previous = next((turn.text for turn in reversed(before) if turn.by == "user"), "")
            spelled = self._engine.canonical(previous[-_OF_PREVIOUS:]) if previous else ""
            return self._dialogue.context(spelled, state)
        except Exception as error:  # noqa: BLE001 - the message is read without it
            log.error("screening.no_context", error=type(error).__name__)  # noqa: TRY400
            return ""

    def _read_in_place(
        self, text: str, found: Analysis, context: str
    ) -> tuple[Floats | None, Floats | None]:
        """Return the vectors by which a reply is chosen: of the message, and of its question."""
        message = question = None
        try:
            if found.vector is not None and found.canonical:
                message = self._dialogue.vector(found.canonical, found.vector, context)
            asks = last_question(text)
            if asks and (words := self._engine.canonical(asks)):
                question = self._dialogue.vector(words, self._engine.vector(asks), context)
        except Exception as error:  # noqa: BLE001 - the assessment counts without them
            log.error("screening.no_dialogue", error=type(error).__name__)  # noqa: TRY400
        return message, question


def build_screener(content: Content, miss_cost: float | None) -> MessageScreener:
    """Load everything that screening needs, which takes seconds.

    Raises ContentError and WeightsError.
    """
    encode = loaded_encoder()
    engine = build_engine(miss_cost=miss_cost, encode_in_place=encode)
    dialogue = DialogueEncoder.of(encode, content.replies.all(), engine.canonical)
    languages = LanguageDetector(content.languages)
    return MessageScreener(engine, dialogue, languages, content.questions, read_witness().alarm)
