"""Runs a click command as a person would, in this process."""

from __future__ import annotations

from click import Command
from click.testing import CliRunner, Result


def run(command: Command, *arguments: str, stdin: bytes | None = None) -> Result:
    """Return what it printed and its exit status. What it does not catch is raised."""
    return CliRunner().invoke(command, arguments, input=stdin, catch_exceptions=False)
