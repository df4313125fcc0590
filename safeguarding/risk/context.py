"""What stands around a match: negation, questions, stories. Silences only what it governs."""

from __future__ import annotations

from safeguarding.risk.matching import Match
from safeguarding.risk.negation import NEGATORS, Sentence, negated
from safeguarding.risk.normalise import Canonical
from safeguarding.risk.rules import Rule, norms_of
from safeguarding.risk.setting import is_general, is_told


class Context:
    """The surroundings of the matches in one message."""

    def __init__(self, message: Canonical) -> None:
        self._words = message.words
        self._breaks = sorted({0, *message.breaks, len(message.tokens)})
        self._sentences: dict[int, Sentence] = {}

    def silences(self, match: Match) -> bool:
        """Whether the surroundings plainly take the risk out of `match`."""
        first, sentence = self._sentence(match)
        words = self._words[match.start : match.end]
        asks_itself = match.start == first  # "what are you wearing" is the very thing
        if not asks_itself and is_general(sentence.words, words):
            return True
        if is_told(sentence.words, words):
            return True
        if not match.rule.negatable or _means_not(match.rule, words):
            return False
        return negated(sentence, match.start - first, match.end - first)

    def _sentence(self, match: Match) -> tuple[int, Sentence]:
        first = max(at for at in self._breaks if at <= match.start)
        if first not in self._sentences:
            last = min(at for at in self._breaks if at >= match.end)
            self._sentences[first] = Sentence(self._words[first:last])
        return first, self._sentences[first]


def _means_not(rule: Rule, words: list[str]) -> bool:
    """Whether the "not" inside the match is one the rule itself asks for."""
    inside = NEGATORS.intersection(words)
    return bool(inside) and any(
        not inside.isdisjoint(norms_of(pattern)) for pattern in rule.patterns
    )
