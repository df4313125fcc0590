"""`make evaluate`: how well Lantern recognises risk in messages that it never learned.

Prints a summary and the published figures, and writes results/evaluation.json and
results/evaluation.html. Sets of other authors are kept beside the checkout and never in it; they
are measured if LANTERN_EVAL_DIR (default: ../shared/eval) holds them, and real everyday text if
LANTERN_BACKGROUND names its folder. LANTERN_EVALUATE_QUICK=1 leaves out the baseline that takes
minutes to train.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import chain
from typing import Any

import click

from lab.evaluation import dialogues, everyday, messages, topics
from lab.evaluation.ablation import ablation_report, with_classifier
from lab.evaluation.aims import message_aims, other_aims, summary
from lab.evaluation.assessing import Results, TimedMessage, assess_all, assess_here, cost_report
from lab.evaluation.baselines import (
    LANTERN,
    QUICK,
    Baseline,
    baselines_report,
    diet,
    keywords,
    tfidf,
)
from lab.evaluation.compare_reports import main_figures, table
from lab.evaluation.messages import (
    EvaluatedMessage,
    cases,
    disclosures,
    disguised,
    obfuscation_report,
)
from lab.evaluation.report import write
from lab.evaluation.risk import errors, risk_report, scores_report
from lab.training.background import background_folder, read_background
from safeguarding.corpus import Example, Part, read_dialogues, read_examples
from safeguarding.risk.encoder.vectors import read_adapter
from safeguarding.risk.lexicon.reader import read_lexicon
from safeguarding.taxonomy import ROOT

PARTS: tuple[Part, ...] = ("test", "development")


class EvaluationData:
    """All sets of an evaluation, read once. Raises ContentError when one of them is invalid."""

    def __init__(self) -> None:
        examples = read_examples()
        self.training = _of("training", examples)
        self.development = _of("development", examples)
        self.test = _of("test", examples)
        self.independent = messages.independent_examples()
        self.questions = topics.topic_rows()
        self.outside = messages.outside_sets()
        self.everyday = read_background(background_folder(), "development")
        self.dialogues = {part: read_dialogues(part) for part in PARTS}

    def messages(self) -> list[TimedMessage]:
        """Return every message that is assessed."""
        ours = (*self.test, *self.development, *self.independent)
        return [
            *messages.of_examples(ours),
            *disguised(each.text for each in disclosures(self.test)),
            *(TimedMessage(row["text"]) for row in self.questions),
            *messages.of_outside(self.outside),
            *everyday.to_assess(self.everyday),
            *(
                message
                for part in self.dialogues.values()
                for message in (
                    *map(dialogues.pasted, part.chats),
                    *chain.from_iterable(map(dialogues.turns, part.conversations)),
                )
            ),
        ]


def measure() -> dict[str, Any]:
    """Evaluate everything and return the report as a JSON object."""
    started = time.monotonic()
    data = EvaluationData()
    _progress("assessing, first alone for the times, then on all cores")
    alone = assess_here(messages.of_examples(data.test))
    results = {**alone, **assess_all(each for each in data.messages() if each not in alone)}
    test, development = cases(data.test, results), cases(data.development, results)
    lantern = {
        "test": test,
        "development": development,
        "independent": cases(data.independent, results),
    }
    baselines = _baselines(data)
    systems = {LANTERN: test, **{each.name: each.cases(data.test) for each in baselines}}
    _progress("topics")
    topic_figures = _topics(data)
    _progress("the lexicon, rule by rule")
    lexicon = read_lexicon()
    report: dict[str, Any] = {
        **{name: risk_report(listed) for name, listed in lantern.items()},
        "scores": scores_report(test, development, systems),
        "errors": errors(development),
        "cost": cost_report(alone.values()),
        "baselines": baselines_report(lantern, baselines),
        "topics": topic_figures,
        "obfuscation": obfuscation_report(cases(disclosures(data.test), results), results),
        "conversations": {
            part: dialogues.conversations_report(each.conversations, results)
            for part, each in data.dialogues.items()
        },
        "chats": {
            part: dialogues.chats_report(each.chats, results)
            for part, each in data.dialogues.items()
        },
        "lexicon": ablation_report(
            lexicon, data.development, data.training, with_classifier(lexicon)
        ),
        "outside": messages.outside_report(data.outside, results),
        "everyday": everyday.everyday_report(data.everyday, results),
    }
    return {
        "run": {
            "finished": datetime.now(timezone.utc).isoformat(timespec="minutes"),
            "minutes": round((time.monotonic() - started) / 60, 1),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "lexicon": lexicon.version,
            "classifier": read_adapter().version,
            "assessed": len(results),
            "quick": bool(os.environ.get(QUICK)),
        },
        "aims": _aims(data, test, results, report),
        **report,
    }


@click.command()
def main() -> None:
    """Evaluate, write both files, and print the summary and the published figures."""
    report = measure()
    data, page = write(report)
    print("\n".join(summary(report)))
    print("\nThe published figures (`python -m lantern compare-reports` says which moved)")
    print("\n".join(table(main_figures(report))))
    print(f"\nWhole report: {page.relative_to(ROOT)}, {data.relative_to(ROOT)}")


def _progress(step: str) -> None:
    """Print a step and the time on standard error."""
    print(f"{datetime.now():%H:%M:%S} {step}", file=sys.stderr, flush=True)  # noqa: DTZ005


def _of(part: Part, examples: Sequence[Example]) -> list[Example]:
    return [example for example in examples if example.part == part]


def _baselines(data: EvaluationData) -> list[Baseline]:
    texts = [each.text for each in (*data.test, *data.independent, *data.development)]
    kept_back = texts[: len(data.test) + len(data.independent)]
    _progress("keyword list and TF-IDF")
    counted = [keywords(texts), tfidf(data.training, data.development, texts)]
    _progress("the stock Rasa pipeline (half an hour to train when the data has changed)")
    stock = diet(data.training, kept_back)  # slow: it is not asked about the development part
    return [*counted, stock] if stock else counted


def _topics(data: EvaluationData) -> dict[str, Any]:
    ours, others = topics.other_talk(data.test), messages.chatter(data.outside)
    questions = [row["text"] for row in data.questions]
    verdicts = topics.classify([*questions, *ours, *others])
    if verdicts is None:
        return {}
    asked, talked = len(questions), len(questions) + len(ours)
    return {
        "questions": topics.topic_report(data.questions, verdicts[:asked]),
        "our talk": topics.talk_report(verdicts[asked:talked]),
        "outside talk": topics.talk_report(verdicts[talked:]),
    }


def _aims(
    data: EvaluationData, test: Sequence[EvaluatedMessage], results: Results, report: dict[str, Any]
) -> list[dict[str, Any]]:
    asked = [results[TimedMessage(row["text"])] for row in data.questions]
    chatter = [results[TimedMessage(text)] for text in messages.chatter(data.outside)]
    found = [*message_aims(test), *other_aims(asked, chatter, report)]
    return [aim.record() for aim in found]
