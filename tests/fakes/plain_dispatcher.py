"""The dispatcher with a screening process that needs no model: for what waits to be assessed.

`python -m tests.fakes.plain_dispatcher`. All else is the real one.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from safeguarding.logs import configure_logs
from safeguarding.settings import Settings
from staff.dispatcher.__main__ import compose

if __name__ == "__main__":
    configure_logs()
    dispatcher = compose(Settings.from_env(), (sys.executable, "-m", "tests.fakes.plain_screening"))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    os._exit(dispatcher.run(stop))
