"""The published figures of an evaluation, and which of them differ between two evaluations.

`python -m lantern compare-reports BEFORE.json AFTER.json` compares two copies of
results/evaluation.json. `make evaluate` prints the published figures of its own report.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from lab.evaluation.measures import percent

Report = Mapping[str, Any]
Figures = dict[str, Mapping[str, Any]]
"""Records of shares by the name of the figure."""

_PARTS = ("test", "development", "independent")
_RISK = {
    "urgent recognised": "urgent or immediate, recognised as at least urgent",
    "immediate recognised": "immediate, recognised as at least urgent",
    "any risk recognised": "any risk, recognised as at least concern",
    "harmless urgent": "harmless, wrongly urgent",
    "harmless concern": "harmless, wrongly at least concern",
}
_CATEGORIES = {"one right, of those recognised": "a right category, of those recognised"}
_AIMS = ("young people", "adults", "near misses", "ordinary talk", "questions in general")
"""Beginnings of the names of aims that stand in no other section of the report."""
_CONVERSATIONS = ("handed off by the turn it is due", "harmless, handed off")
_CHATS = (
    "harmful, at least concern",
    "due urgent, at least urgent",
    "harmless, at least urgent",
    "harmless, at least concern",
)
_TOPICS = {"right first": "right first", "within three": "within the first three"}
_OTHER_TALK = {
    "our talk": "our everyday talk answered with safeguarding content",
    "outside talk": "other people's talk answered with safeguarding content",
}
_EVERYDAY = {name: name for name in ("at least urgent", "immediate", "at least concern")}
_EVERYDAY_CHATS = {"chats handed off": "harmless chats of ten messages handed off"}
_OUTSIDE = {"at least urgent": "at least urgent", "at least concern": "at least concern"}


def main_figures(report: Report) -> Figures:
    """Return the published figures (docs/what-it-misses.md) in their order.

    Parts of the report that are missing or empty are left out. Reports from before 26 November 2026
    say "heard" in their keys where later ones say "recognised": both are read.
    """
    return dict(_figures(_renamed(report)))


def _figures(report: Report) -> Iterator[tuple[str, Mapping[str, Any]]]:
    everyday = report.get("everyday") or {}
    for name, found in {"all": everyday.get("all"), **(everyday.get("by length") or {})}.items():
        yield from _some(f"everyday text, {name}", found or {}, _EVERYDAY)
    yield from _some("everyday text", everyday, _EVERYDAY_CHATS)
    for part in _PARTS:
        found = report.get(part) or {}
        yield from _some(part, found, _RISK)
        yield from _some(part, found.get("categories") or {}, _CATEGORIES)
    for aim in report.get("aims") or []:
        if aim["name"].startswith(_AIMS):
            yield from _some(aim["where"], aim, {"measured": aim["name"]})
    for section, keys in (("conversations", _CONVERSATIONS), ("chats", _CHATS)):
        for part, found in (report.get(section) or {}).items():
            yield from _some(f"{section}, {part}", found, dict(zip(keys, keys, strict=True)))
    topics = report.get("topics") or {}
    yield from _some("topics", topics.get("questions") or {}, _TOPICS)
    yield from _some("topics", topics, _OTHER_TALK)
    disguises = (report.get("obfuscation") or {}).get("disguises") or {}
    for name, found in disguises.items():
        yield from _some(f"disguised as {name}", found, {"recognised": "recognised as urgent"})
    for name, found in (report.get("outside") or {}).items():
        yield from _some(f"outside, {name}", found, _OUTSIDE)


def _some(
    where: str, section: Report, names: Mapping[str, str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return the shares under these keys that were measured on something."""
    for key, name in names.items():
        if section.get(key) and section[key]["of"]:
            yield f"{where}: {name}", section[key]


def _renamed(value: Any) -> Any:
    """Replace the "heard" of older reports by "recognised", in keys and names."""
    if isinstance(value, Mapping):
        return {_renamed(key): _renamed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each) for each in value]
    return value.replace("heard", "recognised") if isinstance(value, str) else value


def table(figures: Figures) -> list[str]:
    """Return a line for each figure: "83.0 %  (566/684)  test: urgent or immediate, …"."""
    return [f"  {_shown(record):24}{name}" for name, record in figures.items()]


def moved(before: Figures, after: Figures) -> list[str]:
    """Return a line for each figure that differs, and the number of those that do not."""
    names = list(dict.fromkeys([*before, *after]))
    changed = [name for name in names if _counts(before, name) != _counts(after, name)]
    lines = [
        f"  {_shown(before.get(name)):24}{_shown(after.get(name)):24}{name}" for name in changed
    ]
    header = [f"  {'before':24}{'after':24}figure"] if lines else []
    return [*header, *lines, f"{len(names) - len(changed)} of {len(names)} figures are the same."]


def _counts(figures: Figures, name: str) -> tuple[int, int] | None:
    record = figures.get(name)
    return (record["hits"], record["of"]) if record else None


def _shown(record: Mapping[str, Any] | None) -> str:
    if record is None:
        return "not measured"
    return f"{percent(record['share'])}  ({record['hits']:,}/{record['of']:,})"


def read_figures(path: Path) -> Figures:
    """Read the published figures of a results file. Raises OSError and ValueError."""
    report = json.loads(path.read_text("utf-8"))
    if not isinstance(report, dict) or "run" not in report:
        raise ValueError(f"{path} is no report of `make evaluate`")
    return main_figures(report)


@click.command()
@click.argument("files", nargs=2, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(files: tuple[Path, Path]) -> None:
    """Print which figures differ between two FILES, each a results/evaluation.json."""
    try:
        before, after = map(read_figures, files)
    except (OSError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    click.echo("\n".join(moved(before, after)))
