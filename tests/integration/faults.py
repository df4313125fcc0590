"""Faults as they happen to a machine."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def unwritable(database: Path) -> Iterator[None]:
    """The files of a SQLite database cannot be written, by open connections neither.

    Root writes whatever the permissions say, so for root the file system refuses (chattr +i). The
    -shm file stays as it is: it is mapped memory, and its writers would die rather than err.
    """
    files = [database, database.with_name(f"{database.name}-wal")]
    there = [str(path) for path in files if path.exists()]
    root = os.geteuid() == 0
    closing = ["chattr", "+i"] if root else ["chmod", "a-w"]
    opening = ["chattr", "-i"] if root else ["chmod", "u+w"]
    subprocess.run([*closing, *there], check=True)
    try:
        yield
    finally:
        subprocess.run([*opening, *there], check=True)


class FreezingProxy:
    """A TCP proxy before a server, which can stop passing anything on without closing anything:
    what a frozen host, or a firewall that forgot a connection, looks like from both sides."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._flows = threading.Event()
        self._flows.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def freeze(self) -> None:
        """Pass nothing on from now on. Who connects is accepted, and hears nothing."""
        self._flows.clear()

    def thaw(self) -> None:
        """Pass on what came meanwhile, and go on."""
        self._flows.set()

    def close(self) -> None:
        """Accept nobody any more."""
        self.thaw()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            self._start(self._join, client)

    def _join(self, client: socket.socket) -> None:
        self._flows.wait()
        try:
            server = socket.create_connection(self._server)
        except OSError:
            client.close()
            return
        self._start(self._pass_on, client, server)
        self._start(self._pass_on, server, client)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65536):
                self._flows.wait()
                target.sendall(content)
        self._flows.wait()
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    @staticmethod
    def _start(work: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system with room for little, at this folder. Skips where none may be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Use up the space of a disk; the file that did."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            return ballast
    raise AssertionError
