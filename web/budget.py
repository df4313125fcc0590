"""How many connections a process holds open, and which of them makes room for the next.

Whoever opens sockets and says nothing must not keep a child's request out: over the budget the
connection that is worth least is closed. One whose request is being answered never is.
"""

from __future__ import annotations

import ipaddress
import resource
from collections import Counter
from enum import IntEnum
from typing import Protocol

DESCRIPTORS_KEPT_BACK = 384
"""For all but browsers: Rasa (200), the database, the spool, and what is accepted at one go."""
MOST_CONNECTIONS = 2_048
MOST_BYTES = 32 * 1024 * 1024
"""Of requests that are still arriving, all together."""


class ConnectionState(IntEnum):
    """What a connection is doing. The lowest makes room first, among equals the oldest."""

    SILENT = 0
    """It has never sent anything."""
    WAITING = 1
    """It is kept alive between two requests."""
    HEADERS = 2
    BODY = 3
    """A request that is still arriving."""
    READING = 4
    """Its answer is ready, and it does not take it."""
    ANSWERED = 5
    """Its request is being answered: it is left alone."""


class Connection(Protocol):
    """One connection to a browser: web.connections.BoundedProtocol."""

    held_bytes: int
    """What it has sent of a request that is not yet answered."""

    def use(self) -> ConnectionState:
        """What it is doing now."""

    def drop(self) -> None:
        """Close it at once, without a word."""


class Budget:
    """The open connections of this process."""

    def __init__(self, most: int, most_of_an_address: int | None, most_bytes: int = MOST_BYTES):
        """`most_of_an_address` is None behind a proxy: all come from its address."""
        self.most = most
        self.refused = 0
        self.dropped = 0
        self._most_of_an_address = most_of_an_address
        self._most_bytes = most_bytes
        self._bytes = 0
        self._open: dict[Connection, str] = {}
        self._of_address: Counter[str] = Counter()

    @classmethod
    def of_this_process(cls, trusted_proxies: int) -> Budget:
        """What the descriptors of this process allow."""
        most = allowed_by(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        # Half: a school may be one address, and nobody alone should take everything.
        return cls(most, None if trusted_proxies else most // 2)

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: Connection, address: str) -> bool:
        """Count a new connection. False when it must be refused: all others are being answered."""
        network, most = network_of(address), self._most_of_an_address
        crowded = most is not None and self._of_address[network] >= most
        full = len(self._open) >= self.most
        if (crowded and not self._make_room(network)) or (full and not self._make_room()):
            self.refused += 1
            return False
        self._open[connection] = network
        self._of_address[network] += 1
        return True

    def forget(self, connection: Connection) -> None:
        """It is closed. Harmless when it is known already."""
        network = self._open.pop(connection, None)
        if network is None:
            return
        self._bytes -= connection.held_bytes
        self._of_address[network] -= 1
        if not self._of_address[network]:
            del self._of_address[network]

    def holds(self, connection: Connection, count: int) -> None:
        """It holds so many bytes now. Over the budget the heaviest that still arrives is closed."""
        if count == connection.held_bytes or connection not in self._open:
            return
        self._bytes += count - connection.held_bytes
        connection.held_bytes = count
        while self._bytes > self._most_bytes:
            arriving = [
                each
                for each in self._open
                if each.use() in {ConnectionState.HEADERS, ConnectionState.BODY}
            ]
            if not arriving:
                return
            self._drop(max(arriving, key=lambda each: each.held_bytes))

    def _make_room(self, network: str | None = None) -> bool:
        """Close the one of this network that is worth least, unless all are being answered.

        Of whichever has most, when none is given: whoever has one connection keeps it.
        """
        if network is None and self._most_of_an_address is not None:
            ((network, _),) = self._of_address.most_common(1)
            return self._close_worst(network) or self._close_worst(None)
        return self._close_worst(network)

    def _close_worst(self, network: str | None) -> bool:
        worst, lowest = None, ConnectionState.ANSWERED
        for each, of in self._open.items():
            if network is not None and of != network:
                continue
            use = each.use()
            if use < lowest:
                worst, lowest = each, use
            if lowest is ConnectionState.SILENT:
                break
        if worst is None:
            return False
        self._drop(worst)
        return True

    def _drop(self, connection: Connection) -> None:
        self.dropped += 1
        self.forget(connection)
        connection.drop()


def allowed_by(descriptors: int) -> int:
    """How many connections a process with so many descriptors may hold."""
    left = max(descriptors - DESCRIPTORS_KEPT_BACK, descriptors // 4)
    return max(1, min(left, MOST_CONNECTIONS))


def raise_descriptor_limit() -> None:
    """Take all the descriptors that this process may have. Before a budget is made of them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def network_of(address: str) -> str:
    """Whose connection it is: an IPv4 address, or the /64 that one IPv6 subscriber gets."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
