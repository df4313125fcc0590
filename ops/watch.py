"""`python -m lantern watch -- COMMAND…`: runs a program in a container, and kills it if it hangs.

Docker starts a container again when its program ends, but not when it is unhealthy. So this program
takes the place of systemd: it listens to the reports of `safeguarding/watchdog.py`, kills the
program when they stop, and ends with its status. It needs no package but click, for both images.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from math import inf
from pathlib import Path

import click

START_S = 300.0
"""Seconds until the first report: Rasa loads its model before."""
SILENT_S = 30.0
"""Seconds that a program may be silent; also WatchdogSec of the units in deploy/systemd/."""
_TURN_S = 0.5
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class WatchedProgram:
    """A running program, and the socket on which it reports."""

    def __init__(self, command: Sequence[str], reports: socket.socket, silent_s: float) -> None:
        """Start it. Raises OSError. `reports` is a bound datagram socket."""
        reports.settimeout(_TURN_S)
        told = {
            "NOTIFY_SOCKET": str(reports.getsockname()),
            "WATCHDOG_USEC": str(int(silent_s * 1e6)),
        }
        self._reports = reports
        self._silent_s = silent_s
        self._process = subprocess.Popen(command, env={**os.environ, **told})

    def pass_on(self, number: int, _frame: object = None) -> None:
        """Send it a signal that ends it. How long that may take is for Docker to decide."""
        self._silent_s = inf
        self._process.send_signal(number)

    def wait(self, start_s: float) -> int:
        """Wait for its end, kill it if it is silent, and return its status as a shell would."""
        left_s, turn = start_s, time.monotonic()
        while self._process.poll() is None:
            try:
                has_reported = bool(self._reports.recv(4096))
            except TimeoutError:
                has_reported = False
            # Time in which this program did not run either, in a paused container, does not count.
            left_s -= min(time.monotonic() - turn, 2 * _TURN_S)
            turn = time.monotonic()
            if has_reported or self._silent_s == inf:
                left_s = self._silent_s
            if left_s <= 0:
                sys.stderr.write("lantern watch: no report in time: the program is killed\n")
                self._process.kill()
                self._process.wait()
        status = self._process.returncode
        return status if status >= 0 else 128 - status


@click.command()
@click.option("--start", default=START_S, show_default=True, help="Seconds to the first report.")
@click.option("--silent", default=SILENT_S, show_default=True, help="Seconds between two reports.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def main(command: tuple[str, ...], start: float, silent: float) -> None:
    """Run COMMAND, and kill it when it stops reporting that it is not stuck."""
    with (
        tempfile.TemporaryDirectory(prefix="lantern-watch-") as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reports,
    ):
        reports.bind(str(Path(folder) / "reports"))
        # Otherwise a stop that comes while the program starts would end `watch` alone.
        early: list[int] = []
        for number in _STOPS:
            signal.signal(number, lambda came, _: early.append(came))
        program = WatchedProgram(command, reports, silent)
        for number in _STOPS:
            signal.signal(number, program.pass_on)
        for came_early in early:
            program.pass_on(came_early)
        status = program.wait(start)
    sys.exit(status)
