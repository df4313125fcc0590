"""Fetches the console's design system and copies what it uses."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "node_modules" / "govuk-frontend" / "dist" / "govuk"
TARGET = ROOT / "staff" / "console" / "static" / "govuk"
STAMP = TARGET / "made-from.txt"

FONTS = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif'
"""GDS Transport and the crown belong to GOV.UK services; Lantern is not one."""


class BuildError(Exception):
    """The static files cannot be made. Says what to do."""


def without_government_marks(css: str) -> str:
    """Return the style sheet with system fonts and without the crest. Raises BuildError."""
    css = re.sub(r"(/\*![^*]*\*/\s*)?@font-face\s*\{[^}]*\}", "", css)
    css = re.sub(r'"?GDS Transport"?,\s*arial,\s*sans-serif', FONTS, css)
    css = re.sub(r"url\(/assets/images/govuk-crest\.svg\)", "none", css)
    css = re.sub(r"/\*# sourceMappingURL=.*?\*/", "", css)
    if "GDS Transport" in css or "url(" in css:
        raise BuildError("The style sheet of govuk-frontend has changed: look at its fonts")
    return css


def made_from() -> str:
    """Return a digest of the locked version and of this script."""
    lock = (ROOT / "package-lock.json").read_bytes()
    return hashlib.sha256(lock + Path(__file__).read_bytes()).hexdigest()


def fetch() -> None:
    """Install the packages of package-lock.json that are not for tests. Raises BuildError."""
    npm = shutil.which("npm")
    if npm is None:
        raise BuildError("npm is missing: install Node.js 18 or newer")
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    command = [npm, "ci", "--omit=dev", *quiet]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise BuildError("npm could not fetch govuk-frontend: is the network there?")


def copy() -> None:
    """Copy the style sheet and the script to the folder that the console serves."""
    TARGET.mkdir(parents=True, exist_ok=True)
    css = (SOURCE / "govuk-frontend.min.css").read_text(encoding="utf-8")
    (TARGET / "govuk-frontend.min.css").write_text(without_government_marks(css), encoding="utf-8")
    script = (SOURCE / "govuk-frontend.min.js").read_text(encoding="utf-8")
    script = re.sub(r"//# sourceMappingURL=\S*", "", script)
    (TARGET / "govuk-frontend.min.js").write_text(script, encoding="utf-8")
    STAMP.write_text(made_from() + "\n", encoding="utf-8")


@click.command()
def main() -> None:
    """Build unless the files are up to date; say what went wrong in one line."""
    if STAMP.exists() and STAMP.read_text(encoding="utf-8").strip() == made_from():
        return
    try:
        fetch()
        copy()
    except BuildError as error:
        raise click.ClickException(f"Console style: {error}") from None
    click.echo(f"Console style: made {TARGET.relative_to(ROOT)}")
