"""`python -m lantern restore`: restores a backup where an installation was lost."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click
import sqlalchemy as sa
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from ops.backup import FOLDERS, NAME, Manifest, ManifestError, copy_files, hash_of
from ops.database_copy import (
    DATABASE_FILES,
    CopyError,
    backend_of,
    contents_of,
    is_empty,
    run_client,
)
from safeguarding.clock import utc_now
from safeguarding.settings import Settings, SettingsError
from safeguarding.state_folder import write_whole
from staff.audit import trail
from staff.audit.trail import COMMAND_LINE, FIRST_LINK, Event, operator
from staff.cases.tables import data_keys, vault_of
from staff.cases.worker import CaseWorker
from staff.retention.disposal import Disposals, scrub
from staff.retention.ledger import FOLDER, Ledger, LedgerError
from storage.engine import READING, connect, migrate
from storage.handoffs import HandoffMailbox
from storage.spool import Spool
from storage.vault import Vault, VaultError, key_ring

RESTORED = "restored from a backup"


class RestoreError(Exception):
    """The backup cannot be restored here. Says why."""


@dataclass(frozen=True)
class Restored:
    """The result of a restore."""

    manifest: Manifest
    again: int
    """How many cases were disposed of again."""
    certificates: list[Path]


def restore(settings: Settings, folder: Path, ledger: Ledger | None, now: datetime) -> Restored:
    """Restore a backup where there is no database, and repeat later disposals.

    `ledger` lists the disposals up to the loss; None when it is lost, too: then the backup's own is
    used. A SQLite database appears in its place when everything is done. Raises RestoreError,
    ManifestError, LedgerError, CopyError, OSError, SQLAlchemyError.
    """
    manifest = Manifest.read(folder)
    disposed = (ledger or Ledger(folder / FOLDER / Ledger.NAME)).entries()
    ring = _check(settings, manifest)
    draft = _draft_of(settings.database_url)
    put_back(draft, folder)
    migrate(draft)
    engine = connect(draft)
    _prove(engine, manifest, ring)
    with engine.begin() as connection:
        detail = {"manifest": hash_of(folder / NAME), "of": manifest.at, "operator": operator()}
        trail.append(connection, Event(now, COMMAND_LINE, RESTORED, detail=detail))
    rest = _drain(settings, folder, engine, ring)
    again = Disposals(engine, settings.state_dir, operator(), lambda: now).again(disposed)
    scrub(engine)
    engine.dispose()
    if draft != settings.database_url:
        place = make_url(settings.database_url).database or ""
        Path(make_url(draft).database or "").rename(place)
    _put_files_back(settings, folder, ledger, rest)
    final = connect(settings.database_url)
    certificates, _ = Disposals(final, settings.state_dir, operator(), lambda: now).finish()
    final.dispose()
    return Restored(manifest, again, certificates)


def put_back(url: str, folder: Path) -> None:
    """Restore the copy in this folder to an empty database. Raises CopyError, OSError."""
    path = folder / DATABASE_FILES[backend_of(url)]
    if backend_of(url) == "sqlite":
        place = Path(make_url(url).database or "")
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(path, place)
        place.chmod(0o600)
        return
    command = ["pg_restore", "--single-transaction", "--no-owner", "--no-privileges", str(path)]
    run_client(command, url)


def _check(settings: Settings, manifest: Manifest) -> Vault:
    database = backend_of(settings.database_url)
    if manifest.database != database:
        raise RestoreError(f"the backup is of {manifest.database}, LANTERN_DATABASE_URL {database}")
    if not is_empty(settings.database_url):
        raise RestoreError("there is a database already: nothing is ever overwritten")
    try:
        keys = key_ring(settings.secret("field_keys"))
        ring = Vault(keys)
    except (SettingsError, VaultError) as error:
        raise RestoreError(str(error)) from None
    if missing := sorted(set(manifest.contents.key_ids) - set(keys)):
        raise RestoreError(f"field_keys lacks what it was sealed with: {', '.join(missing)}")
    return ring


def _prove(engine: Engine, manifest: Manifest, ring: Vault) -> None:
    """Compare the database with the manifest, check the trail, open the key of every case."""
    with engine.connect().execution_options(**READING) as connection:
        if contents_of(connection) != manifest.contents:
            raise RestoreError("what was restored is not what the manifest says")
        before = FIRST_LINK
        for number, link in enumerate(trail.walk(connection), 1):
            if link.id != number or link.link != trail.link_of(before, number, link.event):
                raise RestoreError(f"the audit trail is broken at event {number}")
            before = link.link
        try:
            for case_id in connection.execute(sa.select(data_keys.c.case_id)).scalars().all():
                vault_of(connection, ring, case_id)
        except VaultError:
            raise RestoreError("field_keys are not those it was sealed with") from None


def _drain(settings: Settings, folder: Path, engine: Engine, ring: Vault) -> Path:
    """Record the backup's spool and mailbox, so that their cases too can be disposed of again.

    Returns the folder of what could not be recorded. The installation's own spool is not touched.
    """
    rest = settings.state_dir / ".restoring-spool"
    shutil.rmtree(rest, ignore_errors=True)
    if copy_files(folder / "spool", rest):
        Spool(rest, ring).drain(HandoffMailbox(engine, ring))
    CaseWorker(engine, ring).work_off()
    return rest


def _put_files_back(settings: Settings, folder: Path, ledger: Ledger | None, rest: Path) -> None:
    own = Ledger.of(settings.state_dir).path
    if ledger is not None and not own.exists() and ledger.path.exists():
        write_whole(own, ledger.path.read_bytes())
    copy_files(rest, settings.state_dir / "spool")
    shutil.rmtree(rest, ignore_errors=True)
    for name in set(FOLDERS) - {"spool"}:
        copy_files(folder / name, settings.state_dir / name)


def _draft_of(url: str) -> str:
    """Return the address to restore to: a file beside its final place for SQLite."""
    if backend_of(url) != "sqlite":
        return url
    place = Path(make_url(url).database or "")
    draft = place.with_name(f".{place.name}.restoring")
    for left_over in draft.parent.glob(f"{draft.name}*"):
        left_over.unlink()
    return f"sqlite:///{draft}"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option(
    "--ledger",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The newest ledger of disposals, where it is not in the state folder.",
)
@click.option("--no-ledger", is_flag=True, help="There is none newer than the backup.")
def main(folder: Path, *, ledger: Path | None, no_ledger: bool) -> None:
    """Restore the backup in FOLDER where there is no database yet."""
    settings = Settings.from_env()
    own = Ledger.of(settings.state_dir)
    newest = Ledger(ledger) if ledger else own if own.path.exists() else None
    if newest is None and not no_ledger:
        raise click.ClickException(
            f"There is no ledger at {own.path}: what was disposed of since the backup would come "
            "back. Name it with --ledger, or say --no-ledger."
        )
    try:
        done = restore(settings, folder, newest, utc_now())
    except (RestoreError, ManifestError, CopyError, LedgerError) as error:
        raise click.ClickException(f"Not restored: {error}.") from None
    except SQLAlchemyError as error:
        raise click.ClickException(f"The database failed: {type(error).__name__}.") from None
    except OSError as error:
        raise click.ClickException(f"A file cannot be written: {error.strerror}.") from None
    held = done.manifest.contents
    click.echo(f"As of {done.manifest.at}: cases: {held.cases}, messages: {held.messages}")
    click.echo(f"The audit trail is whole up to event {held.number}.")
    click.echo(f"Disposed of since, and again now: {done.again}")
    for path in done.certificates:
        click.echo(f"Certificate: {path}")
