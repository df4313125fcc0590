"""Whether a disclosure is heard in disguise as it is plainly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from safeguarding.risk.examples import Example
from safeguarding.taxonomy import Severity
from scripts.evaluation.assessing import Hearing, Said
from scripts.evaluation.disguises import DISGUISES
from scripts.evaluation.messages import Case
from scripts.evaluation.shares import share


def disclosures(examples: Iterable[Example]) -> list[Example]:
    """The messages that are worth disguising."""
    return [example for example in examples if example.severity >= Severity.URGENT]


def disguised(texts: Iterable[str]) -> Iterator[Said]:
    """Every text in every disguise."""
    return (Said(disguise(text)) for text in texts for disguise in DISGUISES.values())


def obfuscation_report(cases: Sequence[Case], hearing: Hearing) -> dict[str, Any]:
    """Recall at urgent of the same disclosures, plain and in each disguise, and what changed."""
    plain = [case.found >= Severity.URGENT for case in cases]
    report: dict[str, Any] = {"plain": share(plain).record(), "disguises": {}}
    for name, disguise in DISGUISES.items():
        hidden = [
            hearing[Said(disguise(case.example.text))].severity >= Severity.URGENT for case in cases
        ]
        pairs = list(zip(plain, hidden, strict=True))
        report["disguises"][name] = {
            "heard": share(hidden).record(),
            "lost": sum(before and not after for before, after in pairs),
            "gained": sum(after and not before for before, after in pairs),
        }
    return report
