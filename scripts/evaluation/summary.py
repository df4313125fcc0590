"""The report in a few lines, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scripts.evaluation.report import percent, share_text

_WORDS = {True: "met", False: "NOT MET", None: "not measured"}


def summary(report: Mapping[str, Any]) -> Iterator[str]:
    """The aims, the baselines and the cost."""
    yield "Aims (share, hits/messages, 95 % interval)"
    for aim in report["aims"]:
        sign = "≥" if aim["at least"] else "≤"
        found = f": {share_text(aim['measured'])}" if aim["measured"] else ""
        wanted = f"{sign} {percent(aim['aim'])}"
        doubt = ", not certain" if aim["sure"] is False else ""
        yield f"  {_WORDS[aim['met']] + doubt:23} {aim['name']} [{aim['where']}] {wanted}{found}"
    yield ""
    yield "Beside others, on the test part: urgent heard | harmless wrongly urgent"
    for row in report["baselines"]["systems"]:
        found = row["test"]
        heard, wrong = share_text(found["urgent heard"]), share_text(found["harmless urgent"])
        yield f"  {row['name']}: {heard} | {wrong}"
    cost = report["cost"]
    yield ""
    yield f"One assessment: median {cost['median ms']} ms, 95 % within {cost['p95 ms']} ms"
