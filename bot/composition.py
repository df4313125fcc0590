"""The content and the risk engine of the Rasa server's process.

Rasa makes its components and channels itself, so they cannot be given anything: they call these
functions, which make each object at the first call.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from safeguarding.content.reader import Content, read_content
from safeguarding.dialogue.encoder import DialogueEncoder, loaded_encoder
from safeguarding.dialogue.model import read_dialogue_model
from safeguarding.dialogue.understand import Understanding
from safeguarding.settings import Settings

if TYPE_CHECKING:
    from safeguarding.risk.engine import RiskEngine
    from safeguarding.risk.lexicon.reader import Lexicon


@cache
def content() -> Content:
    """Return the content. Raises ContentError."""
    return read_content()


@cache
def understanding() -> Understanding:
    """Return what understands a message in its place. Raises ContentError."""
    read = content()
    return Understanding(read_dialogue_model(), read.replies, read.questions, read.facts)


@cache
def engine() -> RiskEngine:
    """Return the risk engine, built at the first call: the gateway sends messages assessed.

    Raises what `build_engine` raises, and SettingsError for a setting that makes no sense.
    """
    from safeguarding.risk.engine import build_engine  # noqa: PLC0415 - spaCy and onnxruntime

    return build_engine(miss_cost=Settings.from_env().miss_cost)


@cache
def dialogue_encoder() -> DialogueEncoder:
    """Return the encoder of the dialogue, built at the first call: the gateway sends its vectors.

    Raises ContentError or WeightsError.
    """
    normaliser = lexicon().normaliser

    def canonical(text: str) -> str:
        return " ".join(normaliser(text).words)

    return DialogueEncoder.of(loaded_encoder(), content().replies.all(), canonical)


@cache
def lexicon() -> Lexicon:
    """Return the lexicon alone: training needs its normaliser, but no risk engine."""
    from safeguarding.risk.lexicon.reader import read_lexicon  # noqa: PLC0415 - spaCy

    return read_lexicon()
