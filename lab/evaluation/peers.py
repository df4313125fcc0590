"""`make peers`: Lantern beside other systems, on the same public sets of the development part.

Prints one table, a line for each measure and a column for each system, and writes
results/peers.json. The measures are the recall of urgent disclosures at 1 % and at 5 % false
alarms, where each system's score is swept over the harmless messages of the same set, and the
alarms in 1,000 harmless messages at the threshold that lets 2 % of the development part's harmless
sentences alarm. Intervals are Wilson's, 95 %. Sets of other authors are measured if
LANTERN_EVAL_DIR has them, lengths if LANTERN_BACKGROUND names a folder with dev.jsonl.gz.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import click

from lab.evaluation.keyword_lists import read_keyword_lists
from lab.evaluation.measures import Share, percent, share
from lab.evaluation.messages import outside_sets
from lab.evaluation.minilm import MiniLM
from lab.evaluation.peer_sets import (
    PeerSet,
    background_bands,
    development_sets,
    harmless_of_development,
    outside_peer_sets,
)
from lab.evaluation.peer_systems import (
    PeerSystem,
    keyword_system,
    lantern,
    letters_only,
    sentinel,
)
from lab.evaluation.report import RESULTS
from lab.evaluation.sentinel import MOST_EXAMPLES
from lab.training.background import VARIABLE as BACKGROUND
from lab.training.background import background_folder, read_background
from safeguarding.corpus import Example, read_examples

CHOSEN = 2
"""Percentage of the development part's harmless sentences that alarm at the chosen threshold."""
NOT_COMPARABLE = (
    "Lantern's probabilities and thresholds were fitted on the development part, and choices were "
    "made on it. The other systems never saw it, so the lines of d02, d03 and d04 flatter Lantern.",
    "Lantern, the witness and Sentinel's index learn from sentences that were written for this "
    "project, by other writers but after the same guide as d02, d03 and d04. The keyword lists "
    "learn nothing.",
    "Sentinel is made to judge a person by many messages. Here it judges single ones, and its "
    "examples are a sample of our sentences; Roblox recommends 5,000 to 20,000 harmful ones.",
    "The keyword lists are about suicide and self-harm, and the first about abuse too, in American "
    "words. Many disclosures of these sets are about something else. Their score is a number of "
    "entries, so that few shares of false alarms can be reached: see the lines “by its own rule”. "
    "The authors of the first list count entries and name no number at which to alarm.",
    "The sets of other authors are labelled for a hand-off and not for urgency, most of them by "
    "one reader or by topic, and have few disclosures. Where a set has fewer than 100 harmless "
    "messages, 1 % of them is none.",
    "The background is mostly by American adults, and one reader found it harmless. If Lantern's "
    "models have learned from the background's training part, they know its kind of text and the "
    "other systems do not.",
)


def highest_kept_quiet(scores: Iterable[float], percentage: int) -> float:
    """Return the lowest score that at most this percentage of `scores` exceeds.

    A message alarms if its score is higher. Of fewer than 100 messages 1 % is none, so that none of
    them alarms. Raises ValueError without scores.
    """
    falling = sorted(scores, reverse=True)
    if not falling:
        raise ValueError("a threshold needs harmless messages")
    allowed = len(falling) * percentage // 100
    return falling[allowed] if allowed < len(falling) else float("-inf")


def recall(system: PeerSystem, messages: PeerSet, percentage: int) -> Share:
    """Count the disclosures that alarm where at most this percentage of the harmless ones do."""
    quiet = highest_kept_quiet((system.scores[text] for text in messages.harmless), percentage)
    return share(system.scores[text] > quiet for text in messages.urgent)


def by_its_own_rule(system: PeerSystem, texts: Iterable[str]) -> Share | None:
    """Count the texts at which the system alarms; None for a system without a rule."""
    return None if system.alarms is None else share(text in system.alarms for text in texts)


@dataclass(frozen=True)
class PeerLine:
    """A line of the table: one measure, by system."""

    name: str
    figures: Mapping[str, Share | None]
    """None where a system has no such figure."""
    in_thousand: bool = False
    """Whether the share is shown as a number in 1,000."""

    def record(self) -> dict[str, Any]:
        """Return it as JSON."""
        figures = {name: found and found.record() for name, found in self.figures.items()}
        return {"measure": self.name, "figures": figures}

    def cells(self) -> list[str]:
        """Return its cells, such as "95.3 % (90.1–97.9)" or, in 1,000, "12.5 (5.3–29.0)"."""
        return [self.name, *map(self._shown, self.figures.values())]

    def _shown(self, found: Share | None) -> str:
        if found is None or found.value is None:
            return "–"
        scale, record = (1000 if self.in_thousand else 100), found.record()
        value = f"{found.value * scale:.1f}" if self.in_thousand else percent(found.value)
        return f"{value} ({record['low'] * scale:.1f}–{record['high'] * scale:.1f})"


