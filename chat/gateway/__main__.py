"""Runs the gateway: `python -m chat.gateway`."""

from __future__ import annotations

import sys

from chat.gateway.composition import create_app
from safeguarding.logs import configure_logs
from safeguarding.records import ContentError
from safeguarding.settings import Settings, SettingsError
from safeguarding.state_folder import make_private
from storage.vault import Vault, VaultError
from web.budget import raise_descriptor_limit
from web.connections import LastingProtocol, serve


def main() -> int:
    """Serve until stopped; return 1 after writing in one line what is missing."""
    configure_logs()
    try:
        settings = Settings.from_env()
        make_private(settings.state_dir, *settings.secrets_folders)
        for name in ("token_key", "channel_secret"):
            settings.secret(name)
        Vault.of(settings)
        raise_descriptor_limit()
        app = create_app(settings=settings)
    except (ContentError, SettingsError, VaultError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    # One process: conversations live in its memory.
    serve(app, settings.gateway_host, settings.gateway_port, LastingProtocol)
    return 0


if __name__ == "__main__":
    sys.exit(main())
