"""`python -m staff.dispatcher`: alerts staff of hand-offs. Several may run at once."""

from __future__ import annotations

import os
import signal
import sys
import threading

from safeguarding.logs import configure_logs
from safeguarding.records import ContentError
from safeguarding.secret_files import SettingsError
from safeguarding.settings import Settings
from safeguarding.state_folder import make_private
from staff.dispatcher.composition import compose


def main() -> int:
    """Run until stopped; return 1 after printing in one line what is missing."""
    configure_logs()
    try:
        settings = Settings.from_env()
        make_private(settings.state_dir)
        dispatcher = compose(settings)
    except (ContentError, SettingsError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return dispatcher.run(stop)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: a thread that hangs inside a library would delay the end.
    os._exit(status)
