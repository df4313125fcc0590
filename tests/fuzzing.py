"""How many cases a fuzzed test tries: a few, the same each time; `make fuzz` tries thousands."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings

CASES = int(os.environ.get("LANTERN_FUZZ_CASES", "400"))


def fuzzing(share: float) -> Any:
    """So much of all the cases."""
    return settings(
        max_examples=max(1, int(CASES * share)),
        derandomize="LANTERN_FUZZ_CASES" not in os.environ,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
