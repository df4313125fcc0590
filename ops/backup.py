"""`python -m lantern backup`: copies everything that has to survive, except the keys.

A backup is a folder with a copy of the database (ops/database_copy.py), the files that wait in the
state folder, and a manifest with the hash of each file.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from ops.database_copy import Contents, CopyError, backend_of, copy_database, is_empty
from safeguarding.clock import utc_now
from safeguarding.settings import Settings
from safeguarding.state_folder import write_whole
from staff.audit import trail
from staff.audit.trail import COMMAND_LINE, Event, operator
from staff.retention.ledger import FOLDER, Ledger, LedgerError
from storage.engine import READING, connect

FOLDERS = ("spool", FOLDER, "anchors")
"""Folders of the state that go into a backup: the spool, the ledger of disposals, the anchors."""
BACKED_UP = "backed up"
KIND = "lantern backup 1"
NAME = "manifest.json"
KEPT_APART = ("field_keys", "token_key", "channel_secret", "action_secret")
"""Secrets that are never in a backup: together they make everything readable."""


class ManifestError(ValueError):
    """The folder is not a complete backup. Says what is wrong."""


@dataclass(frozen=True)
class Manifest:
    """The description of a backup, written beside its files."""

    at: str
    """When the copying began, ISO 8601."""
    database: str
    """ "sqlite" or "postgresql"."""
    contents: Contents
    files: dict[str, str]
    """SHA-256 by path below the folder."""

    def as_bytes(self) -> bytes:
        """Return the content of the manifest's file."""
        record = {"kind": KIND, "kept_apart": KEPT_APART, **asdict(self)}
        return (json.dumps(record, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read a manifest and check its files. Raises ManifestError, OSError."""
        try:
            record = json.loads((folder / NAME).read_bytes())
            if record.pop("kind") != KIND:
                raise ManifestError(f"{folder / NAME} is of a kind that is not known")
            del record["kept_apart"]
            fields = record.pop("contents")
            contents = Contents(**{**fields, "key_ids": tuple(fields["key_ids"])})
            manifest = cls(**record, contents=contents)
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
        extra = set(_files_below(folder)) - set(self.files) - {NAME}
        if extra:
            raise ManifestError(f"{min(extra)} is not on the manifest")


def _files_below(folder: Path) -> list[str]:
    """Return the path of every file below the folder, as a manifest names it."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path.relative_to(folder).as_posix() for path in paths]


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def back_up(settings: Settings, place: Path, now: datetime) -> Manifest:
    """Write a backup into a folder that does not exist yet or is empty, whole or not at all.

    Raises FileExistsError, CopyError, LedgerError, OSError, SQLAlchemyError.
    """
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise FileExistsError(place)
    if is_empty(settings.database_url):
        raise CopyError("there is no database at LANTERN_DATABASE_URL")
    draft = place.parent / f".{place.name}.partial"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    try:
        manifest = _fill(settings, draft, now)
        # Every copy of the records is on the audit trail.
        detail = {
            "manifest": hashlib.sha256(manifest.as_bytes()).hexdigest(),
            "number": manifest.contents.number,
            "link": manifest.contents.link,
            "operator": operator(),
        }
        engine = connect(settings.database_url)
        with engine.begin() as connection:
            trail.append(connection, Event(now, COMMAND_LINE, BACKED_UP, detail=detail))
        engine.dispose()
        if place.exists():
            place.rmdir()
        draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def _fill(settings: Settings, draft: Path, now: datetime) -> Manifest:
    engine = connect(settings.database_url)
    with engine.connect().execution_options(**READING) as connection:
        Ledger.of(settings.state_dir).catch_up(connection)
    engine.dispose()
    # The spool before the database, so that a record that moves meanwhile is in both.
    # Twice, because a file of the spool gets another name when its message is assessed there.
    for name in (*FOLDERS, "spool"):
        copy_files(settings.state_dir / name, draft / name)
    contents = copy_database(settings.database_url, draft)
    files = {name: hash_of(draft / name) for name in _files_below(draft)}
    backend = backend_of(settings.database_url)
    manifest = Manifest(now.isoformat(), backend, contents, files)
    write_whole(draft / NAME, manifest.as_bytes())
    for path in [draft, *draft.rglob("*")]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return manifest


def copy_files(source: Path, target: Path) -> int:
    """Copy the files of a folder that the other lacks and return how many.

    Hidden files are skipped: they are still being written. A file that vanishes meanwhile was moved
    into the database.
    """
    count = 0
    for path in sorted(source.glob("*")) if source.is_dir() else []:
        place = target / path.name
        if path.name.startswith(".") or not path.is_file() or place.exists():
            continue
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        write_whole(place, content)
        count += 1
    return count


@click.command()
@click.argument("place", type=click.Path(path_type=Path, file_okay=False))
def main(place: Path) -> None:
    """Copy database, spool, ledger, certificates and anchors to the folder PLACE, without keys."""
    try:
        manifest = back_up(Settings.from_env(), place, utc_now())
    except FileExistsError:
        raise click.ClickException(f"{place} is there already: name a new folder.") from None
    except (CopyError, LedgerError) as error:
        raise click.ClickException(f"{error}.") from None
    except SQLAlchemyError as error:
        raise click.ClickException(f"The database failed: {type(error).__name__}.") from None
    except OSError as error:
        raise click.ClickException(f"It cannot be written: {error.strerror}.") from None
    held = manifest.contents
    click.echo(f"cases: {held.cases}, messages: {held.messages}, newest event: {held.number}")
    click.echo(f"The key ring is not in it. Keep apart: {', '.join(KEPT_APART)}.")
    if held.key_ids:
        click.echo(f"It can be read with these keys of field_keys: {', '.join(held.key_ids)}.")
