"""The command: runs every check and prints a line for each; exits with 1 unless all are ok."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict

import click

from ops.doctor import (
    Check,
    CheckState,
    Finding,
    Installation,
    confirmations,
    environment,
    exceptions,
    find,
    languages,
    people,
    records,
)
from ops.doctor.confirmations import CONFIRMATIONS
from safeguarding.settings import Settings, SettingsError
from staff.alerts.queue import NotSentError
from storage.engine import connect

GROUPS: Mapping[str, Mapping[str, Check]] = {
    "Settings": environment.SETTINGS_CHECKS,
    "Machine": environment.MACHINE_CHECKS,
    "From outside": environment.OUTSIDE_CHECKS,
    "Records": records.CHECKS,
    "People": people.CHECKS,
    "Words": confirmations.CONTENT_CHECKS,
    "Standards": exceptions.CHECKS,
    "Confirmed by people": confirmations.CONFIRMATION_CHECKS,
}
LANGUAGES = "Languages"
"""The group with a check for each language of the content."""
_COLOURS = {CheckState.OK: "green", CheckState.NOT_READY: "red", CheckState.CANNOT_TELL: "yellow"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option("--gateway", "gateways", multiple=True, help="Base address of a gateway; may repeat.")
@click.option("--send-mail-to", "address", help="Send a test mail as alerts are sent.")
@click.option("--confirm", "about", type=click.Choice(list(CONFIRMATIONS)), help="It is done.")
@click.option("--by", help="The sign-in name of the person who confirms.")
def main(
    gateways: tuple[str, ...],
    address: str | None,
    about: str | None,
    by: str | None,
    *,
    as_json: bool,
) -> None:
    """Say what is missing before young people may write here; 1 unless everything is ready."""
    here = _here(gateways)
    if about is not None:
        _confirm(here, about, by)
        return
    if address is not None:
        _send_mail(here, address)
        return
    found = examine(here)
    here.engine.dispose()
    missing = sum(each.state is not CheckState.OK for _, _, each in found)
    if as_json:
        records = [
            {"group": group, "check": name, **asdict(finding), "state": finding.state.value}
            for group, name, finding in found
        ]
        click.echo(json.dumps(records, indent=1))
    else:
        _print(found)
        click.echo(
            f"NOT READY: {missing} of {len(found)}" if missing else f"ready: all {len(found)}"
        )
    raise SystemExit(1 if missing else 0)


def _here(gateways: tuple[str, ...]) -> Installation:
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    usual = (f"http://{settings.gateway_host}:{settings.gateway_port}",)
    return Installation(settings, os.environ, connect(settings.database_url), gateways or usual)


def examine(here: Installation) -> list[tuple[str, str, Finding]]:
    """Run every check; return its group, its name and its finding."""
    groups = {**GROUPS, LANGUAGES: languages.checks(here)}
    return [
        (group, name, find(check, here))
        for group, checks in groups.items()
        for name, check in checks.items()
    ]


def _confirm(here: Installation, about: str, by: str | None) -> None:
    if not by:
        raise click.UsageError("--confirm needs --by: the sign-in name of the person who confirms")
    try:
        click.echo(f"On the audit trail: {confirmations.confirm(about, here, by)}.")
    except LookupError:
        raise click.ClickException(f"There is no account {by}.") from None
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


def _send_mail(here: Installation, address: str) -> None:
    try:
        people.send_trial_mail(here, address)
        click.echo("The mail server has taken it. See that it arrives.")
    except NotSentError as error:
        raise click.ClickException(f"The mail was not taken: {error.kind}.") from None
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


def _print(found: list[tuple[str, str, Finding]]) -> None:
    before = ""
    for group, name, finding in found:
        if group != before:
            click.secho(group, bold=True)
            before = group
        state = click.style(f"{finding.state.value:<11}", fg=_COLOURS[finding.state])
        click.echo(f"  {state} {name}: {finding.says}")
        if finding.todo:
            click.echo(f"{'':14}→ {finding.todo}")
