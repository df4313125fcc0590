"""What others would have built in a day, on the same data in the same run."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safeguarding.risk.examples import Example
from safeguarding.taxonomy import ROOT, Severity
from scripts.evaluation.aims import MOST_CONCERN, MOST_URGENT
from scripts.evaluation.assessing import Heard
from scripts.evaluation.curves import curve, recall_at, threshold_at
from scripts.evaluation.messages import Case
from scripts.evaluation.risk import alarmed, counts
from scripts.evaluation.scores import Scores
from scripts.evaluation.scoring import against_harmless
from scripts.keyword_baseline import WORDS, keyword_severity
from scripts.stack import ASSISTANT

LANTERN = "Lantern"
QUICK = "LANTERN_EVALUATE_QUICK"
_CONCERN, _URGENT = 0, 1
"""Places among a text's scores."""
_ENVIRONMENT = {"RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclass(frozen=True)
class Baseline:
    """One of them, with its verdict on each text that it was asked about."""

    name: str
    about: str
    heard: Mapping[str, Heard]

    def cases(self, examples: Iterable[Example]) -> list[Case]:
        """Each example with its verdict; only of those whose text it was asked about."""
        return [
            Case(example, self.heard[example.text])
            for example in examples
            if example.text in self.heard
        ]


def keywords(texts: Iterable[str]) -> Baseline:
    """Single alarming words."""
    return Baseline(
        "Keyword list",
        f"urgent when any of {len(WORDS.split())} alarming words stands in the message",
        {text: _heard(keyword_severity(text), None) for text in texts},
    )


def tfidf(
    training: Sequence[Example], development: Sequence[Example], texts: Sequence[str]
) -> Baseline:
    """Words and letters counted, and a line drawn between them."""
    answer = _asked("baseline_tfidf", training, [*(e.text for e in development), *texts])
    scores = [_scores(steps) for steps in answer["steps"]]
    concern, urgent = thresholds(development, scores[: len(development)])
    decided = zip(texts, scores[len(development) :], strict=True)
    return Baseline(
        "TF-IDF and logistic regression",
        f"words (1–2) and letters (2–5), trained on all {len(training):,} sentences; thresholds "
        f"where {MOST_URGENT:.0%} (urgent) and {MOST_CONCERN:.0%} (concern) of the harmless "
        "development sentences alarm",
        {text: _heard(_verdict(each, concern, urgent), each) for text, each in decided},
    )


def diet(training: Sequence[Example], texts: Sequence[str]) -> Baseline | None:
    """The stock Rasa pipeline; None in a quick run."""
    if os.environ.get(QUICK):
        return None
    answer = _asked("baseline_diet", training, texts)
    scores = [_scores(steps) for steps in answer["steps"]]
    return Baseline(
        "Stock Rasa pipeline with DIET",
        f"the pipeline of `rasa init`, an intent a severity, trained on {answer['learned']:,} of "
        f"{answer['of']:,} sentences (all would take hours); the likeliest intent decides",
        {text: _heard(likeliest(each), each) for text, each in zip(texts, scores, strict=True)},
    )


def thresholds(examples: Sequence[Example], scores: Sequence[Scores]) -> tuple[float, float]:
    """For concern and urgent, where harmless examples alarm as often as the aims allow."""
    scored = [
        Case(example, _heard(Severity.NONE, each))
        for example, each in zip(examples, scores, strict=True)
    ]
    concern = curve(against_harmless(scored, Severity.CONCERN))
    urgent = curve(against_harmless(scored, Severity.URGENT))
    return threshold_at(concern, MOST_CONCERN), threshold_at(urgent, MOST_URGENT)


def likeliest(scores: Scores) -> Severity:
    """The severity that is likeliest by itself."""
    steps = (1.0, *scores, 0.0)
    each = [steps[at] - steps[at + 1] for at in range(len(Severity))]
    return Severity(each.index(max(each)))


def baselines_report(
    lantern: Mapping[str, Sequence[Case]], baselines: Iterable[Baseline]
) -> dict[str, Any]:
    """Each system's figures on each set, Lantern's first; `lantern` holds its cases by set.

    A baseline with probabilities also says what it would hear at Lantern's own false alarms.
    """
    systems: list[dict[str, Any]] = [{"name": LANTERN, "about": "", **_counted(lantern)}]
    allowed = alarmed(lantern["test"], Severity.URGENT).value or 0.0
    for each in baselines:
        found = {
            name: each.cases(case.example for case in cases) for name, cases in lantern.items()
        }
        points = curve(against_harmless(found["test"], Severity.URGENT))
        systems.append(
            {
                "name": each.name,
                "about": each.about,
                **_counted(found),
                "urgent heard at Lantern's false alarms": round(recall_at(points, allowed), 4)
                if points
                else None,
            }
        )
    return {"systems": systems}


def _counted(sets: Mapping[str, Sequence[Case]]) -> dict[str, Any]:
    return {name: {"messages": len(cases), **counts(cases)} for name, cases in sets.items()}


def _verdict(scores: Scores, concern: float, urgent: float) -> Severity:
    if scores[_URGENT] >= urgent:
        return Severity.URGENT
    return Severity.CONCERN if scores[_CONCERN] >= concern else Severity.NONE


def _heard(severity: Severity, scores: Scores | None) -> Heard:
    return Heard(severity, (), scores, 0.0)


def _scores(steps: Sequence[float]) -> Scores:
    concern, urgent, immediate = steps
    return concern, urgent, immediate


def _asked(module: str, training: Sequence[Example], texts: Sequence[str]) -> dict[str, Any]:
    """What the baseline in the assistant's environment answers."""
    learned = [{"text": each.text, "severity": int(each.severity)} for each in training]
    done = subprocess.run(
        [str(ASSISTANT / "python"), "-m", f"scripts.evaluation.{module}"],
        input=json.dumps({"training": learned, "texts": list(texts)}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, **_ENVIRONMENT},
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
