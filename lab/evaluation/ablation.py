"""What each rule of the lexicon contributes: its hits, false alarms, and misses without it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from safeguarding.corpus import Example
from safeguarding.risk.assessment import Signal
from safeguarding.risk.encoder.classifier import build_classifier
from safeguarding.risk.lexicon.phrases import PhraseReader, PhraseReading
from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.lexicon.rules import Combination
from safeguarding.risk.prediction import Predictor
from safeguarding.risk.text.normalise import Canonical
from safeguarding.risk.thresholds import Thresholds, read_calibration
from safeguarding.risk.witness import read_witness
from safeguarding.settings import Settings
from safeguarding.taxonomy import Severity


@dataclass
class RuleCounts:
    """Counts of one rule on the development part. A text counts once for a rule."""

    risk: int = 0
    """Risk messages in which the rule fires."""
    harmless: int = 0
    """Harmless messages in which the rule fires."""
    lone_alarms: int = 0
    """Harmless messages in which this rule alone raises an alarm."""
    false_alarms: int = 0
    """The same, with the classifier: only this rule makes the engine raise an alarm."""
    missed_by_rules: int = 0
    """Risk messages that the other rules find less grave than they are."""
    missed: int = 0
    """The same, with the classifier: the engine would miss them without this rule."""

    def verdict(self) -> str:
        """Return "harmful", "dead", "spare" or "earns its place"."""
        if self.missed:
            return "earns its place"
        if self.false_alarms:
            return "harmful"
        return "spare" if self.risk or self.harmless else "dead"


@dataclass
class IdiomCounts:
    """Counts of one idiom: messages in which it stands, and alarms that it prevents."""

    risk: int = 0
    harmless: int = 0
    alarms_spared: int = 0
    """Harmless messages that would raise an alarm without idioms."""
    risk_silenced: int = 0
    """Risk messages that would be assessed as graver without idioms."""


@dataclass
class LexiconCounts:
    """The counts of all rules and idioms, by id."""

    rules: dict[str, RuleCounts] = field(default_factory=lambda: defaultdict(RuleCounts))
    idioms: dict[str, IdiomCounts] = field(default_factory=lambda: defaultdict(IdiomCounts))


Assess = Callable[[Canonical, Sequence[Signal]], Severity]
"""The severity of a message, given the signals of the rules."""


def rules_alone(message: Canonical, signals: Sequence[Signal]) -> Severity:
    """Return the severity that the rules find by themselves."""
    return _gravest(signals)


def with_classifier(lexicon: Lexicon) -> Assess:
    """Return the assessment of the whole engine. Raises what `build_engine` raises."""
    thresholds = Thresholds(read_calibration(), Settings.from_env().miss_cost)
    predictor = Predictor(build_classifier(), read_witness(), thresholds, lexicon.normaliser)
    return lambda message, signals: predictor.predict(message, signals, ()).probabilities.severity


def count_rules(lexicon: Lexicon, examples: Iterable[Example], assess: Assess) -> LexiconCounts:
    """Assess each message with all rules, and again without each rule that fired in it."""
    reader = PhraseReader(lexicon)
    plain = tuple(rule for rule in lexicon.rules if rule.kind != "harmless")
    without_idioms = PhraseReader(replace(lexicon, rules=plain))
    idioms = {rule.id for rule in lexicon.rules if rule.kind == "harmless"}
    counts = LexiconCounts()
    for example in examples:
        text, due = example.text, example.severity
        reading = reader.read(text)
        signals = reader.signals(reading, ())
        fired = _fired(reading, signals)
        spared = idioms & reader.fired(text)
        if not fired and not spared:
            continue
        judged = assess(reading.message, signals)
        for rule in fired:
            rest = _without(rule, lexicon.combinations, reader, reading, signals)
            after = assess(reading.message, rest) if rest != signals else judged
            ruled = (_gravest(signals), _gravest(rest))
            _count_rule(counts.rules[rule], due, ruled, (judged, after))
        if spared:
            bare = without_idioms.signals(without_idioms.read(text), ())
            unspared = assess(reading.message, bare)
            for idiom in spared:
                _count_idiom(counts.idioms[idiom], due, judged, unspared)
    return counts


def hits(lexicon: Lexicon, examples: Iterable[Example]) -> tuple[Counter[str], Counter[str]]:
    """Count the risk messages and the harmless messages in which each rule fires."""
    reader = PhraseReader(lexicon)
    risk, harmless = Counter[str](), Counter[str]()
    for example in examples:
        counter = risk if example.severity > Severity.NONE else harmless
        counter.update(reader.fired(example.text))
    return risk, harmless


def ablation_report(
    lexicon: Lexicon,
    development: Iterable[Example],
    training: Iterable[Example],
    assess: Assess,
) -> dict[str, Any]:
    """Return every rule with its counts, harmful and dead rules first."""
    counts = count_rules(lexicon, development, assess)
    learned_risk, learned_harmless = hits(lexicon, training)
    kinds: dict[str, str] = {
        rule.id: rule.kind for rule in lexicon.rules if rule.kind != "harmless"
    }
    kinds |= {combination.id: "combination" for combination in lexicon.combinations}
    severities = {rule.id: rule.severity.label for rule in lexicon.rules}
    severities |= {rule.id: rule.severity for rule in lexicon.combinations}
    rows = []
    for rule, kind in kinds.items():
        rule_counts = counts.rules[rule]
        rows.append(
            {
                "id": rule,
                "kind": kind,
                "severity": severities[rule] if kind != "cue" else "",
                "verdict": rule_counts.verdict(),
                **vars(rule_counts),
                "training_risk": learned_risk[rule],
                "training_harmless": learned_harmless[rule],
            }
        )
    rows.sort(key=_worst_first)
    idioms = [
        {
            "id": rule.id,
            **vars(counts.idioms[rule.id]),
            "training_risk": learned_risk[rule.id],
            "training_harmless": learned_harmless[rule.id],
        }
        for rule in lexicon.rules
        if rule.kind == "harmless"
    ]
    idioms.sort(key=lambda row: (row["alarms_spared"] - row["risk_silenced"], row["harmless"]))
    verdicts = Counter(row["verdict"] for row in rows)
    return {"rules": rows, "idioms": idioms, "verdicts": dict(sorted(verdicts.items()))}


_ORDER = ("harmful", "dead", "spare", "earns its place")


def _worst_first(row: dict[str, Any]) -> tuple[int, ...]:
    learned = row["training_risk"] + row["training_harmless"]
    place = _ORDER.index(row["verdict"])
    return place, row["missed"], -row["false_alarms"], row["missed_by_rules"], learned


def _fired(reading: PhraseReading, signals: Iterable[Signal]) -> set[str]:
    """Return the rules that count; a rule that its surroundings silence does not."""
    parts = {part for part in reading.parts() if not part.startswith("category:")}
    return parts | {signal.source for signal in signals}


def _without(
    rule: str,
    combinations: Sequence[Combination],
    reader: PhraseReader,
    reading: PhraseReading,
    signals: Sequence[Signal],
) -> list[Signal]:
    """Return the signals of all other rules."""
    if any(combination.id == rule for combination in combinations):
        gone = {rule, *_needing(rule, combinations)}
        return [signal for signal in signals if signal.source not in gone]
    rest = replace(
        reading,
        entries=tuple(match for match in reading.entries if match.rule.id != rule),
        possible_cues=tuple(match for match in reading.possible_cues if match.rule.id != rule),
    )
    return reader.signals(rest, ())


def _needing(rule: str, combinations: Collection[Combination]) -> Iterator[str]:
    for other in combinations:
        if rule in other.all:
            yield other.id
            yield from _needing(other.id, combinations)


def _gravest(signals: Iterable[Signal]) -> Severity:
    return max((signal.severity for signal in signals), default=Severity.NONE)


def _count_rule(
    counts: RuleCounts,
    due: Severity,
    ruled: tuple[Severity, Severity],
    judged: tuple[Severity, Severity],
) -> None:
    """Count a message in which a rule fires.

    `ruled`: severity by the rules, with that rule and without it; `judged`: by the engine.
    """
    if due == Severity.NONE:
        counts.harmless += 1
        counts.lone_alarms += ruled[0] > Severity.NONE == ruled[1]
        counts.false_alarms += judged[0] > Severity.NONE == judged[1]
        return
    enough = min(due, Severity.URGENT)
    counts.risk += 1
    counts.missed_by_rules += ruled[0] >= enough > ruled[1]
    counts.missed += judged[0] >= enough > judged[1]


def _count_idiom(counts: IdiomCounts, due: Severity, judged: Severity, unspared: Severity) -> None:
    if due == Severity.NONE:
        counts.harmless += 1
        counts.alarms_spared += unspared > Severity.NONE == judged
    else:
        counts.risk += 1
        counts.risk_silenced += unspared > judged
