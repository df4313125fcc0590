"""What the reviewed lexicon says of a message, and with which words it says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from safeguarding.risk.assessment import Signal, Turn
from safeguarding.risk.combinations import Found, combined, could_combine, parts_of
from safeguarding.risk.context import Context
from safeguarding.risk.lexicon import Lexicon
from safeguarding.risk.matching import Match, RuleMatcher
from safeguarding.risk.normalise import Canonical
from safeguarding.risk.subject import subject_of


@dataclass(frozen=True)
class Reading:
    """What stands in one message. Cues are weighed by their context only when they matter."""

    message: Canonical
    entries: tuple[Match, ...]
    possible_cues: tuple[Match, ...]
    context: Context

    def possible_parts(self) -> frozenset[str]:
        """All that might count in a combination."""
        return parts_of([*self.entries, *self.possible_cues])

    def parts(self) -> frozenset[str]:
        """All that does."""
        cues = (cue for cue in self.possible_cues if not self.context.silences(cue))
        return parts_of([*self.entries, *cues])


class PhraseReader:
    """Finds the lexicon's rules in messages. Holds no state: safe to share between threads."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._match = RuleMatcher(lexicon)

    @property
    def version(self) -> str:
        """The digest of the lexicon files, as carried by every signal."""
        return self._lexicon.version

    def read(self, text: str) -> Reading:
        """What stands in one message."""
        message = self._lexicon.normaliser(text)
        context = Context(message)
        matches = self._match(message)
        entries = (match for match in matches if match.rule.kind == "entry")
        return Reading(
            message,
            tuple(match for match in entries if not context.silences(match)),
            tuple(match for match in matches if match.rule.kind == "cue"),
            context,
        )

    def signals(self, reading: Reading, history: Sequence[Turn]) -> list[Signal]:
        """One for each entry, and for each combination complete now, with what was said before."""
        found = [self._signal(reading.message, match) for match in reading.entries]
        return found + [self._whole(reading, each) for each in self._combinations(reading, history)]

    def subject(self, reading: Reading) -> str:
        """Whom the message is about: one of the taxonomy's subjects."""
        return subject_of(reading.message, reading.entries or reading.possible_cues)

    def fired(self, text: str) -> set[str]:
        """The ids of all rules and combinations that stand in `text`, cues and idioms included."""
        reading = self.read(text)
        whole = {found.id for found in self._combinations(reading, ())}
        return whole | reading.parts() | self._match.idioms(reading.message)

    def _combinations(self, reading: Reading, history: Sequence[Turn]) -> list[Found]:
        if not reading.entries and not reading.possible_cues:
            return []
        earlier = [self.read(turn.text) for turn in history if turn.by == "user"]
        possible = reading.possible_parts().union(*(turn.possible_parts() for turn in earlier))
        if not could_combine(self._lexicon.combinations, possible):
            return []
        before = frozenset[str]().union(*(turn.parts() for turn in earlier))
        return list(combined(self._lexicon.combinations, reading.parts(), before))

    def _signal(self, message: Canonical, match: Match) -> Signal:
        rule = match.rule
        start, end = _typed(message, [match])
        return Signal(rule.id, "lexicon", self.version, rule.category, rule.severity, start, end)

    def _whole(self, reading: Reading, found: Found) -> Signal:
        matches = [*reading.entries, *reading.possible_cues]
        parts = [match for match in matches if not parts_of([match]).isdisjoint(found.parts)]
        start, end = _typed(reading.message, parts)
        return Signal(
            found.id, found.kind, self.version, found.category, found.severity, start, end
        )


def _typed(message: Canonical, matches: Sequence[Match]) -> tuple[int, int]:
    """From the first to the last character, as typed, of the words that matched."""
    words = [word for match in matches for word in message.tokens[match.start : match.end]]
    if not words:
        return 0, 0
    return min(word.start for word in words), max(word.end for word in words)
