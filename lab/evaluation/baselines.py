"""Baselines on the same data: a keyword list, TF-IDF, and the stock Rasa pipeline."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_union

from lab.bench.systems import QUIET_RASA
from lab.evaluation.aims import MOST_CONCERN, MOST_URGENT
from lab.evaluation.assessing import Result, Scores
from lab.evaluation.measures import curve, recall_at, threshold_at
from lab.evaluation.messages import EvaluatedMessage
from lab.evaluation.risk import against_harmless, alarmed, counts
from ops.stack import ASSISTANT
from safeguarding.corpus import Example
from safeguarding.taxonomy import ROOT, Severity

LANTERN = "Lantern"
QUICK = "LANTERN_EVALUATE_QUICK"
_CONCERN, _URGENT = 0, 1
"""Indices of a text's scores."""
_INVERSE_OF_PENALTY = 10.0
"""C of the regression on TF-IDF: the best of 1, 10 and 100 on the development part."""
# Our own list, written after published ones: single alarming words, whatever the context.
WORDS = (
    "abuse abused abusing abuser assault attack beat beaten bleed blackmail bruise bully bullied "
    "cut cutting danger dead death die dying drugs drunk exploit force forced gang grooming "
    "groomed gun harass harassment harm hate help hit hitting hurt hurting kidnap kill killed "
    "knife molest molested murder naked nude nudes overdose pain pills pimp pregnant punch rape "
    "raped runaway sad scared self-harm sex sexting sexual shoot slap sos stab starve steal "
    "suicide suicidal threat threaten threatened torture touch touched traffick trafficked "
    "trapped unsafe victim violence violent weapon worthless"
)
PATTERN = re.compile(rf"\b(?:{WORDS.replace(' ', '|')})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Baseline:
    """A system to compare with, and its result for each text."""

    name: str
    about: str
    results: Mapping[str, Result]

    def cases(self, examples: Iterable[Example]) -> list[EvaluatedMessage]:
        """Return the examples that have a result, each with its result."""
        return [
            EvaluatedMessage(example, self.results[example.text])
            for example in examples
            if example.text in self.results
        ]


def keyword_severity(text: str) -> Severity:
    """Return urgent when the text contains a word of the list, else none."""
    return Severity.URGENT if PATTERN.search(text) else Severity.NONE


def keywords(texts: Iterable[str]) -> Baseline:
    """Assess the texts by the keyword list."""
    return Baseline(
        "Keyword list",
        f"urgent when any of {len(WORDS.split())} alarming words stands in the message",
        {text: _result(keyword_severity(text), None) for text in texts},
    )


def tfidf(
    training: Sequence[Example], development: Sequence[Example], texts: Sequence[str]
) -> Baseline:
    """Assess the texts by TF-IDF of words and letters, with logistic regression.

    Thresholds are those of the development part.
    """
    asked = [*(each.text for each in development), *texts]
    scores = tfidf_scores(training, asked)
    concern, urgent = thresholds(development, scores[: len(development)])
    decided = zip(texts, scores[len(development) :], strict=True)
    return Baseline(
        "TF-IDF and logistic regression",
        f"words (1–2) and letters (2–5), trained on all {len(training):,} sentences; thresholds "
        f"where {MOST_URGENT:.0%} (urgent) and {MOST_CONCERN:.0%} (concern) of the harmless "
        "development sentences alarm",
        {text: _result(_verdict(each, concern, urgent), each) for text, each in decided},
    )


def tfidf_scores(training: Sequence[Example], texts: Sequence[str]) -> list[Scores]:
    """Return, for each text, the probabilities that it reaches each severity."""
    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        TfidfVectorizer(analyzer="char", ngram_range=(2, 5), min_df=2, sublinear_tf=True),
    )
    learned = features.fit_transform([each.text for each in training])
    asked = features.transform(texts)
    columns = []
    for severity in list(Severity)[1:]:
        model = LogisticRegression(C=_INVERSE_OF_PENALTY, solver="liblinear")
        model.fit(learned, [each.severity >= severity for each in training])
        columns.append(model.predict_proba(asked)[:, 1])
    return [_scores([round(float(p), 6) for p in row]) for row in zip(*columns, strict=True)]


def diet(training: Sequence[Example], texts: Sequence[str]) -> Baseline | None:
    """Assess the texts by the stock Rasa pipeline. Returns None in a quick run."""
    if os.environ.get(QUICK):
        return None
    answer = _run_diet(training, texts)
    scores = [_scores(steps) for steps in answer["steps"]]
    return Baseline(
        "Stock Rasa pipeline with DIET",
        f"the pipeline of `rasa init`, an intent a severity, trained on {answer['learned']:,} of "
        f"{answer['of']:,} sentences (all would take hours); the likeliest intent decides",
        {text: _result(likeliest(each), each) for text, each in zip(texts, scores, strict=True)},
    )


def thresholds(examples: Sequence[Example], scores: Sequence[Scores]) -> tuple[float, float]:
    """Return the thresholds for concern and urgent that keep the false alarms of the aims."""
    scored = [
        EvaluatedMessage(example, _result(Severity.NONE, each))
        for example, each in zip(examples, scores, strict=True)
    ]
    concern = curve(against_harmless(scored, Severity.CONCERN))
    urgent = curve(against_harmless(scored, Severity.URGENT))
    return threshold_at(concern, MOST_CONCERN), threshold_at(urgent, MOST_URGENT)


def likeliest(scores: Scores) -> Severity:
    """Return the severity with the highest probability."""
    steps = (1.0, *scores, 0.0)
    each = [steps[at] - steps[at + 1] for at in range(len(Severity))]
    return Severity(each.index(max(each)))


def baselines_report(
    lantern: Mapping[str, Sequence[EvaluatedMessage]], baselines: Iterable[Baseline]
) -> dict[str, Any]:
    """Return each system's figures on each set, Lantern's first; `lantern` has its cases by set.

    A baseline with probabilities also gets its recall at Lantern's own rate of false alarms.
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
                "urgent recognised at Lantern's false alarms": round(recall_at(points, allowed), 4)
                if points
                else None,
            }
        )
    return {"systems": systems}


def _counted(sets: Mapping[str, Sequence[EvaluatedMessage]]) -> dict[str, Any]:
    return {name: {"messages": len(cases), **counts(cases)} for name, cases in sets.items()}


def _verdict(scores: Scores, concern: float, urgent: float) -> Severity:
    if scores[_URGENT] >= urgent:
        return Severity.URGENT
    return Severity.CONCERN if scores[_CONCERN] >= concern else Severity.NONE


def _result(severity: Severity, scores: Scores | None) -> Result:
    return Result(severity, (), scores, 0.0)


def _scores(steps: Sequence[float]) -> Scores:
    concern, urgent, immediate = steps
    return concern, urgent, immediate


def _run_diet(training: Sequence[Example], texts: Sequence[str]) -> dict[str, Any]:
    """Run the stock pipeline in the assistant's environment."""
    learned = [{"text": each.text, "severity": int(each.severity)} for each in training]
    done = subprocess.run(
        [str(ASSISTANT / "python"), "-m", "lab.evaluation.baseline_diet"],
        input=json.dumps({"training": learned, "texts": list(texts)}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, **QUIET_RASA},
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
