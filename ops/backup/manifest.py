"""The manifest of a backup: what it holds, the hash of each file, and what is kept apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from ops.backup.copies import Contents

KIND = "lantern backup 1"
NAME = "manifest.json"
KEPT_APART = ("field_keys", "token_key", "channel_secret", "action_secret")
"""Secrets that are never in a backup: whoever has both can read everything."""
_BLOCK = 1 << 20


class ManifestError(ValueError):
    """The folder is not a whole backup. Says what is wrong."""


@dataclass(frozen=True)
class Manifest:
    """What is said of a backup."""

    at: str
    """When the copying began, ISO 8601."""
    database: str
    """ "sqlite" or "postgresql"."""
    contents: Contents
    files: dict[str, str]
    """SHA-256 by path below the folder."""

    @property
    def moment(self) -> datetime:
        """When, with its time zone."""
        return datetime.fromisoformat(self.at)

    def as_bytes(self) -> bytes:
        """As it stands in its file."""
        record = {"kind": KIND, "kept_apart": KEPT_APART, **asdict(self)}
        return (json.dumps(record, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """The manifest of a backup, with its files compared. Raises ManifestError, OSError."""
        try:
            record = json.loads((folder / NAME).read_bytes())
            if record.pop("kind") != KIND:
                raise ManifestError(f"{folder / NAME} is of a kind that is not known")
            del record["kept_apart"]
            held = record.pop("contents")
            found = Contents(**{**held, "key_ids": tuple(held["key_ids"])})
            manifest = cls(**record, contents=found)
        except FileNotFoundError:
            raise ManifestError(f"there is no {NAME} in {folder}") from None
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError):
            raise ManifestError(f"{folder / NAME} cannot be read") from None
        manifest._compare(folder)
        return manifest

    def _compare(self, folder: Path) -> None:
        for name, digest in self.files.items():
            path = folder / name
            if not path.resolve().is_relative_to(folder.resolve()):
                raise ManifestError(f"{name} lies outside the backup")
            if not path.is_file():
                raise ManifestError(f"{name} is missing")
            if hash_of(path) != digest:
                raise ManifestError(f"{name} is not what was written")
        extra = set(files_below(folder)) - set(self.files) - {NAME}
        if extra:
            raise ManifestError(f"{min(extra)} is not on the manifest")


def files_below(folder: Path) -> Iterable[str]:
    """The path of every file below the folder, as a manifest names it."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path.relative_to(folder).as_posix() for path in paths]


def hash_of(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
