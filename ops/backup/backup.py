"""`python -m lantern backup`: a copy of all that has to survive, but for the keys."""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from ops.backup import copies
from ops.backup.copies import CopyError
from ops.backup.manifest import KEPT_APART, NAME, Manifest, files_below, hash_of
from safeguarding.clock import utc_now
from safeguarding.settings import Settings
from safeguarding.state_folder import write_whole
from staff.audit import trail
from staff.audit.audit_log import COMMAND_LINE, operator
from staff.audit.trail import Event
from staff.retention.ledger import FOLDER, Ledger, LedgerError
from storage.engine import READING, connect

FOLDERS = ("spool", FOLDER, "anchors")
"""Folders of the state that go into a backup: what waits, what was disposed of, daily anchors."""
BACKED_UP = "backed up"


def back_up(settings: Settings, place: Path, now: datetime) -> Manifest:
    """Write a backup into a folder that is not there yet, or empty.

    It appears whole or not at all. Raises FileExistsError, CopyError, LedgerError, OSError,
    SQLAlchemyError.
    """
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise FileExistsError(place)
    if copies.is_empty(settings.database_url):
        raise CopyError("there is no database at LANTERN_DATABASE_URL")
    draft = place.parent / f".{place.name}.partial"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    try:
        manifest = _fill(settings, draft, now)
        # No copy of all this without its line on the trail.
        _leave_trail(settings, manifest, now)
        if place.exists():
            place.rmdir()
        draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def _leave_trail(settings: Settings, manifest: Manifest, now: datetime) -> None:
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


def _fill(settings: Settings, draft: Path, now: datetime) -> Manifest:
    engine = connect(settings.database_url)
    with engine.connect().execution_options(**READING) as connection:
        Ledger.of(settings.state_dir).catch_up(connection)
    engine.dispose()
    # The spool before the database: what moves from one to the other meanwhile is then in both.
    for name in FOLDERS:
        copy_files(settings.state_dir / name, draft / name)
    held = copies.take(settings.database_url, draft)
    files = {name: hash_of(draft / name) for name in files_below(draft)}
    manifest = Manifest(now.isoformat(), copies.backend_of(settings.database_url), held, files)
    write_whole(draft / NAME, manifest.as_bytes())
    _keep(draft)
    return manifest


def copy_files(source: Path, target: Path) -> int:
    """Copy the files of a folder that the other lacks; how many. Hidden ones are in the making.

    One that vanishes meanwhile was moved into the database.
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


def _keep(folder: Path) -> None:
    """Wait until everything below is on the disk."""
    for path in [folder, *folder.rglob("*")]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
