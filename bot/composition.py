"""What stands once in the Rasa server's process.

Rasa makes its components and channels itself, so nothing can hand anything to them: the content
and the risk engine are made here, each when the first of them asks.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from safeguarding.content.reader import Content, read_content
from safeguarding.settings import Settings

if TYPE_CHECKING:
    from safeguarding.risk.engine import RiskEngine


@cache
def content() -> Content:
    """The content of this process. Raises ContentError."""
    return read_content()


@cache
def engine() -> RiskEngine:
    """The engine, loaded and built when first asked for: the gateway hands messages over assessed.

    Raises what `build_engine` raises, and SettingsError when a setting makes no sense.
    """
    from safeguarding.risk.engine import build_engine  # noqa: PLC0415 - spaCy and onnxruntime

    return build_engine(miss_cost=Settings.from_env().miss_cost)
