"""`python -m staff.console`: serves the staff console, on staff networks only."""

from __future__ import annotations

import sys

from safeguarding.logs import configure_logs
from safeguarding.records import ContentError
from safeguarding.settings import Settings, SettingsError
from safeguarding.state_folder import make_private
from staff.console.app import STATIC, create_app
from storage.vault import Vault, VaultError, note_key_in_use
from web.budget import raise_descriptor_limit
from web.connections import serve

DESIGN_SYSTEM = STATIC / "govuk" / "govuk-frontend.min.css"


def main() -> int:
    """Serve until stopped; where a setting is wrong, print one line and return 1."""
    configure_logs()
    try:
        settings = Settings.from_env()
        make_private(settings.state_dir, *settings.secrets_folders)
        raise_descriptor_limit()
        app = create_app(settings)
        note_key_in_use(settings, Vault.of(settings))
    except (ContentError, SettingsError, VaultError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not DESIGN_SYSTEM.exists():
        sys.stderr.write("The pages have no style yet: run python ops/build_static.py\n")
    serve(app, settings.console_host, settings.console_port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
