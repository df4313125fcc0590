"""What learning left behind and running needs: artifacts/, each file proved by its hash.

artifacts/manifest.yml says of every file its SHA-256, what made it, from which data, and when. The
commands of lab/ write both; nothing else does.
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
    """Digest of the labelled sentences or chats behind it (ops/encoder/artifacts.py)."""
    date: date

    @property
    def version(self) -> str:
        """The first 12 digits of the file's SHA-256: how a signal names what it comes from."""
        return self.sha256[:_VERSION]


def manifest(folder: Path = ARTIFACTS) -> dict[str, Artifact]:
    """Every artifact by its file's name. Raises ContentError when the manifest is unsound."""
    return read_yaml(folder / MANIFEST).convert(dict[str, Artifact])


def checked(name: str, folder: Path = ARTIFACTS) -> Path:
    """The path of an artifact whose bytes are those of the manifest.

    Raises ContentError when it is not in the manifest, is missing, or has another hash: it was
    changed by hand, or an older file was left behind.
    """
    path, listed = folder / name, manifest(folder)
    if name not in listed:
        raise ContentError([Problem(path, 1, f"is not in {MANIFEST}")])
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ContentError([Problem(path, 1, str(error.strerror))]) from None
    if found != listed[name].sha256:
        what = f"has SHA-256 {found}; {MANIFEST} says {listed[name].sha256}"
        raise ContentError([Problem(path, 1, what)])
    return path
