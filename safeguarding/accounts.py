"""`python -m safeguarding.accounts`: opens, lists and shuts staff accounts; sets roles."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from safeguarding.escalations.database import connect
from safeguarding.settings import Settings
from safeguarding.staff import Role, StaffAccounts, StaffNameError, random_password


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one thing to one account; 1 when it could not be done."""
    given = _parser().parse_args(arguments)
    accounts = StaffAccounts(connect(Settings.from_env().database_url))
    if given.command == "list":
        for member in accounts.in_use():
            sys.stdout.write(f"{member.name}\t{member.shown_name}\t{member.role.value}\n")
        return 0
    if given.command == "add":
        return _add(accounts, given.name, given.shown_name, given.role)
    if given.command == "reset":
        return _reset(accounts, given.name)
    if given.command == "role":
        return _set_role(accounts, given.name, given.role)
    return _disable(accounts, given.name)


def _add(accounts: StaffAccounts, name: str, shown_name: str | None, role: str | None) -> int:
    password = random_password()
    try:
        member = accounts.add(name, password, shown_name, Role(role) if role else None)
    except StaffNameError as error:
        return _fail(str(error))
    return _show_once(member.name, password)


def _reset(accounts: StaffAccounts, name: str) -> int:
    member = accounts.named(name)
    if member is None:
        return _fail("There is no account in use with this name")
    password = random_password()
    accounts.change_password(member.id, password)
    return _show_once(member.name, password)


def _set_role(accounts: StaffAccounts, name: str, role: str) -> int:
    if not accounts.set_role(name, Role(role)):
        return _fail("There is no account in use with this name")
    sys.stdout.write(f"The role is {role} from now on.\n")
    return 0


def _disable(accounts: StaffAccounts, name: str) -> int:
    if not accounts.disable(name):
        return _fail("There is no account with this name")
    sys.stdout.write("The account is shut and its sessions have ended. What it did stays.\n")
    return 0


def _show_once(name: str, password: str) -> int:
    sys.stdout.write(f"sign-in name:  {name}\npassword:      {password}\nShown only now.\n")
    return 0


def _fail(words: str) -> int:
    sys.stderr.write(f"{words}.\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m safeguarding.accounts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add", help="open an account and print its password once")
    add.add_argument("name", help="the sign-in name")
    add.add_argument("--shown-name", help="the name that colleagues see in records")
    roles = [role.value for role in Role]
    add.add_argument("--role", choices=roles, help="lead signs content; the first account is one")
    role = commands.add_parser("role", help="make an account a lead, who signs content, or not")
    role.add_argument("name")
    role.add_argument("role", choices=roles)
    commands.add_parser("list", help="print the accounts in use")
    reset = commands.add_parser("reset", help="give an account a new password, printed once")
    reset.add_argument("name")
    disable = commands.add_parser("disable", help="shut an account; its records stay")
    disable.add_argument("name")
    return parser


if __name__ == "__main__":
    sys.exit(main())
