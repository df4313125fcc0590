"""What the reviewed lexicon says of a message, and with which words it says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from safeguarding.risk.assessment import Signal, Turn
from safeguarding.risk.lexicon.context import Context, Parser
from safeguarding.risk.lexicon.matching import Match, RuleMatcher
from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.lexicon.rules import Combination, floor_of
from safeguarding.risk.lexicon.subject import subject_of
from safeguarding.risk.text.normalise import Canonical
from safeguarding.taxonomy import Severity


def parts_of(matches: Iterable[Match]) -> frozenset[str]:
    """What `matches` give a combination: ids of cues and entries, and "category:<name>"."""
    parts: set[str] = set()
    for match in matches:
        parts.add(match.rule.id)
        if match.rule.category:
            parts.add(f"category:{match.rule.category}")
    return frozenset(parts)


def could_combine(combinations: Sequence[Combination], parts: frozenset[str]) -> bool:
    """Whether any combination may be complete; cheaper than to weigh every part first."""
    return any(parts.issuperset(rule.all) for rule in combinations)


@dataclass(frozen=True)
class CompletedCombination:
    """A combination that is complete; its kind is "conversation" when it needed earlier turns."""

    parts: frozenset[str]
    """What it is made of; a combination among them stands for its own parts as well."""
    id: str
    category: str
    severity: Severity
    kind: str


def combined(
    combinations: Sequence[Combination], here: frozenset[str], before: frozenset[str]
) -> Iterator[CompletedCombination]:
    """The combinations complete in this message, or with what was said before it.

    At least one part stands in this message, and what was complete before is not told again. A
    combination may itself be part of a later one.
    """
    told, earlier = here | before, before
    made_of: dict[str, frozenset[str]] = {}
    for rule in combinations:
        wanted = frozenset(rule.all)
        if wanted <= earlier:
            earlier |= {rule.id}
            told |= {rule.id}
            if not wanted <= here:
                continue
        if not wanted <= told or not wanted & here or not told.isdisjoint(rule.none):
            continue
        kind = "combination" if wanted <= here else "conversation"
        parts = wanted.union(*(made_of[part] for part in wanted if part in made_of))
        made_of[rule.id] = parts
        yield CompletedCombination(
            parts, rule.id, rule.category, Severity.named(rule.severity), kind
        )
        told |= {rule.id}
        if kind == "combination":
            here |= {rule.id}


_REACH = 10_000
"""Characters within which the parts of a combination stand: in a book, words of page 1 and page 20
have nothing to do with each other."""
_MOST_OF_ONE_RULE = 5
_EARLIER = 2_000
"""Characters read again of an earlier message: there may be ten of them."""


@dataclass(frozen=True)
class PhraseReading:
    """What stands in one message. Cues are weighed by their context only when they matter."""

    message: Canonical
    entries: tuple[Match, ...]
    possible_cues: tuple[Match, ...]
    context: Context

    def alarming(self) -> list[int]:
        """The index of the first word of each match; entries count more than cues."""
        return [match.start for match in (*self.entries, *self.entries, *self.possible_cues)]

    def stretches(self) -> Iterator[PhraseReading]:
        """The reading in overlapping stretches of _REACH characters, of which each is read for
        combinations by itself."""
        tokens = self.message.tokens
        last = tokens[-1].end if tokens else 0
        if last <= _REACH:
            yield self
            return
        for start in range(0, last - _REACH // 2, _REACH // 2):
            yield replace(
                self,
                entries=tuple(self._within(self.entries, start)),
                possible_cues=tuple(self._within(self.possible_cues, start)),
            )

    def _within(self, matches: Iterable[Match], start: int) -> Iterator[Match]:
        tokens = self.message.tokens
        for match in matches:
            first, last = tokens[match.start].start, tokens[match.end - 1].end
            if start <= first and last <= start + _REACH:
                yield match

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
        self._parser = Parser()
        self._floors = {rule.id: rule.floor for rule in lexicon.rules}
        self._floors |= {rule.id: floor_of(rule) for rule in lexicon.combinations}

    @property
    def version(self) -> str:
        """The digest of the lexicon files, as carried by every signal."""
        return self._lexicon.version

    def read(self, text: str) -> PhraseReading:
        """What stands in one message."""
        message = self._lexicon.normaliser(text)
        context = Context(message, self._parser)
        matches = self._match(message)
        entries = (match for match in matches if match.rule.kind == "entry")
        return PhraseReading(
            message,
            tuple(_few(match for match in entries if not context.silences(match))),
            tuple(match for match in matches if match.rule.kind == "cue"),
            context,
        )

    def signals(self, reading: PhraseReading, history: Sequence[Turn]) -> list[Signal]:
        """One for each entry, and for each combination complete now, with what was said before."""
        found = [self._signal(reading.message, match) for match in reading.entries]
        complete: dict[str, Signal] = {}
        for stretch in reading.stretches():
            for each in self._combinations(stretch, history):
                complete.setdefault(each.id, self._whole(stretch, each))
        return [*found, *complete.values()]

    def floor(self, signals: Iterable[Signal]) -> Severity:
        """The severity below which nothing else may bring a message with these signals."""
        return max((self._floors[signal.source] for signal in signals), default=Severity.NONE)

    def subject(self, reading: PhraseReading) -> str:
        """Whom the message is about: one of the taxonomy's subjects."""
        return subject_of(reading.message, reading.entries or reading.possible_cues)

    def fired(self, text: str) -> set[str]:
        """The ids of all rules and combinations that stand in `text`, cues and idioms included."""
        reading = self.read(text)
        whole = {found.id for found in self._combinations(reading, ())}
        return whole | reading.parts() | self._match.idioms(reading.message)

    def _combinations(
        self, reading: PhraseReading, history: Sequence[Turn]
    ) -> list[CompletedCombination]:
        if not reading.entries and not reading.possible_cues:
            return []
        earlier = [self.read(_earlier(turn.text)) for turn in history if turn.by == "user"]
        possible = reading.possible_parts().union(*(turn.possible_parts() for turn in earlier))
        if not could_combine(self._lexicon.combinations, possible):
            return []
        before = frozenset[str]().union(*(turn.parts() for turn in earlier))
        return list(combined(self._lexicon.combinations, reading.parts(), before))

    def _signal(self, message: Canonical, match: Match) -> Signal:
        rule = match.rule
        start, end = _typed(message, [match])
        return Signal(rule.id, "lexicon", self.version, rule.category, rule.severity, start, end)

    def _whole(self, reading: PhraseReading, found: CompletedCombination) -> Signal:
        matches = [*reading.entries, *reading.possible_cues]
        parts = [match for match in matches if not parts_of([match]).isdisjoint(found.parts)]
        start, end = _typed(reading.message, parts)
        return Signal(
            found.id, found.kind, self.version, found.category, found.severity, start, end
        )


def _earlier(text: str) -> str:
    """What is read again of an earlier message: of a long one, its beginning and its end."""
    if len(text) <= _EARLIER:
        return text
    return f"{text[: _EARLIER // 2]}\n\n{text[-_EARLIER // 2 :]}"


def _few(matches: Iterable[Match]) -> Iterator[Match]:
    """The first few matches of each rule: whoever writes a thing a hundred times has said it."""
    counts: Counter[str] = Counter()
    for match in matches:
        counts[match.rule.id] += 1
        if counts[match.rule.id] <= _MOST_OF_ONE_RULE:
            yield match


def _typed(message: Canonical, matches: Sequence[Match]) -> tuple[int, int]:
    """From the first to the last character, as typed, of the words that matched."""
    words = [word for match in matches for word in message.tokens[match.start : match.end]]
    if not words:
        return 0, 0
    return min(word.start for word in words), max(word.end for word in words)
