"""Answers messages in the gateway's own process, where there is no Rasa (ADR 60)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog

from chat.gateway.rasa import (
    TEXT_FOR_RASA,
    RasaReply,
    RasaRequest,
    RasaServer,
    RasaUnavailableError,
)
from chat.gateway.recorder import BoundedPool, LateError
from safeguarding.answering.assistant import Answered, Assistant
from safeguarding.answering.composition import Composition
from safeguarding.answering.memory import DialogueMemory
from safeguarding.answering.topics import TopicClassifier
from safeguarding.dialogue.model import DialogueModel
from safeguarding.messages import words_of
from safeguarding.records import ContentError

THREADS, ROOM = 2, 100
"""Threads that answer, and messages that they take at once. A thread may wait for the database."""
NAME = "assistant"
log = structlog.get_logger("gateway.assistant")


class OwnAssistant:
    """Takes the place of the Rasa servers: the same message in, the same reply out."""

    name = NAME
    servers: Sequence[RasaServer] = ()
    waiting = 0
    asked_again = 0

    def __init__(self, assistant: Assistant | None, timeout_s: float) -> None:
        """Without an `assistant` the gateway answers by its help and its planned replies."""
        self.timeout_s = timeout_s
        self._assistant = assistant
        self._pool = BoundedPool(NAME, threads=THREADS, room=ROOM)

    @classmethod
    def load(cls, composition: Composition, model: DialogueModel, timeout_s: float) -> OwnAssistant:
        """Read the classifier and the rules. Raises nothing: help is shown without them."""
        try:
            return cls(Assistant(composition, TopicClassifier.load(), model), timeout_s)
        except ContentError as error:
            log.critical("assistant.not_loaded", problem=str(error))
            return cls(None, timeout_s)

    async def reply(self, message: RasaRequest, timeout_s: float) -> RasaReply:
        """Return the reply. Raises RasaUnavailableError within `timeout_s`."""
        if self._assistant is None:
            raise RasaUnavailableError("assistant-away")
        try:
            found = await self._pool.run(timeout_s, answered, self._assistant, message)
        except LateError:
            raise RasaUnavailableError("assistant-late") from None
        except RasaUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - its text could hold words
            log.error("assistant.failed", error=type(error).__name__)  # noqa: TRY400
            raise RasaUnavailableError("assistant-failed") from None
        messages = [each for each in found.messages if words_of(each).strip()]
        if not messages:
            raise RasaUnavailableError("assistant-silent")
        return RasaReply(messages, msgspec.json.encode(found.memory.as_record()))

    async def are_up(self) -> dict[str, bool]:
        """Return whether it can answer."""
        return {NAME: self._assistant is not None}

    async def close(self) -> None:
        """Take no more messages."""
        self._pool.close()


def answered(assistant: Assistant, message: RasaRequest) -> Answered:
    """Answer a message. Raises RasaUnavailableError for one that could not be assessed."""
    memory = DialogueMemory.from_record(msgspec.json.decode(message.dialogue or b"{}"))
    if message.sent.choice:
        return assistant.answer_choice(message.sent.choice, message.state, memory)
    if message.assessed is None:
        # Rasa would assess it once more. Here there is one engine, and it has failed.
        raise RasaUnavailableError("not-assessed")
    text = message.sent.text[:TEXT_FOR_RASA]
    return assistant.answer_text(text, message.assessed, message.state, memory)
