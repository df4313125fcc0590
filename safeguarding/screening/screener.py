"""Screens one message: the risk engine, what a short answer means, other languages, and vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import structlog

from safeguarding.content.choices import Questions
from safeguarding.content.reader import Content
from safeguarding.conversation_state import ConversationState
from safeguarding.dialogue.encoder import DialogueEncoder, Floats
from safeguarding.dialogue.question import last_question
from safeguarding.risk.assessment import NO_RISK, Analysis, AssessedMessage, Turn
from safeguarding.risk.encoder.in_place import loaded_encoder
from safeguarding.risk.engine import build_engine
from safeguarding.risk.witness import read_witness
from safeguarding.screening.languages import LanguageDetector
from safeguarding.screening.task import Glimpse, ScreeningTask
from safeguarding.taxonomy import Severity

_OF_PREVIOUS = 400
"""Characters at the end of the message before that are read beside a message."""
_PART = 40
"""Words that are looked at together at first sight: alarming ones are not lost in a long text."""
_OF_PART = 1_000
"""Characters of the most alarming part in which phrases are looked for."""
_AT_LEAST: Mapping[Severity, float] = MappingProxyType(
    {Severity.CONCERN: 2.0, Severity.URGENT: 4.0, Severity.IMMEDIATE: 6.0}
)
"""The log-odds that a message has at first sight if its plain words show this severity."""
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

    def phrased(self, text: str) -> Severity:
        """Return the severity that the reviewed phrases of a text give it at least."""


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

    def alarm(self, glimpse: Glimpse) -> float:
        """Return how alarming a message looks at first sight, as log-odds: its most alarming part.

        It decides only the order in which messages that wait are assessed: letters, plain words and
        phrases are read in a millisecond, an assessment takes twenty and more.
        """
        words = glimpse.text.split()
        parts = [" ".join(words[at : at + _PART]) for at in range(0, max(len(words), 1), _PART)]
        alarms = [self._alarm(part) for part in parts]
        alarm = max(alarms)
        plainly = self._plainly(glimpse, parts[alarms.index(alarm)][:_OF_PART])
        return max(alarm, _AT_LEAST.get(plainly, alarm))

    def _plainly(self, glimpse: Glimpse, part: str) -> Severity:
        """Return the severity that an answer, or phrases of any language, show without a model."""
        try:
            answer = self._questions.heard(glimpse.asked, glimpse.text, NO_RISK)
            _, found = self._languages.read(part, self._engine.canonical(part), answer)
            return max(found.severity, self._engine.phrased(part))
        except Exception as error:  # noqa: BLE001 - it is assessed all the same, only later
            log.error("screening.no_first_sight", error=type(error).__name__)  # noqa: TRY400
            return Severity.NONE

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
