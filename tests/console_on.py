"""Run as a process by browser tests: the console on a content folder of the test's own.

A second argument is the words a minute at which its leads may read.
"""

from __future__ import annotations

import sys
from pathlib import Path

from safeguarding.content.reader import read_catalogue
from safeguarding.settings import Settings
from staff.approvals.parts import PACE, ReadingPace
from staff.console.app import compose, create_app


def main(folder: Path, pace: ReadingPace = PACE) -> None:
    """Serve until stopped; everything else comes from the environment."""
    settings = Settings.from_env()
    console = compose(settings, catalogue=lambda: read_catalogue(folder), pace=pace)
    app = create_app(settings, console)
    app.run("127.0.0.1", settings.console_port, single_process=True, access_log=False, motd=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(ReadingPace(int(each), 10**9) for each in sys.argv[2:]))
