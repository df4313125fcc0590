"""`make setup`: makes the secrets, the database and the first accounts that are missing."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, time, timedelta
from pathlib import Path

import click
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError

from ops.database_copy import keys_needed
from safeguarding.clock import LONDON, utc_now
from safeguarding.settings import Settings, SettingsError, variable_of
from safeguarding.state_folder import make_private
from staff.accounts.accounts import Staff, StaffAccounts, StaffNameError
from staff.accounts.passwords import random_password
from staff.accounts.permissions import Role
from staff.audit.trail import COMMAND_LINE, record_command
from staff.rota.rota import ContactPreferences, ShiftKind
from staff.rota.service import LONGEST_DAYS, Pattern, RotaService
from storage.engine import connect, migrate
from storage.vault import Vault, VaultError, new_key

FIRST_ACCOUNTS = (
    ("safeguarding-lead", "Safeguarding lead", Role.LEAD),
    ("second-lead", "Second lead", Role.LEAD),
    ("administrator", "Administrator", Role.ADMINISTRATOR),
)
DEMONSTRATION_MAIL = "lantern.example"
"""Leads nowhere (RFC 2606): its mail stays in the demonstration's own mail catcher."""
DUTY_BEGINS, DUTY_ENDS = time(9), time(17)
UNREACHABLE = "The database cannot be reached: check LANTERN_DATABASE_URL"

_SECRETS: dict[str, Callable[[], str]] = {
    "field_keys": lambda: f"k1:{new_key()}",
    "token_key": lambda: secrets.token_urlsafe(32),
    "channel_secret": lambda: secrets.token_urlsafe(32),
    "action_secret": lambda: secrets.token_urlsafe(32),
}


def make_secrets(settings: Settings, env: Mapping[str, str]) -> list[str]:
    """Write the secrets that neither the environment nor a file holds; return their names.

    An existing secret is never touched: without its keys the records could not be read. For the
    same reason no new key ring is made for records that an older one has sealed. Raises
    SettingsError.
    """
    missing = [
        name
        for name in _SECRETS
        if variable_of(name) not in env
        and not any((folder / name).exists() for folder in settings.secrets_folders)
    ]
    if "field_keys" in missing and (needed := keys_needed(settings.database_url)):
        raise SettingsError(
            f"There are records, and no field_keys: put the ring with the keys "
            f"{', '.join(sorted(needed))} into {settings.secrets_folders[0]}"
        )
    folder = place_of_secrets(settings)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [name for name in missing if _write_new(folder / name, _SECRETS[name]())]


def place_of_secrets(settings: Settings) -> Path:
    """Return the folder for new secrets: where those of an older installation are, if they are."""
    own, older = settings.secrets_folders
    return older if older.is_dir() and not own.is_dir() else own


def first_accounts(accounts: StaffAccounts) -> list[tuple[str, str]]:
    """Open the first staff accounts if there are none; return sign-in names and passwords.

    Two leads, because content about risk needs two signatures, and an administrator, who manages
    accounts and sees no case. Raises nothing when another set-up was faster: that one prints them.
    """
    if accounts.exist():
        return []
    opened = []
    with suppress(StaffNameError):
        for name, shown_name, role in FIRST_ACCOUNTS:
            password = random_password(name)
            opened.append((accounts.add(name, password, shown_name, role).name, password))
    return opened


def put_on_duty(engine: Engine, leads: Sequence[Staff], first: date) -> None:
    """Fill the rota of a demonstration, so that its chat can say when staff read.

    On every working day of a year the first lead is on duty and the next is second. Each gets an
    email address, because only people who can be alerted count as on duty. An installation begins
    with an empty rota.
    """
    office, last = RotaService(engine), first + timedelta(days=LONGEST_DAYS - 1)
    for lead, kind in zip(leads, (ShiftKind.ON_DUTY, ShiftKind.SECOND), strict=False):
        office.set_preferences(
            ContactPreferences(lead.id, email=f"{lead.name}@{DEMONSTRATION_MAIL}"), by=COMMAND_LINE
        )
        pattern = Pattern(lead.id, kind, first, last, DUTY_BEGINS, DUTY_ENDS, working_days=True)
        office.add(pattern, by=COMMAND_LINE)


@click.command()
@click.option(
    "--rota",
    is_flag=True,
    help="Put the first leads on duty on weekdays, where this is a demonstration (`make run`).",
)
def main(*, rota: bool) -> None:
    """Set up and print the first accounts' passwords, once; exit with 1 on an error."""
    try:
        _set_up(Settings.from_env(), rota=rota)
    except (SettingsError, VaultError, OSError) as error:
        raise click.ClickException(str(error)) from None
    except OperationalError:
        raise click.ClickException(UNREACHABLE) from None


def _set_up(settings: Settings, *, rota: bool) -> None:
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = make_secrets(settings, os.environ)
    make_private(settings.state_dir, *settings.secrets_folders)
    for name in _SECRETS:
        settings.secret(name)
    Vault.of(settings)
    migrate(settings.database_url)
    engine = connect(settings.database_url)
    accounts = StaffAccounts(engine)
    opened = first_accounts(accounts)
    if rota and opened and settings.is_demonstration():
        names = [name for name, _, role in FIRST_ACCOUNTS if role is Role.LEAD]
        members = {member.name: member for member in accounts.in_use()}
        leads = [members[name] for name in names if name in members]
        put_on_duty(engine, leads, utc_now().astimezone(LONDON).date())
    if made:
        click.echo(f"Wrote {', '.join(made)} to {place_of_secrets(settings)}")
    click.echo(_sign_in_words(opened) if opened else "Database is up to date.")
    if made or opened:
        record_command("set up", settings, secrets=made, accounts=len(opened))


def _write_new(path: Path, secret: str) -> bool:
    """Write the file whole, or leave an existing one: another set-up may run at the same time."""
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


def _sign_in_words(opened: list[tuple[str, str]]) -> str:
    line = "=" * 64
    (name, password), *others = opened
    rest = "".join(f"  {name:<17}  {password}\n" for name, password in others)
    return (
        f"{line}\n"
        "The first staff accounts of the console. This is shown ONCE.\n"
        f"  sign-in name:  {name}\n"
        f"  password:      {password}\n"
        "and, for the second signature and for the accounts page:\n"
        f"{rest}"
        "Change each after signing in: your name, at the top of the page.\n"
        f"{line}"
    )
