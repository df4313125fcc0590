"""Reads a message for the reviewed phrases: entries, combinations of cues, and the subject."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from safeguarding.risk.assessment import Signal, Turn
from safeguarding.risk.lexicon.context import Context
from safeguarding.risk.lexicon.matching import Match, RuleMatcher
from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.lexicon.rules import Combination, floor_of
from safeguarding.risk.text.normalise import Canonical
from safeguarding.taxonomy import Severity


def parts_of(matches: Iterable[Match]) -> frozenset[str]:
    """Return the parts that `matches` give to combinations: rule ids and "category:<name>"."""
    parts: set[str] = set()
    for match in matches:
        parts.add(match.rule.id)
        if match.rule.category:
            parts.add(f"category:{match.rule.category}")
    return frozenset(parts)


@dataclass(frozen=True)
class CompletedCombination:
    """A combination of which every part was found."""

    parts: frozenset[str]
    """Its parts, and the parts of a combination among them."""
    id: str
    category: str
    severity: Severity
    kind: str
    """combination, or conversation if it needed earlier messages."""


def combined(
    combinations: Sequence[Combination], here: frozenset[str], before: frozenset[str]
) -> Iterator[CompletedCombination]:
    """Yield the combinations complete in this message, or together with earlier ones.

    At least one part is in this message. A combination that was complete before is not repeated. A
    combination may be part of a later one.
    """
    present, earlier = here | before, before
    parts_by_id: dict[str, frozenset[str]] = {}
    for rule in combinations:
        wanted = frozenset(rule.all)
        if wanted <= earlier:
            earlier |= {rule.id}
            present |= {rule.id}
            if not wanted <= here:
                continue
        if not wanted <= present or not wanted & here or not present.isdisjoint(rule.none):
            continue
        kind = "combination" if wanted <= here else "conversation"
        parts = wanted.union(*(parts_by_id[part] for part in wanted if part in parts_by_id))
        parts_by_id[rule.id] = parts
        yield CompletedCombination(
            parts, rule.id, rule.category, Severity.named(rule.severity), kind
        )
        present |= {rule.id}
        if kind == "combination":
            here |= {rule.id}


_REACH = 10_000
"""Number of characters within which the parts of a combination must be: words on page 1 and page 20
of a book are unrelated."""
_MOST_OF_ONE_RULE = 5
_EARLIER = 2_000
"""Number of characters read again of an earlier message; there may be ten messages."""


@dataclass(frozen=True)
class PhraseReading:
    """The rules that matched in one message. The context of cues is read only when they matter."""

    message: Canonical
    entries: tuple[Match, ...]
    possible_cues: tuple[Match, ...]
    context: Context

    def alarming(self) -> list[int]:
        """Return the index of the first word of each match; entries count twice."""
        return [match.start for match in (*self.entries, *self.entries, *self.possible_cues)]

    def stretches(self) -> Iterator[PhraseReading]:
        """Yield the reading in overlapping stretches of _REACH characters, to combine cues in."""
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
        """Return the parts of all matches, before their context is read."""
        return parts_of([*self.entries, *self.possible_cues])

    def parts(self) -> frozenset[str]:
        """Return the parts of all matches that their context does not silence."""
        return parts_of([*self.entries, *_few(self.possible_cues, self.context, 1)])


class PhraseReader:
    """Finds the lexicon's rules in messages. Holds no state: safe to share between threads."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._match = RuleMatcher(lexicon)
        self._floors = {rule.id: rule.floor for rule in lexicon.rules}
        self._floors |= {rule.id: floor_of(rule) for rule in lexicon.combinations}

    def read(self, text: str) -> PhraseReading:
        """Match the rules against one message."""
        message = self._lexicon.normaliser(text)
        context = Context(message)
        matches = self._match(message)
        entries = (match for match in matches if match.rule.kind == "entry")
        return PhraseReading(
            message,
            tuple(_few(entries, context, _MOST_OF_ONE_RULE)),
            tuple(match for match in matches if match.rule.kind == "cue"),
            context,
        )

    def signals(self, reading: PhraseReading, history: Sequence[Turn]) -> list[Signal]:
        """Return a signal for each entry, and for each combination that is complete now."""
        found = [self._signal(reading.message, match) for match in reading.entries]
        if not reading.entries and not reading.possible_cues:
            return found
        earlier = [self.read(_earlier(turn.text)) for turn in history if turn.by == "user"]
        complete: dict[str, Signal] = {}
        for stretch in reading.stretches():
            for each in self._combinations(stretch, earlier):
                if each.id not in complete:
                    complete[each.id] = self._whole(stretch, each)
        return [*found, *complete.values()]

    def floor(self, signals: Iterable[Signal]) -> Severity:
        """Return the lowest severity that a message with these signals may have."""
        return max((self._floors[signal.source] for signal in signals), default=Severity.NONE)

    def subject(self, reading: PhraseReading) -> str:
        """Return whom the message is about: one of the taxonomy's subjects."""
        return subject_of(reading.message, reading.entries or reading.possible_cues)

    def subject_by_words(self, reading: PhraseReading, predicted: str) -> str:
        """Return the subject that a model predicts, unless the words name a friend and no child.

        "my friends friend" is nobody's own child, and the writer no parent.
        """
        if predicted != "own_child":
            return predicted
        norms = " ".join(token.norm for token in reading.message.tokens)
        names_friend = _OF_A_FRIEND.search(norms) and not _OWN_CHILD.search(norms)
        return "friend" if names_friend else predicted

    def fired(self, text: str) -> set[str]:
        """Return the ids of all rules and combinations in `text`, cues and idioms included."""
        reading = self.read(text)
        whole = {found.id for found in self._combinations(reading, ())}
        return whole | reading.parts() | self._match.idioms(reading.message)

    def _combinations(
        self, reading: PhraseReading, earlier: Sequence[PhraseReading]
    ) -> list[CompletedCombination]:
        if not reading.entries and not reading.possible_cues:
            return []
        possible = reading.possible_parts().union(*(turn.possible_parts() for turn in earlier))
        # Cheaper than reading the context first.
        if not any(possible.issuperset(rule.all) for rule in self._lexicon.combinations):
            return []
        before = frozenset[str]().union(*(turn.parts() for turn in earlier))
        return list(combined(self._lexicon.combinations, reading.parts(), before))

    def _signal(self, message: Canonical, match: Match) -> Signal:
        rule, version = match.rule, self._lexicon.version
        start, end = _typed(message, [match])
        return Signal(rule.id, "lexicon", version, rule.category, rule.severity, start, end)

    def _whole(self, reading: PhraseReading, found: CompletedCombination) -> Signal:
        matches = [*reading.entries, *reading.possible_cues]
        parts = [match for match in matches if not parts_of([match]).isdisjoint(found.parts)]
        start, end = _typed(reading.message, parts)
        version = self._lexicon.version
        return Signal(found.id, found.kind, version, found.category, found.severity, start, end)


