"""What each rule of the lexicon gives and costs: hits, false alarms, and misses without it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from safeguarding.corpus.reader import Example
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
class Account:
    """What one rule did on the development part. Texts are counted once a rule."""

    risk: int = 0
    """Risk messages in which it fires."""
    harmless: int = 0
    """Harmless messages in which it fires."""
    lone_alarms: int = 0
    """Harmless messages in which no other rule raises an alarm."""
    false_alarms: int = 0
    """Harmless messages in which nothing else does, the classifier included."""
    missed_by_rules: int = 0
    """Risk messages that no other rule finds as grave as is due."""
    missed: int = 0
    """Risk messages that nothing else finds as grave as is due, the classifier included."""

    def verdict(self) -> str:
        """ "harmful", "dead", "spare" or "earns its place"."""
        if self.missed:
            return "earns its place"
        if self.false_alarms:
            return "harmful"
        return "spare" if self.risk or self.harmless else "dead"


@dataclass
class IdiomAccount:
    """What one harmless meaning did: messages in which it stands, and what is silent with it."""

    risk: int = 0
    harmless: int = 0
    alarms_spared: int = 0
    """Harmless messages that would alarm if no idiom were known."""
    risk_silenced: int = 0
    """Risk messages that would be assessed as graver if no idiom were known."""


@dataclass
class Accounts:
    """Accounts by the id of the rule."""

    rules: dict[str, Account] = field(default_factory=lambda: defaultdict(Account))
    idioms: dict[str, IdiomAccount] = field(default_factory=lambda: defaultdict(IdiomAccount))


Verdict = Callable[[Canonical, Sequence[Signal]], Severity]
"""What the whole engine makes of a message in which the rules say this."""


def rules_alone(message: Canonical, signals: Sequence[Signal]) -> Severity:
    """The verdict of an engine that has nothing but rules."""
    return _gravest(signals)


def with_classifier(lexicon: Lexicon) -> Verdict:
    """The verdict of the engine as it runs. Raises what `build_engine` raises."""
    thresholds = Thresholds(read_calibration(), Settings.from_env().miss_cost)
    predictor = Predictor(build_classifier(), read_witness(), thresholds, lexicon.normaliser)
    return lambda message, signals: predictor.predict(message, signals, ()).probabilities.severity


def accounts(lexicon: Lexicon, examples: Iterable[Example], verdict: Verdict) -> Accounts:
    """Read each message with all rules, and again without each rule that fired in it."""
    reader = PhraseReader(lexicon)
    plain = tuple(rule for rule in lexicon.rules if rule.kind != "harmless")
    without_idioms = PhraseReader(replace(lexicon, rules=plain))
    idioms = {rule.id for rule in lexicon.rules if rule.kind == "harmless"}
    found = Accounts()
    for example in examples:
        text, due = example.text, example.severity
        reading = reader.read(text)
        signals = reader.signals(reading, ())
        fired = _fired(reading, signals)
        spared = idioms & reader.fired(text)
        if not fired and not spared:
            continue
        judged = verdict(reading.message, signals)
        for rule in fired:
            rest = _without(rule, lexicon.combinations, reader, reading, signals)
            after = verdict(reading.message, rest) if rest != signals else judged
            ruled = (_gravest(signals), _gravest(rest))
            _enter(found.rules[rule], due, ruled, (judged, after))
        if spared:
            bare = without_idioms.signals(without_idioms.read(text), ())
            unspared = verdict(reading.message, bare)
            for idiom in spared:
                _enter_idiom(found.idioms[idiom], due, judged, unspared)
    return found


def hits(lexicon: Lexicon, examples: Iterable[Example]) -> tuple[Counter[str], Counter[str]]:
    """In how many risk messages and in how many harmless ones each rule fires."""
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
    verdict: Verdict,
) -> dict[str, Any]:
    """Every rule with its account, what costs and does nothing first."""
    found = accounts(lexicon, development, verdict)
    learned_risk, learned_harmless = hits(lexicon, training)
    kinds: dict[str, str] = {
        rule.id: rule.kind for rule in lexicon.rules if rule.kind != "harmless"
    }
    kinds |= {combination.id: "combination" for combination in lexicon.combinations}
    severities = {rule.id: rule.severity.label for rule in lexicon.rules}
    severities |= {rule.id: rule.severity for rule in lexicon.combinations}
    rows = []
    for rule, kind in kinds.items():
        account = found.rules[rule]
        rows.append(
            {
                "id": rule,
                "kind": kind,
                "severity": severities[rule] if kind != "cue" else "",
                "verdict": account.verdict(),
                **vars(account),
                "training_risk": learned_risk[rule],
                "training_harmless": learned_harmless[rule],
            }
        )
    rows.sort(key=_worst_first)
    idioms = [
        {
            "id": rule.id,
            **vars(found.idioms[rule.id]),
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
    """The rules that count: what is silenced by its surroundings gives and costs nothing."""
    parts = {part for part in reading.parts() if not part.startswith("category:")}
    return parts | {signal.source for signal in signals}


def _without(
    rule: str,
    combinations: Sequence[Combination],
    reader: PhraseReader,
    reading: PhraseReading,
    signals: Sequence[Signal],
) -> list[Signal]:
    """What all other rules say."""
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


def _enter(
    account: Account,
    due: Severity,
    ruled: tuple[Severity, Severity],
    judged: tuple[Severity, Severity],
) -> None:
    """Count a message in which a rule fires: what the rules say and what the engine
    finds, each with that rule and without it."""
    if due == Severity.NONE:
        account.harmless += 1
        account.lone_alarms += ruled[0] > Severity.NONE == ruled[1]
        account.false_alarms += judged[0] > Severity.NONE == judged[1]
        return
    enough = min(due, Severity.URGENT)
    account.risk += 1
    account.missed_by_rules += ruled[0] >= enough > ruled[1]
    account.missed += judged[0] >= enough > judged[1]


def _enter_idiom(
    account: IdiomAccount, due: Severity, judged: Severity, unspared: Severity
) -> None:
    if due == Severity.NONE:
        account.harmless += 1
        account.alarms_spared += unspared > Severity.NONE == judged
    else:
        account.risk += 1
        account.risk_silenced += unspared > judged
