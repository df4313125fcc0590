"""Measures everything once, section by section."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import chain
from typing import Any

from safeguarding.encoders.adapter import adapter
from safeguarding.risk.dialogues import read_dialogues
from safeguarding.risk.examples import Example, Part, read_examples
from safeguarding.risk.lexicon import read_lexicon
from safeguarding.taxonomy import ROOT
from scripts.evaluation import chats, conversations, messages, outside, topics
from scripts.evaluation.ablation import ablation_report, with_classifier
from scripts.evaluation.aims import message_aims, other_aims
from scripts.evaluation.assessing import Hearing, Said, hear_all, hear_here
from scripts.evaluation.baselines import (
    LANTERN,
    QUICK,
    Baseline,
    baselines_report,
    diet,
    keywords,
    tfidf,
)
from scripts.evaluation.cost import cost_report
from scripts.evaluation.errors import errors
from scripts.evaluation.messages import Case, cases
from scripts.evaluation.obfuscation import disclosures, disguised, obfuscation_report
from scripts.evaluation.report import write
from scripts.evaluation.risk import risk_report
from scripts.evaluation.scoring import scores_report
from scripts.evaluation.summary import summary

PARTS: tuple[Part, ...] = ("test", "development", "training")


class Data:
    """All that is measured, read once. Raises ContentError when any of it is unsound."""

    def __init__(self) -> None:
        examples = read_examples()
        self.training = _of("training", examples)
        self.development = _of("development", examples)
        self.test = _of("test", examples)
        self.independent = messages.independent_examples()
        self.questions = topics.topic_rows()
        self.outside = outside.outside_sets()
        self.dialogues = {part: read_dialogues(part) for part in PARTS}

    def said(self) -> list[Said]:
        """Every message that is assessed."""
        ours = (*self.test, *self.development, *self.independent)
        return [
            *messages.said(ours),
            *disguised(each.text for each in disclosures(self.test)),
            *(Said(row["text"]) for row in self.questions),
            *outside.said(self.outside),
            *(
                said
                for dialogues in self.dialogues.values()
                for said in (
                    *map(chats.said, dialogues.chats),
                    *chain.from_iterable(map(conversations.said, dialogues.conversations)),
                )
            ),
        ]


def measure() -> dict[str, Any]:
    """The whole report, ready for JSON."""
    started = time.monotonic()
    data = Data()
    say("assessing, first alone for the times, then on all cores")
    alone = hear_here(messages.said(data.test))
    hearing = {**alone, **hear_all(said for said in data.said() if said not in alone)}
    test, development = cases(data.test, hearing), cases(data.development, hearing)
    lantern = {
        "test": test,
        "development": development,
        "independent": cases(data.independent, hearing),
    }
    baselines = _baselines(data)
    systems = {LANTERN: test, **{each.name: each.cases(data.test) for each in baselines}}
    say("topics")
    topic_figures = _topics(data)
    say("the lexicon, rule by rule")
    lexicon = read_lexicon()
    report: dict[str, Any] = {
        **{name: risk_report(listed) for name, listed in lantern.items()},
        "scores": scores_report(test, development, systems),
        "errors": errors(development),
        "cost": cost_report(alone.values()),
        "baselines": baselines_report(lantern, baselines),
        "topics": topic_figures,
        "obfuscation": obfuscation_report(cases(disclosures(data.test), hearing), hearing),
        "conversations": {
            part: conversations.conversations_report(each.conversations, hearing)
            for part, each in data.dialogues.items()
        },
        "chats": {
            part: chats.chats_report(each.chats, hearing) for part, each in data.dialogues.items()
        },
        "lexicon": ablation_report(
            lexicon, data.development, data.training, with_classifier(lexicon)
        ),
        "outside": outside.outside_report(data.outside, hearing),
    }
    return {
        "run": {
            "finished": datetime.now(timezone.utc).isoformat(timespec="minutes"),
            "minutes": round((time.monotonic() - started) / 60, 1),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "lexicon": lexicon.version,
            "classifier": adapter().version,
            "assessed": len(hearing),
            "quick": bool(os.environ.get(QUICK)),
        },
        "aims": _aims(data, test, hearing, report),
        **report,
    }


def main() -> int:
    """Measure, write both files, print the summary."""
    report = measure()
    data, page = write(report)
    print("\n".join(summary(report)))
    print(f"\nWhole report: {page.relative_to(ROOT)}, {data.relative_to(ROOT)}")
    return 0


def say(what: str) -> None:
    """Tell whoever waits what is being done, and at what time."""
    print(f"{datetime.now():%H:%M:%S} {what}", file=sys.stderr, flush=True)  # noqa: DTZ005


def _of(part: Part, examples: Sequence[Example]) -> list[Example]:
    return [example for example in examples if example.part == part]


def _baselines(data: Data) -> list[Baseline]:
    texts = [each.text for each in (*data.test, *data.independent, *data.development)]
    kept_back = texts[: len(data.test) + len(data.independent)]
    say("keyword list and TF-IDF")
    counted = [keywords(texts), tfidf(data.training, data.development, texts)]
    say("the stock Rasa pipeline (half an hour to train when the data has changed)")
    stock = diet(data.training, kept_back)  # slow: it need not answer what it cannot be tuned on
    return [*counted, stock] if stock else counted


def _topics(data: Data) -> dict[str, Any]:
    ours, others = topics.other_talk(data.test), outside.chatter(data.outside)
    questions = [row["text"] for row in data.questions]
    verdicts = topics.classified([*questions, *ours, *others])
    if verdicts is None:
        return {}
    asked, talked = len(questions), len(questions) + len(ours)
    return {
        "questions": topics.topic_report(data.questions, verdicts[:asked]),
        "our talk": topics.talk_report(verdicts[asked:talked]),
        "outside talk": topics.talk_report(verdicts[talked:]),
    }


def _aims(
    data: Data, test: Sequence[Case], hearing: Hearing, report: dict[str, Any]
) -> list[dict[str, Any]]:
    asked = [hearing[Said(row["text"])] for row in data.questions]
    chatter = [hearing[Said(text)] for text in outside.chatter(data.outside)]
    found = [*message_aims(test), *other_aims(asked, chatter, report)]
    return [aim.record() for aim in found]
