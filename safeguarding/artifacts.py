"""The trained artifacts that running needs (artifacts/), each checked by its hash.

artifacts/manifest.yml lists the SHA-256 of every file, the command and data it was made from, and
the date. Only commands of lab/ and ops/encoder/ write these files, never a service.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import msgspec
import yaml

from safeguarding.records import ContentError, Problem, read_yaml
from safeguarding.taxonomy import ROOT

ARTIFACTS = ROOT / "artifacts"
MANIFEST = "manifest.yml"
ADAPTER, WITNESS = "adapter.safetensors", "witness.safetensors"
CALIBRATION = "calibration.yml"
CHAT_THRESHOLDS = "chat_thresholds.yml"
DIALOGUE = "dialogue.safetensors"
DIALOGUE_ADAPTER = "dialogue_adapter.safetensors"
SECOND_READER = "second_reader.safetensors"
SMOOTHING, VECTORS = "smoothing.safetensors", "vectors.safetensors"
DIALOGUE_SMOOTHING = "dialogue_smoothing.safetensors"
"""Make the set-up quick; each belongs to one adapter, and is made anew for another."""
_VERSION = 12
"""Digits of a SHA-256 that name a version in signals."""
_HEADER = """\
# What learning left behind and running needs. Each file is written by the command beside it, which
# writes this list too; safeguarding/artifacts.py refuses a file whose SHA-256 is another. `data` is
# a digest of the labelled sentences or chats that it was made from, whatever file they stand in.
"""


class Artifact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One file of the manifest."""

    sha256: str
    made_by: str
    """The command that writes it."""
    data: str
    """`digest_of` the labelled data that it was made from."""
    date: date

    @property
    def version(self) -> str:
        """The first 12 digits of the file's SHA-256, which signals carry as their version."""
        return self.sha256[:_VERSION]


def manifest(folder: Path = ARTIFACTS) -> dict[str, Artifact]:
    """Return every artifact by its file name. Raises ContentError when the manifest is unsound."""
    return read_yaml(folder / MANIFEST).convert(dict[str, Artifact])


def checked(name: str, folder: Path = ARTIFACTS) -> Path:
    """Return the path of an artifact that matches the manifest.

    Raises ContentError when it is not in the manifest, is missing, or has another hash.
    """
    path, listed = folder / name, manifest(folder)
    if name not in listed:
        raise ContentError([Problem(path, 1, f"is not in {MANIFEST}")])
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ContentError([Problem(path, 1, str(error.strerror))]) from None
    if digest != listed[name].sha256:
        what = f"has SHA-256 {digest}; {MANIFEST} says {listed[name].sha256}"
        raise ContentError([Problem(path, 1, what)])
    return path


def digest_of(rows: Iterable[object]) -> str:
    """Return 12 digits that identify a set of JSON-ready rows, in any order."""
    lines = sorted(json.dumps(row, sort_keys=True, ensure_ascii=True) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def add_to_manifest(path: Path, *, made_by: str, data: str, on: date) -> None:
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
