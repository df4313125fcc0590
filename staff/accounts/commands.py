"""`python -m lantern staff`: opens, lists and disables staff accounts; sets roles."""

from __future__ import annotations

import click

from safeguarding.settings import Settings
from staff.accounts.accounts import (
    LastAdministratorError,
    StaffAccounts,
    StaffNameError,
    normalised,
)
from staff.accounts.passwords import random_password
from staff.accounts.permissions import Role
from staff.audit.trail import record_command
from storage.engine import connect

ROLES = click.Choice([role.value for role in Role])
NOT_IN_USE = "There is no account in use with this name."


@click.group()
@click.pass_context
def main(context: click.Context) -> None:
    """Manage the accounts of the console."""
    context.obj = StaffAccounts(connect(Settings.from_env().database_url))


@main.command("list")
@click.pass_obj
def list_(accounts: StaffAccounts) -> None:
    """Print the accounts in use."""
    for member in accounts.in_use():
        click.echo(f"{member.name}\t{member.shown_name}\t{member.role.value}")


@main.command()
@click.argument("name")
@click.option("--shown-name", help="The name that colleagues see in records.")
@click.option("--role", type=ROLES, help="The role; without it the first account is a lead.")
@click.pass_obj
def add(accounts: StaffAccounts, name: str, shown_name: str | None, role: str | None) -> None:
    """Open an account with this sign-in NAME and print its password once."""
    password = random_password(normalised(name))
    try:
        member = accounts.add(name, password, shown_name, Role(role) if role else None)
    except StaffNameError as error:
        raise click.ClickException(f"{error}.") from None
    record_command("account opened", account=member.id, role=member.role.value)
    _show_once(member.name, password)


@main.command()
@click.argument("name")
@click.pass_obj
def reset(accounts: StaffAccounts, name: str) -> None:
    """Give an account a new password, printed once, and remove its second step."""
    member = accounts.named(name)
    if member is None:
        raise click.ClickException(NOT_IN_USE)
    password = random_password(member.name)
    accounts.reset(member, password)
    record_command("password reset", account=member.id)
    _show_once(member.name, password)


@main.command()
@click.argument("name")
@click.argument("role", type=ROLES)
@click.pass_obj
def role(accounts: StaffAccounts, name: str, role: str) -> None:
    """Change the role of an account, at once."""
    member = accounts.named(name)
    try:
        if member is None or not accounts.set_role(name, Role(role)):
            raise click.ClickException(NOT_IN_USE)
    except LastAdministratorError as error:
        raise click.ClickException(f"{error}.") from None
    record_command("role changed", account=member.id, before=member.role.value, role=role)
    click.echo(f"The role is {role} from now on.")


@main.command()
@click.argument("name")
@click.pass_obj
def disable(accounts: StaffAccounts, name: str) -> None:
    """Disable an account; its records stay."""
    member = accounts.named(name)
    try:
        if not accounts.disable(name):
            raise click.ClickException("There is no account with this name.")
    except LastAdministratorError as error:
        raise click.ClickException(f"{error}.") from None
    if member is not None:  # else it was disabled before
        record_command("account shut", account=member.id)
    click.echo("The account is shut and its sessions have ended. What it did stays.")


def _show_once(name: str, password: str) -> None:
    click.echo(f"sign-in name:  {name}\npassword:      {password}\nShown only now.")
