"""`python -m lantern compare-without-rasa`: says whether the replies are the same without Rasa.

It holds conversations with the whole stack. Each message is answered by Rasa and beside it without
Rasa, after the same conversation, and the two replies are compared field by field.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import click
import yaml

from ops.comparing_gateway import NOTES, OWN_WEIGHTS, SAME_WEIGHTS
from ops.reply import UNHURRIED, replies, wait_for_screening
from ops.stack import Process, Stack
from safeguarding.taxonomy import ROOT

PLAYED, WRITTEN = ROOT / "tests" / "dialogues", ROOT / "data" / "dialogues" / "development"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Comparison:
    """What was compared, and what differed."""

    notes: list[dict[str, Any]] = field(default_factory=list)
    megabytes: dict[str, float] = field(default_factory=dict)
    """The memory of each process of its own, without what it shares."""

    def differing(self, weights: str) -> list[dict[str, Any]]:
        """Return the notes of the messages whose replies differ with these weights."""
        return [note for note in self.notes if note[weights]]

    def fields(self, weights: str) -> Counter[str]:
        """Return how often each field differs."""
        return Counter(name for note in self.notes for name in note[weights])

    def as_table(self) -> str:
        """Return the counts as a table."""
        count, parts = len(self.notes), sum(note["messages"] for note in self.notes)
        lines = [f"messages answered by Rasa: {count}, parts of their replies: {parts}"]
        for weights in (SAME_WEIGHTS, OWN_WEIGHTS):
            lines.append(f"{weights}: {len(self.differing(weights))} replies differ")
            found = self.fields(weights).most_common()
            lines += [f"  {number:4}  {name}" for name, number in found]
        theirs = median(note["rasa_s"] for note in self.notes) * 1000
        ours = median(note[f"{OWN_WEIGHTS}, s"] for note in self.notes) * 1000
        lines.append(
            f"median: Rasa {theirs:.1f} ms, without {ours:.1f} ms, {theirs / ours:.1f} times"
        )
        lines += [f"{name}: {size:.0f} MB" for name, size in self.megabytes.items()]
        return "\n".join(lines)


def conversations(most: int, seed: int = 60) -> list[dict[str, Any]]:
    """Return conversations as lines for `make reply`: those that are played, and some written."""
    played = [_played(path) for path in sorted(PLAYED.glob("*.yml"))]
    written = [
        _line(each["id"], each, [turn["user"] for turn in each["turns"] if "user" in turn])
        for path in sorted(WRITTEN.glob("*.yml"))
        for each in _read(path)["conversations"]
    ]
    random.Random(seed).shuffle(written)  # noqa: S311 - no secret
    return [*played, *written][:most]


def _played(path: Path) -> dict[str, Any]:
    read = _read(path)
    turns = [
        {"choice": turn["pressed"]} if "pressed" in turn else turn["said"] for turn in read["turns"]
    ]
    return _line(path.stem, read, turns)


def _line(id_: str, record: dict[str, Any], turns: list[Any]) -> dict[str, Any]:
    audience = record.get("audience")
    return {"id": id_, "turns": turns, **({"audience": audience} if audience else {})}


def _read(path: Path) -> Any:
    return yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader


def compare(lines: Iterable[dict[str, Any]]) -> Comparison:
    """Hold the conversations, and return what differed. Raises NotReadyError."""
    with tempfile.TemporaryDirectory(prefix="lantern-compare-") as folder:
        stack = Stack(Path(folder), env=UNHURRIED, gateway="ops.comparing_gateway")
        try:
            stack.setup()
            stack.start(*stack.answering)
            wait_for_screening(stack.url("gateway"))
            asyncio.run(_hold([json.dumps(line).encode() for line in lines], stack))
            megabytes = {each.name: _megabytes(each) for each in stack.answering}
        finally:
            stack.stop()
        text = (Path(folder) / NOTES).read_text("utf-8")
        return Comparison([json.loads(line) for line in text.splitlines()], megabytes)


async def _hold(lines: list[bytes], stack: Stack) -> None:
    async for _ in replies(lines, stack.url("gateway")):
        pass


def _megabytes(process: Process) -> float:
    """Return the memory of a process and its children that is theirs alone (Linux)."""
    ids, kilobytes = [process.pid], 0
    while ids:
        folder = Path("/proc") / str(ids.pop())
        rollup = (folder / "smaps_rollup").read_text("ascii").splitlines()
        private = [line.split()[1] for line in rollup if line.startswith("Private_")]
        kilobytes += sum(map(int, private))
        children = [path.read_text("ascii").split() for path in folder.glob("task/*/children")]
        ids += [int(child) for each in children for child in each]
    return kilobytes / 1000


@click.command()
@click.option("--most", default=500, show_default=True, help="How many conversations.")
@click.option("--out", type=click.Path(path_type=Path), help="Writes each difference as JSON.")
def main(most: int, out: Path | None) -> None:
    """Print which fields of the replies differ without Rasa; exit with 1 if one does."""
    found = compare(conversations(most))
    click.echo(found.as_table())
    if out is not None:
        differing = [note for note in found.notes if note[SAME_WEIGHTS] or note[OWN_WEIGHTS]]
        out.write_text("\n".join(map(json.dumps, differing)) + "\n", "utf-8")
    raise SystemExit(1 if found.differing(SAME_WEIGHTS) else 0)
