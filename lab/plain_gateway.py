"""The gateway with a stand-in for the risk engine: `python -m lab.plain_gateway`.

For faults that have nothing to do with what is understood: it starts in seconds, on any machine.
All else is the real thing: the server, the record, the spool, the limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from chat.gateway.app import create_app
from chat.gateway.composition import dependencies
from chat.gateway.connections import LastingProtocol
from safeguarding.risk.assessed import Analysis
from safeguarding.risk.assessment import NO_RISK, Assessment, Signal, Turn
from safeguarding.settings import Settings
from safeguarding.taxonomy import Severity
from web.budget import raise_descriptor_limit
from web.connections import serve

DISCLOSES = "touching me"
"""Whoever writes this is in urgent need; nobody else is."""


class PlainEngine:
    """Finds one phrase."""

    def analyse(self, text: str, history: Sequence[Turn] = ()) -> Analysis:
        """Urgent when the phrase is there; with no vector that means anything."""
        return Analysis(self._assess(text), text, np.zeros(768, dtype=np.float32))

    def _assess(self, text: str) -> Assessment:
        at = text.find(DISCLOSES)
        if at < 0:
            return NO_RISK
        span = (at, at + len(DISCLOSES))
        signal = Signal("plain", "lexicon", "1", "sexual_abuse", Severity.URGENT, *span)
        return Assessment(Severity.URGENT, (signal.category,), "self", (signal,))


if __name__ == "__main__":
    settings = Settings.from_env()
    raise_descriptor_limit()
    app = create_app(settings=settings, build=partial(dependencies, engine=PlainEngine()))
    serve(app, settings.gateway_host, settings.gateway_port, LastingProtocol)
