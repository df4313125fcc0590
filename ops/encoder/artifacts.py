"""Writes the manifest of artifacts/, for the commands that make its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import msgspec
import yaml

from safeguarding.artifacts import MANIFEST, Artifact, manifest

_HEADER = """\
# What learning left behind and running needs. Each file is written by the command beside it, which
# writes this list too; safeguarding/artifacts.py refuses a file whose SHA-256 is another. `data` is
# a digest of the labelled sentences or chats that it was made from, whatever file they stand in.
"""


def digest(rows: Iterable[object]) -> str:
    """Return 12 digits that identify a set of JSON-ready rows, in any order."""
    lines = sorted(json.dumps(row, sort_keys=True, ensure_ascii=True) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def note(path: Path, *, made_by: str, data: str, on: date) -> None:
    """Enter the file at `path` into the manifest of its folder. Raises ContentError, OSError."""
    listed = manifest(path.parent) if (path.parent / MANIFEST).is_file() else {}
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    listed[path.name] = Artifact(sha256=sha256, made_by=made_by, data=data, date=on)
    record = {name: msgspec.to_builtins(listed[name]) for name in sorted(listed)}
    for each in record.values():
        each["date"] = date.fromisoformat(each["date"])
    text = _HEADER + yaml.safe_dump(record, sort_keys=False)
    part = path.with_name(f".{MANIFEST}.part")
    part.write_text(text, "utf-8")
    part.replace(path.with_name(MANIFEST))
