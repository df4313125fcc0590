"""The areas whose own services we know: one file of content/contacts each, and its buttons."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from safeguarding.records import ContentError, Problem, read_yaml
from safeguarding.taxonomy import CONTENT

Nation = Literal["england", "wales", "scotland", "northern_ireland"]
NATIONAL = "national"
ELSEWHERE = "elsewhere"
HOME = "wiltshire"
NOT_SERVICES = {"needs", "retired"}
"""Files of the folder that hold no services."""


class AreaRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The head of an area's file, under `area`. The name of the file is the area's id."""

    label: str
    """What its button says."""
    nation: Nation
    words: list[str]
    """How people name it and the places in it, in small letters."""


def service_files(folder: Path = CONTENT / "contacts") -> list[Path]:
    """The files that hold services: the national one first, then one for each area."""
    found = [path for path in folder.glob("*.yml") if path.stem not in {*NOT_SERVICES, NATIONAL}]
    return [folder / f"{NATIONAL}.yml", *sorted(found, key=_home_first)]


@cache
def areas(folder: Path = CONTENT / "contacts") -> dict[str, AreaRecord]:
    """The areas by id. Raises ContentError with all that is wrong with their heads."""
    found: dict[str, AreaRecord] = {}
    problems: list[Problem] = []
    for path in service_files(folder)[1:]:
        try:
            document = read_yaml(path)
            if not isinstance(document.data, dict) or "area" not in document.data:
                problems.append(document.problem("no `area`: its label, nation and words"))
                continue
            found[path.stem] = document.convert(AreaRecord, "area")
        except ContentError as error:
            problems += error.problems
    if problems:
        raise ContentError(problems)
    return found


def _home_first(path: Path) -> tuple[bool, str]:
    """Lantern's own area before its neighbours, and those in the order of their names."""
    return path.stem != HOME, path.stem
