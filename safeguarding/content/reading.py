"""How hard our words are to read: Flesch-Kincaid grade and length of sentences, by textstat.

textstat is a check's tool: what serves people never needs it, and the assistant's environment
does not have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

ENDS = (".", "?", "!")
CLOSING = "\"”'’)"


@dataclass(frozen=True)
class Ease:
    """How easy a text is."""

    grade: float
    """Flesch-Kincaid: the years of school that it asks for, by American count."""
    sentence: float
    """Words in a sentence, on average."""


@dataclass(frozen=True)
class Limit:
    """The hardest that a text may be."""

    grade: float
    sentence: float | None = None


LIMITS: Mapping[str, Limit] = {"young_person": Limit(5, 15), "parent": Limit(8)}
"""By reader. Professionals read what their work needs."""


def measurable() -> bool:
    """Whether this environment can measure."""
    return find_spec("textstat") is not None


def ease(text: str) -> Ease:
    """Measure a text. Raises ModuleNotFoundError where textstat is not installed."""
    import textstat  # noqa: PLC0415 - only the check has it

    plain = "\n".join(_sentence(line) for line in text.splitlines() if line.strip())
    return Ease(
        round(textstat.flesch_kincaid_grade(plain), 1),
        round(textstat.words_per_sentence(plain), 1),
    )


def too_hard(text: str, audience: str) -> str | None:
    """What is too hard in `text` for this reader, or None."""
    limit = LIMITS.get(audience)
    if limit is None:
        return None
    found = ease(text)
    if found.grade > limit.grade:
        return f"{audience}: grade {found.grade}; at most {limit.grade}"
    if limit.sentence is not None and found.sentence > limit.sentence:
        return f"{audience}: {found.sentence} words a sentence; at most {limit.sentence}"
    return None


def _sentence(line: str) -> str:
    """A line as textstat needs it: a step without a full stop is a sentence too."""
    bare = line.strip().rstrip(CLOSING).rstrip(":,;")
    return bare if bare.endswith(ENDS) else f"{bare}."
