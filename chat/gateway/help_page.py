"""`python -m lantern help-page`: what the proxy shows where the gateway is away."""

from __future__ import annotations

from http import HTTPStatus

import click

from chat.gateway.composition import plain_errors
from safeguarding.content.reader import read_content


@click.command()
def main() -> None:
    """Print the page, in the words of the content. Make it anew when they change."""
    page = plain_errors(read_content()).page(HTTPStatus.SERVICE_UNAVAILABLE)
    click.echo(page.body or b"")
