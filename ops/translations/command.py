"""`python -m lantern translations`: cards to translators and back, and their signatures."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from ops.translations.importing import NotSignedError, import_po_file, sign
from ops.translations.po_file import read_po_file, write_po_file
from safeguarding.clock import LONDON
from safeguarding.content.article_file import topics_of
from safeguarding.content.languages import ID, read_language_card
from safeguarding.content.reader import KINDS
from safeguarding.content.services import read_services
from safeguarding.content.translation import CARDS, SIGNERS
from safeguarding.records import ContentError
from safeguarding.taxonomy import CONTENT

FOLDER = click.option(
    "--content",
    "folder",
    default=CONTENT,
    show_default="content/",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The content folder.",
)


@click.group()
def main() -> None:
    """Send cards to translators, take them back, and sign them: docs/translating.md."""


@main.command("export")
@click.argument("code")
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), help="A new file.")
@FOLDER
def export_command(code: str, to: Path | None, folder: Path) -> None:
    """Write the cards of the language CODE as a gettext catalogue (.po)."""
    path = _path(folder, code)
    try:
        written = write_po_file(read_language_card(path), _services(folder))
    except ContentError as error:
        raise click.ClickException(str(error)) from None
    if to is None:
        click.echo(written, nl=False)
        return
    try:
        with to.open("xb") as file:
            file.write(written)
    except FileExistsError:
        # It may be a translator's work.
        raise click.ClickException(f"{to} exists: choose another name") from None
    except OSError as error:
        raise click.ClickException(f"{to}: {error.strerror}") from None
    click.echo(f"{to}: {len(CARDS)} texts")


@main.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@FOLDER
def import_command(file: Path, folder: Path) -> None:
    """Check the catalogue FILE and write it into the content; nothing if anything is wrong."""
    try:
        po = read_po_file(file)
        path = _path(folder, po.code)
        done = import_po_file(po, path, _services(folder))
    except ContentError as error:
        raise click.ClickException(f"nothing was written:\n{error}") from None
    except OSError as error:
        raise click.ClickException(f"nothing was written: {error.strerror}") from None
    click.echo(f"{path.name}: changed {', '.join(done.cards) or 'nothing'}")
    if done.signatures:
        click.echo(f"signatures cleared: {done.signatures}. {SIGNERS} native speakers sign again.")


@main.command("sign")
@click.argument("code")
@click.option("--name", required=True, help="First name and family name of the native speaker.")
@FOLDER
def sign_command(code: str, name: str, folder: Path) -> None:
    """Show the cards of the language CODE, and record that a native speaker signs them."""
    path = _path(folder, code)
    try:
        language = read_language_card(path)
        for field in CARDS:
            click.echo(f"\n{language.english(field)}\n\n{language.translation(field)}\n")
        click.confirm(
            f"Is {language.name} your own language, and does each card say what its English says?",
            abort=True,
        )
        signed = sign(path, name, datetime.now(LONDON).date())
    except (ContentError, NotSignedError) as error:
        raise click.ClickException(f"not signed: {error}") from None
    except OSError as error:
        raise click.ClickException(f"not signed: {error.strerror}") from None
    click.echo(f"{path.name}: {signed} of {SIGNERS} native speakers have signed")


def _path(folder: Path, code: str) -> Path:
    """Return the file of a language. Raises ClickException where there is none."""
    paths = {path.stem: path for path in KINDS[ID].paths(folder)}
    if code not in paths:
        raise click.ClickException(f"no language {code!r}; there are {', '.join(paths)}")
    return paths[code]


def _services(folder: Path) -> frozenset[str]:
    """Return the names of all services. Raises ContentError where they cannot be read."""
    services = read_services(folder / "contacts", topics_of(folder / "articles"))
    return frozenset(service.record.name for service in services)
