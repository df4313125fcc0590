"""The trained artifacts that running needs (artifacts/), each checked by its hash.

artifacts/manifest.yml lists the SHA-256 of every file, the command and data it was made from, and
the date. Only the commands of lab/ and ops/encoder/ write these files.
"""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import msgspec

from safeguarding.records import ContentError, Problem, read_yaml
from safeguarding.taxonomy import ROOT

ARTIFACTS = ROOT / "artifacts"
MANIFEST = "manifest.yml"
ADAPTER, WITNESS = "adapter.safetensors", "witness.safetensors"
CALIBRATION = "calibration.yml"
CHAT_THRESHOLDS = "chat_thresholds.yml"
SMOOTHING, VECTORS = "smoothing.safetensors", "vectors.safetensors"
"""Make the set-up quick; both belong to one adapter, and are made anew for another."""
_VERSION = 12
"""Digits of a SHA-256 that name a version in signals."""


class Artifact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One file of the manifest."""

    sha256: str
    made_by: str
    """The command that writes it."""
    data: str
    """Digest of the labelled data that it was made from (ops/encoder/artifacts.py)."""
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