def _earlier(text: str) -> str:
    """Return an earlier message, or the beginning and end of a long one."""
    if len(text) <= _EARLIER:
        return text
    return f"{text[: _EARLIER // 2]}\n\n{text[-_EARLIER // 2 :]}"


def _few(matches: Iterable[Match], context: Context, most: int) -> Iterator[Match]:
    """Yield the first few matches of each rule that `context` does not silence.

    Repetition adds nothing, so the context of further matches is not read.
    """
    counts: Counter[str] = Counter()
    for match in matches:
        if counts[match.rule.id] < most and not context.silences(match):
            counts[match.rule.id] += 1
            yield match


def _typed(message: Canonical, matches: Sequence[Match]) -> tuple[int, int]:
    """Return the range, in the text as typed, from the first to the last matched word."""
    words = [word for match in matches for word in message.tokens[match.start : match.end]]
    if not words:
        return 0, 0
    return min(word.start for word in words), max(word.end for word in words)


_CHILD = (
    r"(?:son|daughter|child|kid|boy|girl|teen|teenager|toddler|baby|stepson|stepdaughter|"
    r"grandson|granddaughter|grandchild|twin|lad|year|old|little|young|teenage|foster|eldest|youngest)"
)
_OWN_CHILD = re.compile(rf"\bmy (?:\w+ ){{0,4}}?(?:{_CHILD})\b(?! (?:friend|mate|brother|sister))")
_FRIEND = re.compile(
    r"\b(?:my|a|our) (?:\w+ ){0,2}?(?:friend|mate|classmate|cousin|sister|brother|sibling|"
    r"stepbrother|stepsister|roommate|teammate|girlfriend)\b"
)
_OF_A_FRIEND = re.compile(r"\b(?:my|a|our) (?:\w+ ){0,2}?(?:friends?|mates?|bestie|classmates?)\b")
_OTHER_CHILD = re.compile(
    r"\b(?:a|the|this|one of|our|my|some|another|neighbour|two|her|his|their) (?:\w+ ){0,3}?"
    r"(?:pupil|student|tutee|niece|nephew|client|patient|guest|passenger|child|girl|boy|kid|"
    r"teenager|baby|toddler|schoolgirl|schoolboy|youngster)\b"
)
_OTHERS = (("own_child", _OWN_CHILD), ("friend", _FRIEND), ("other_child", _OTHER_CHILD))
_SELF = frozenset(["i", "me", "my", "mine", "myself", "we", "us", "our"])
_DOER = frozenset(["i", "we"])
_SELF_AS_OBJECT = frozenset(["me", "myself", "us"])
_CONFIDES = frozenset(["tell", "show", "ask"])
"""Verbs before "me" that do not make the message about the writer: "She told me her stepdad …"."""


def subject_of(message: Canonical, matches: Sequence[Match]) -> str:
    """Return one of the taxonomy's subjects, by a rule if one names it, else by the words."""
    named = next((match.rule.subject for match in matches if match.rule.subject), None)
    if named:
        return named
    norms = " ".join(token.norm for token in message.tokens)
    inside = {
        message.tokens[at].word
        for match in matches
        for at in range(match.start, match.end)
        if not at or message.tokens[at - 1].norm not in _CONFIDES
    }
    if inside & _SELF_AS_OBJECT:
        return "self"
    for subject, pattern in _OTHERS:
        if pattern.search(norms) and not inside & _DOER:
            return subject
    return "self" if _SELF & {token.word for token in message.tokens} else "unknown"
