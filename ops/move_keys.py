"""`python -m lantern move-keys`: moves the secrets out of the state folder, where the records are.

Without the key ring no record can be read. So the secrets are copied first, then the key of every
case is opened with the copy, and only then are the old files deleted. It may be run again after it
was cut off.
"""

from __future__ import annotations

from pathlib import Path

import click
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from ops.database_copy import keys_needed
from safeguarding.settings import Settings, SettingsError
from safeguarding.state_folder import write_whole
from staff.audit.trail import operator, record_command
from staff.cases.tables import data_keys, vault_of
from storage.engine import READING, connect
from storage.vault import Vault, VaultError, key_ring

MOVED = "keys moved"
RING = "field_keys"


class MoveError(Exception):
    """The secrets stay where they are. Says why, without quoting one."""


def move(settings: Settings) -> list[str]:
    """Move the secrets to their own folder; return their names.

    Raises MoveError, OSError, SQLAlchemyError: then no old file was deleted.
    """
    new, old = settings.secrets_folders
    if new.resolve().is_relative_to(settings.state_dir.resolve()):
        raise MoveError(f"{new} lies in the state folder: set LANTERN_SECRETS_DIR to another one")
    files = [path for path in sorted(old.glob("*")) if path.is_file()] if old.is_dir() else []
    contents = {path: path.read_bytes() for path in files}
    places = {path: new / path.name for path in files}
    for path, place in places.items():
        if place.exists() and place.read_bytes() != contents[path]:
            raise MoveError(f"{place} is there already, and is not what {path} holds")
    for path, place in places.items():
        if not place.exists():
            write_whole(place, contents[path])
    _prove(settings, {places[path]: content for path, content in contents.items()})
    for path in files:
        path.unlink()
    if files and not any(old.iterdir()):
        old.rmdir()
    return [path.name for path in files]


def _prove(settings: Settings, copies: dict[Path, bytes]) -> None:
    """Compare each copy with its content, and open every record's key with the ring among them."""
    for place, content in copies.items():
        if place.read_bytes() != content:
            raise MoveError(f"{place} is not what was written")
    ring = next((place for place in copies if place.name == RING), None)
    if ring is None:
        return
    try:
        keys = key_ring(ring.read_text(encoding="utf-8").strip())
        vault = Vault(keys)
        if missing := sorted(keys_needed(settings.database_url) - set(keys)):
            raise MoveError(f"records need keys that are not in {RING}: {', '.join(missing)}")
        engine = connect(settings.database_url)
        try:
            with engine.connect().execution_options(**READING) as connection:
                if sa.inspect(connection).has_table(data_keys.name):
                    for case_id in connection.execute(sa.select(data_keys.c.case_id)).scalars():
                        vault_of(connection, vault, case_id)
        finally:
            engine.dispose()
    except (VaultError, UnicodeDecodeError):
        raise MoveError(f"{RING} does not open what was sealed with it") from None


@click.command()
def main() -> None:
    """Move the secrets to LANTERN_SECRETS_DIR; nothing is deleted before the copy has opened."""
    try:
        settings = Settings.from_env()
        names = move(settings)
        if names:
            record_command(MOVED, settings, secrets=names)
    except (MoveError, SettingsError) as error:
        raise click.ClickException(f"{error}. Nothing was deleted.") from None
    except SQLAlchemyError as error:
        raise click.ClickException(f"The database failed: {type(error).__name__}.") from None
    except OSError as error:
        folder = settings.secrets_folders[0]
        raise click.ClickException(
            f"{error.filename}: {error.strerror}. Make the folder as root, for the account that "
            f"Lantern runs as: install -d -m 0700 -o {operator()} {folder}"
        ) from None
    folder = settings.secrets_folders[0]
    if not names:
        click.echo(f"There is nothing to move: the secrets belong into {folder}.")
        return
    click.echo(f"Moved to {folder}: {', '.join(names)}.")
    click.echo(
        "Every process has to be able to read this folder when it starts. Copies of the state "
        "folder that were made before still hold the keys: delete them, or change the key ring."
    )