def recall_lines(messages: PeerSet, systems: Sequence[PeerSystem]) -> list[PeerLine]:
    """Return the lines of a set that has disclosures and harmless messages; else none."""
    urgent, harmless = messages.urgent, messages.harmless
    if not urgent or not harmless:
        return []

    def line(name: str, measure: Callable[[PeerSystem], Share | None]) -> PeerLine:
        return PeerLine(f"{messages.name}: {name}", {each.name: measure(each) for each in systems})

    of = f"recall of {len(urgent):,} urgent"
    return [
        line(f"{of}, 1 % false alarms", lambda system: recall(system, messages, 1)),
        line(f"{of}, 5 % false alarms", lambda system: recall(system, messages, 5)),
        line(f"{of}, by its own rule", lambda system: by_its_own_rule(system, urgent)),
        line(
            f"false alarms of {len(harmless):,} harmless, by its own rule",
            lambda system: by_its_own_rule(system, harmless),
        ),
    ]


def alarm_line(
    messages: PeerSet, systems: Sequence[PeerSystem], quiet: Mapping[str, float]
) -> PeerLine:
    """Return the alarms among a set's harmless messages, above the score of `quiet` by system."""
    return PeerLine(
        f"{messages.name}: alarms in 1,000, of {len(messages.harmless):,} harmless",
        {
            each.name: share(each.scores[text] > quiet[each.name] for text in messages.harmless)
            for each in systems
        },
        in_thousand=True,
    )


def table(lines: Sequence[PeerLine]) -> list[str]:
    """Return the lines of a Markdown table. Raises IndexError without lines."""
    rows = [["measure", *lines[0].figures], *(line.cells() for line in lines)]
    made = ["| " + " | ".join(cells) + " |" for cells in rows]
    return [made[0], "|" + "---|" * len(rows[0]), *made[1:]]


@dataclass(frozen=True)
class PeerData:
    """What is measured, read once."""

    harmless: list[str]
    """The sentences on which each system's threshold is chosen."""
    sets: list[PeerSet]
    bands: list[PeerSet]
    """Harmless messages by length; empty without the background."""

    def texts(self) -> list[str]:
        """Return every text once."""
        each = (text for one in (*self.sets, *self.bands) for text in one.urgent + one.harmless)
        return list(dict.fromkeys([*self.harmless, *each]))


def read_data(examples: Sequence[Example]) -> PeerData:
    """Read the sets. Raises OSError where LANTERN_BACKGROUND names a folder without its file."""
    return PeerData(
        harmless_of_development(examples),
        [*development_sets(examples), *outside_peer_sets(outside_sets())],
        background_bands(each.text for each in read_background(background_folder(), "development")),
    )


def compare(data: PeerData, systems: Sequence[PeerSystem]) -> tuple[list[PeerLine], dict[str, Any]]:
    """Return the lines of the table and the report as JSON.

    Each system needs a score of every text of `data`.
    """
    quiet = {
        each.name: highest_kept_quiet((each.scores[text] for text in data.harmless), CHOSEN)
        for each in systems
    }
    lines = [line for each in data.sets for line in recall_lines(each, systems)]
    lines += [alarm_line(each, systems, quiet) for each in data.bands]
    lines += [alarm_line(each, systems, quiet) for each in data.sets if each.harmless]
    return lines, {
        "finished": datetime.now(timezone.utc).isoformat(timespec="minutes"),
        "systems": [
            {"name": each.name, "about": each.about, "alarms above": quiet[each.name]}
            for each in systems
        ],
        "lines": [line.record() for line in lines],
        "not comparable": list(NOT_COMPARABLE),
    }


@click.command()
@click.option(
    "--examples",
    default=MOST_EXAMPLES,
    show_default=True,
    type=click.IntRange(min=2),
    help="Number of examples in Sentinel's index.",
)
def main(examples: int) -> None:
    """Print Lantern beside other systems, and write results/peers.json."""
    corpus = read_examples()
    try:
        data = read_data(corpus)
    except OSError as error:
        raise click.UsageError(f"{BACKGROUND}: {error}") from None
    texts = data.texts()
    _progress(f"Lantern, on {len(texts):,} messages")
    assessed = lantern(texts)
    _progress("Sentinel's method")
    neighbours = sentinel(corpus, texts, MiniLM().vectors, examples)
    _progress("the keyword lists and the witness")
    counted = [keyword_system(each, texts) for each in read_keyword_lists()]
    lines, report = compare(data, [assessed, neighbours, *counted, letters_only(texts)])
    RESULTS.mkdir(parents=True, exist_ok=True)
    written = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    (RESULTS / "peers.json").write_text(written, "utf-8")
    print("\n".join(table(lines)))
    if not data.bands:
        print(f"\n{BACKGROUND} is not set: lines by length are left out.")
    print("\nWhat cannot be compared")
    print("\n".join(f"- {each}" for each in NOT_COMPARABLE))


def _progress(step: str) -> None:
    """Print a step and the time on standard error."""
    print(f"{datetime.now():%H:%M:%S} {step}", file=sys.stderr, flush=True)  # noqa: DTZ005
