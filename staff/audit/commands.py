"""The commands of the audit trail: anchor it, prove it, reconcile it with the records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.clock import utc_now
from safeguarding.settings import Settings
from staff.audit.anchors import (
    ANCHORS,
    Anchor,
    AnchorError,
    HeldAnchors,
    read_anchors,
    short_anchors,
    write_anchor,
)
from staff.audit.reconcile import Reconciliation, one_moment
from staff.audit.trail import client_digest, record_command
from staff.audit.verify import CHECKED, Verification, verify
from storage.engine import READING, connect
from storage.spool import folder_of


@click.command()
def anchor_audit() -> None:
    """Write an anchor of the audit trail, and print it. The dispatcher does so every hour."""
    settings = Settings.from_env()
    with _database(settings) as engine:
        try:
            with engine.connect().execution_options(**READING) as connection:
                anchor = write_anchor(settings.state_dir, connection, utc_now())
        except OSError as error:
            why = f"the anchor cannot be written: {error.strerror}"
            raise click.ClickException(why) from None
    if anchor is None:
        click.echo("There is no event yet.")
    else:
        click.echo(f"{anchor.source}: {anchor.line()}", nl=False)


def _mailed(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> list[Anchor]:
    anchors = []
    for text in texts:
        found = short_anchors(text, "--anchor")
        if len(found) != 1 or text.strip().lower() != f"{found[0].number}:{found[0].link}":
            raise click.BadParameter(f"{text} is not NUMBER:LINK, as an alert mail shows it")
        anchors += found
    return anchors


@click.command()
@click.option(
    "--anchors",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of anchors that were kept elsewhere, beside those of the state folder.",
)
@click.option(
    "--anchor",
    "mailed",
    multiple=True,
    metavar="NUMBER:LINK",
    callback=_mailed,
    help="What an alert mail says of the audit trail; may repeat.",
)
@click.option(
    "--anchors-in",
    "mails",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with such anchors anywhere in its text, such as saved mails; may repeat.",
)
@click.option("--record", is_flag=True, help="Leave the result on the trail, for the metrics.")
def verify_audit(
    folders: tuple[Path, ...], mailed: list[Anchor], mails: tuple[Path, ...], *, record: bool
) -> None:
    """Check the audit trail, its anchors and the records; exit with 1 when something is wrong."""
    settings = Settings.from_env()
    held = _held([settings.state_dir / ANCHORS, *folders], mails)
    anchors = [*held.anchors, *mailed]
    for path in held.half_written:
        click.echo(f"{path} ends in half a line, of a machine that stopped. It does not count.")
    with _database(settings) as engine:
        with engine.connect().execution_options(**READING) as connection:
            result = verify(connection, anchors)
        _show(result, anchors)
        disagreements = _reconcile(engine, settings)
        if record:
            broken = None if result.broken is None else result.broken.number
            record_command(CHECKED, settings, broken_at=broken, disagreements=disagreements)
    raise SystemExit(1 if result.broken or disagreements else 0)


@click.command()
def reconcile() -> None:
    """Compare trail, cases, mailbox, spool and alerts; exit with 1 when they disagree."""
    settings = Settings.from_env()
    with _database(settings) as engine:
        disagreements = _reconcile(engine, settings)
    raise SystemExit(1 if disagreements else 0)


@click.command()
@click.argument("address")
def audit_client(address: str) -> None:
    """Print the "client" that the trail records for events from this ADDRESS."""
    click.echo(client_digest(address, Settings.from_env().secret("token_key")))


@contextmanager
def _database(settings: Settings) -> Iterator[Engine]:
    engine = connect(settings.database_url)
    try:
        yield engine
    except SQLAlchemyError as error:
        raise click.ClickException(f"the database failed: {type(error).__name__}") from None
    finally:
        engine.dispose()


def _held(folders: list[Path], mails: tuple[Path, ...]) -> HeldAnchors:
    try:
        held = read_anchors(folders)
        for path in mails:
            found = short_anchors(path.read_text("utf-8", errors="replace"), str(path))
            if not found:
                raise click.ClickException(f"{path} holds no anchor, such as 1234:0123456789abcdef")
            held.anchors.extend(found)
    except (AnchorError, OSError) as error:
        raise click.ClickException(f"an anchor cannot be read: {error}") from None
    return held


def _show(result: Verification, anchors: list[Anchor]) -> None:
    click.echo(f"events in order: {result.count}")
    if result.last is not None:
        at = result.last.event.at.isoformat(timespec="seconds")
        click.echo(f"last link: {result.last.id} {result.last.link} {at}")
    if result.broken is None:
        newest = max((each.at for each in anchors if each.at), default=None)
        of = f", the newest of {newest.isoformat(timespec='minutes')}" if newest else ""
        click.echo(f"anchors that agree: {len(anchors)}{of}")
        return
    at = "" if result.broken.at is None else f" ({result.broken.at.isoformat()})"
    click.echo(f"BROKEN at event {result.broken.number}{at}: {result.broken.wrong}")
    if result.broken.anchor is not None:
        click.echo(f"  by {result.broken.anchor}")


def _reconcile(engine: Engine, settings: Settings) -> int:
    """Print what disagrees and the counts; return how many disagreements there are."""
    disagreements = 0
    with one_moment(engine) as connection:
        reconciliation = Reconciliation(connection, folder_of(settings), utc_now())
        for each in reconciliation:
            disagreements += 1
            click.echo(f"DISAGREES {each.reference}: {each.wrong}")
    for name, number in sorted(reconciliation.counts.items()):
        click.echo(f"{name}: {number}")
    click.echo(f"disagreements: {disagreements}")
    return disagreements
