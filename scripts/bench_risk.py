"""What the risk engine costs by itself, on one core: printed as JSON for `make bench`.

A process of its own, so that load time and memory are the engine's and nobody else's.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from statistics import median, quantiles

from safeguarding.risk.engine import risk_engine
from safeguarding.risk.examples import read_examples

BATCH = 1000


def timed(texts: Sequence[str]) -> list[float]:
    """Milliseconds for each assessment, one after the other."""
    engine = risk_engine()
    found = []
    for text in texts:
        started = time.perf_counter()
        engine.assess(text)
        found.append((time.perf_counter() - started) * 1000)
    return found


def main() -> int:
    """Load, assess the test sentences, print."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    texts = [example.text for example in read_examples() if example.part == "test"][:BATCH]
    started = time.perf_counter()
    risk_engine()
    loaded = time.perf_counter() - started
    times = timed(texts)
    record = {
        "messages": len(times),
        "median_ms": round(median(times), 1),
        "p95_ms": round(quantiles(times, n=20)[-1], 1),
        "batch_s": round(sum(times) / 1000, 1),
        "load_s": round(loaded, 1),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    sys.stdout.write(json.dumps(record) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
