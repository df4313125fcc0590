"""The content and the risk engine of the Rasa server's process.

Rasa makes its components and channels itself, so they cannot be given anything: they call these
functions, which make each object at the first call.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING

from safeguarding.content.reader import Content, read_content
from safeguarding.dialogue.encoder import DialogueEncoder
from safeguarding.dialogue.model import read_dialogue_model
from safeguarding.dialogue.understand import Understanding
from safeguarding.records import ContentError
from safeguarding.risk.encoder.in_place import loaded_encoder
from safeguarding.risk.encoder.vectors import WeightsError
from safeguarding.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from safeguarding.risk.encoder.vectors import Encoded
    from safeguarding.risk.engine import RiskEngine
    from safeguarding.risk.lexicon.reader import Lexicon


log = logging.getLogger(__name__)


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

    Without the dialogue's encoder it assesses all the same. Raises what `build_engine` raises, and
    SettingsError for a setting that makes no sense.
    """
    from safeguarding.risk.engine import build_engine  # noqa: PLC0415 - spaCy and onnxruntime

    miss_cost = Settings.from_env().miss_cost
    try:
        return build_engine(miss_cost=miss_cost, encode_in_place=encode_in_place())
    except (ContentError, WeightsError) as error:
        log.error("no_second_reader kind=%s", type(error).__name__)  # noqa: TRY400
        return build_engine(miss_cost=miss_cost, reads_twice=False)


@cache
def encode_in_place() -> Callable[[str], Encoded]:
    """Return the dialogue's encoder, loaded at the first call.

    Raises ContentError or WeightsError.
    """
    return loaded_encoder()


@cache
def dialogue_encoder() -> DialogueEncoder:
    """Return the encoder of the dialogue, built at the first call: the gateway sends its vectors.

    Raises ContentError or WeightsError.
    """
    normaliser = lexicon().normaliser

    def canonical(text: str) -> str:
        return " ".join(normaliser(text).words)

    return DialogueEncoder.of(encode_in_place(), content().replies.all(), canonical)


@cache
def lexicon() -> Lexicon:
    """Return the lexicon alone: training needs its normaliser, but no risk engine."""
    from safeguarding.risk.lexicon.reader import read_lexicon  # noqa: PLC0415 - spaCy

    return read_lexicon()
