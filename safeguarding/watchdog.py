"""Tells the service manager that this process is ready, and from then on that it is not stuck.

The protocol is systemd's (sd_notify): each report is one datagram to the socket in NOTIFY_SOCKET.
A process that stops reporting for WATCHDOG_USEC is killed and started again, by systemd or, in a
container, by `python -m lantern watch`. Without these variables nothing is sent.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

READY = b"READY=1"
ALIVE = b"WATCHDOG=1"
_READY_WITHIN_S = 1.0
"""Seconds to get the first report through: without it the process counts as still starting."""


@dataclass(frozen=True)
class ServiceManager:
    """The program that started this process, and that restarts it when it stops reporting."""

    address: str | None
    """Its socket; "@" begins a name of Linux' abstract namespace. None: no one listens."""
    within_s: float | None
    """Seconds within which it wants the next report; None: it wants none."""

    @classmethod
    def of_this_process(cls, env: Mapping[str, str] | None = None) -> ServiceManager:
        """Read it from the environment, where the service manager itself has put it."""
        env = os.environ if env is None else env
        microseconds = env.get("WATCHDOG_USEC", "")
        is_asked = env.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        wanted = is_asked and microseconds.isdecimal() and int(microseconds) > 0
        return cls(env.get("NOTIFY_SOCKET") or None, int(microseconds) / 1e6 if wanted else None)

    def ready(self) -> None:
        """Report that the process can answer. Raises nothing."""
        self._report(READY, _READY_WITHIN_S)

    def alive(self) -> None:
        """Report that the process goes on. Never waits and raises nothing."""
        self._report(ALIVE, 0.0)

    def _report(self, what: bytes, within_s: float) -> None:
        if self.address is None:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(within_s)
            sender.sendto(what, self.address.replace("@", "\0", 1))


def report_from_loop(*_: object) -> None:
    """Report that this process is ready, and then again and again from the running event loop.

    Where the loop is stuck the reports stop. A listener of Sanic's `after_server_start`.
    """
    manager, loop = ServiceManager.of_this_process(), asyncio.get_running_loop()
    manager.ready()
    if manager.within_s is not None:
        # One report may come late or be lost.
        _repeat(manager, loop, manager.within_s / 3)


def _repeat(manager: ServiceManager, loop: asyncio.AbstractEventLoop, every_s: float) -> None:
    manager.alive()
    loop.call_later(every_s, _repeat, manager, loop, every_s)
