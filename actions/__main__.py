"""Runs the action server: `python -m actions [--port PORT]`. It listens on loopback only."""

from __future__ import annotations

import os
import warnings

import click

from actions.composition import composition
from actions.server import create_server
from safeguarding.settings import Settings, SettingsError
from safeguarding.state_folder import make_private
from safeguarding.watchdog import report_from_loop

PORT = 5055


async def _compose(_app: object) -> None:
    """Read the content before the server starts, so that the first person does not wait for it."""
    composition()


@click.command(help=__doc__)
@click.option("--port", default=PORT, show_default=True)
def serve(port: int) -> None:
    """Run rasa-sdk's application with our actions. Raises ContentError at the start.

    It runs in one process: rasa-sdk's own server makes its actions in one process, pickles them and
    serves from another, which would read the content only with the first message.
    """
    # rasa-sdk 3.21 serves Rasa 3.6 and warns on every call that the two differ. The pair is tested
    # (tests/integration) and chosen (docs/adr/0005), so the warning would only hide others.
    warnings.filterwarnings("ignore", "Your versions of rasa and rasa_sdk", UserWarning)
    try:
        settings = Settings.from_env()
        make_private(settings.state_dir, *settings.secrets_folders)
        secret = settings.secret("action_secret")
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    app = create_server(secret)
    app.register_listener(_compose, "before_server_start")
    app.register_listener(report_from_loop, "after_server_start")
    # Calls hold whole conversations, so the address must never be public.
    host = os.environ.get("SANIC_HOST", "127.0.0.1")
    app.run(host=host, port=port, single_process=True, motd=False)


if __name__ == "__main__":
    serve()
