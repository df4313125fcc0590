"""Many who hold connections and give nothing for them; what is closed they open again."""

from __future__ import annotations

import contextlib
import itertools
import resource
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

TURNS, TURN_S = 10, 0.1
"""Each acts once in so many turns: they come back one after the other, not all at once."""
HEAD = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\n"


@dataclass(frozen=True)
class Habit:
    """How one of them behaves: what it says first, and what it adds when it is its turn."""

    first: bytes = b""
    more: bytes = b""


SILENT = Habit()
DRIPS_HEADERS = Habit(HEAD, b"X-More: 1\r\n")
DRIPS_A_BODY = Habit(HEAD + b"Content-Length: 60000\r\n\r\n", b"a")
READS_NOTHING = Habit(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 40)
KEEPS_ALIVE = Habit(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")


class Member:
    """One connection of the crowd, from an address of this machine."""

    def __init__(
        self, port: int, address: str, habit: Habit, tls: ssl.SSLContext | None = None
    ) -> None:
        self._port, self._address, self._habit = port, address, habit
        self._tls = None if habit is SILENT else tls
        self.opened = 0
        self._open()

    def _open(self) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.bind((self._address, 0))
        self.socket.settimeout(10 if self._tls else 0)
        with contextlib.suppress(OSError):
            self.socket.connect(("127.0.0.1", self._port))
            if self._tls:
                self.socket = self._tls.wrap_socket(self.socket)
                self.socket.setblocking(False)
        self._left = self._habit.first
        self.opened += 1

    def go_on(self) -> None:
        """Say a little; come back when it was sent away."""
        left = self._left or self._habit.more
        try:
            self._left = left[self.socket.send(left) :] if left else b""
            if self._habit is SILENT and self.socket.recv(1) == b"":
                raise ConnectionError
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            self.socket.close()
            self._open()


@contextmanager
def crowd(
    port: int,
    habits: dict[Habit, int],
    addresses: tuple[str, ...] = ("127.0.0.1",),
    tls: ssl.SSLContext | None = None,
) -> Iterator[Callable[[], int]]:
    """So many of each habit, until the end. Yields how often one of them had to come back."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    places = itertools.cycle(addresses)
    members = [
        Member(port, next(places), habit, tls)
        for habit, number in habits.items()
        for _ in range(number)
    ]
    over = threading.Event()

    def work() -> None:
        for number in itertools.cycle(range(TURNS)):
            if over.wait(TURN_S):
                return
            for member in members[number::TURNS]:
                member.go_on()

    for member in members:
        member.go_on()
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield lambda: sum(member.opened for member in members) - len(members)
    finally:
        over.set()
        thread.join()
        for member in members:
            member.socket.close()
