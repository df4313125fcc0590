"""`make setup`: makes what a fresh installation lacks, and only that."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import click
from sqlalchemy.exc import OperationalError

from safeguarding.audit.command_line import record_command
from safeguarding.database.engine import connect, migrate
from safeguarding.escalations.vault import Vault, VaultError, new_key
from safeguarding.settings import Settings, SettingsError
from safeguarding.staff.accounts import StaffAccounts, StaffNameError, random_password

FIRST_NAME = "safeguarding-lead"
UNREACHABLE = "The database cannot be reached: check LANTERN_DATABASE_URL"

_SECRETS: dict[str, Callable[[], str]] = {
    "field_keys": lambda: f"k1:{new_key()}",
    "token_key": lambda: secrets.token_urlsafe(32),
    "channel_secret": lambda: secrets.token_urlsafe(32),
}


def make_secrets(settings: Settings, env: Mapping[str, str]) -> list[str]:
    """Write the secrets that neither the environment nor the state folder has; return their names.

    A secret that exists is never touched: without its keys the records could not be read.
    """
    folder = settings.state_dir / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [
        name
        for name, make in _SECRETS.items()
        if not env.get(f"LANTERN_{name.upper()}") and _write_new(folder / name, make())
    ]


def first_account(accounts: StaffAccounts) -> tuple[str, str] | None:
    """Open the first staff account when there is none: its sign-in name and password."""
    if accounts.exist():
        return None
    password = random_password()
    # Two set-ups at once: the other one has just printed the password.
    with suppress(StaffNameError):
        return accounts.add(FIRST_NAME, password, "Safeguarding lead").name, password
    return None


@click.command()
def main() -> None:
    """Set up; print the first account's password, once. 1 when something is in the way."""
    try:
        _set_up(Settings.from_env())
    except (SettingsError, VaultError, OSError) as error:
        raise click.ClickException(str(error)) from None
    except OperationalError:
        raise click.ClickException(UNREACHABLE) from None


def _set_up(settings: Settings) -> None:
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = make_secrets(settings, os.environ)
    Vault.of(settings)
    migrate(settings.database_url)
    account = first_account(StaffAccounts(connect(settings.database_url)))
    if made:
        click.echo(f"Wrote {', '.join(made)} to {settings.state_dir / 'secrets'}")
    click.echo(_sign_in_words(*account) if account else "Database is up to date.")
    if made or account:
        record_command("set up", settings, secrets=made, first_account=account is not None)


def _write_new(path: Path, secret: str) -> bool:
    """Write the file whole, or leave the one that is there: another set-up may run beside us."""
    if path.exists():
        return False
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _sign_in_words(name: str, password: str) -> str:
    line = "=" * 64
    return (
        f"{line}\n"
        "The first staff account of the console. This is shown ONCE.\n"
        f"  sign-in name:  {name}\n"
        f"  password:      {password}\n"
        "Change it after signing in: your name, at the top of the page.\n"
        f"{line}"
    )
