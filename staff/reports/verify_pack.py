"""Tells whether a file is one that Lantern exported, unchanged.

`python -m lantern verify-pack FILE REFERENCE`
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from storage.engine import connect
from staff.cases.cases import Cases, UnknownCaseError
from staff.reports.exports import Exports
from storage.vault import Vault
from safeguarding.settings import Settings


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("reference")
def main(file: Path, reference: str) -> None:
    """Compare FILE with what left the case REFERENCE by the audit trail; 1 when it is not there.

    Run `verify-audit` too: it proves that the trail itself is whole.
    """
    settings = Settings.from_env()
    engine, vault = connect(settings.database_url), Vault.of(settings)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    try:
        case = Cases(engine, vault).of_reference(reference)
        known = Exports(engine, vault).of_case(case.id)
    except UnknownCaseError:
        raise click.ClickException(f"There is no case {reference}.") from None
    finally:
        engine.dispose()
    found = [each for each in known if each.sha256 == digest]
    click.echo(f"SHA-256 {digest}")
    if not found:
        raise click.ClickException(f"{case.reference} has no such export: changed, or not ours.")
    newest = found[-1]
    when = newest.at.isoformat(timespec="seconds")
    click.echo(
        f"{case.reference}: exported as {newest.kind.value}, {newest.form}, {when}. Unchanged."
    )
