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

REPORT = b"READY=1\nWATCHDOG=1"
"""Each report says both: the manager may have been too busy for the first one."""
_FIRST_WITHIN_S = 1.0
"""Seconds to wait for a manager that is busy, before the first report is given up."""


@dataclass(frozen=True)
class ServiceManager:
    """The program that started this process, and that restarts it when it stops reporting."""

    address: str
    """Its socket; "@" begins a name of Linux' abstract namespace."""
    within_s: float | None
    """Seconds within which it wants the next report; None: it wants none."""

    @classmethod
    def of_this_process(cls, env: Mapping[str, str] | None = None) -> ServiceManager | None:
        """Read it from the environment, where it puts itself; None where no one listens."""
        env = os.environ if env is None else env
        address = env.get("NOTIFY_SOCKET")
        if not address:
            return None
        microseconds = env.get("WATCHDOG_USEC", "")
        is_asked = env.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        wanted = is_asked and microseconds.isdecimal() and int(microseconds) > 0
        return cls(address, int(microseconds) / 1e6 if wanted else None)

    def report(self, *, first: bool = False) -> None:
        """Report that the process is ready and goes on. Raises nothing.

        Only the first report waits, for a moment, while the manager cannot take it.
        """
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(_FIRST_WITHIN_S if first else 0.0)
            sender.sendto(REPORT, address)


def report_from_loop(*_: object) -> None:
    """Report that this process is ready, and then again and again from the running event loop.

    Where the loop is stuck the reports stop. A listener of Sanic's `after_server_start`.
    """
    manager = ServiceManager.of_this_process()
    if manager is None:
        return
    manager.report(first=True)
    if manager.within_s is not None:
        # One report may come late or be lost.
        _report_later(manager, asyncio.get_running_loop(), manager.within_s / 3)


def _report_later(manager: ServiceManager, loop: asyncio.AbstractEventLoop, every_s: float) -> None:
    def report() -> None:
        manager.report()
        _report_later(manager, loop, every_s)

    loop.call_later(every_s, report)
