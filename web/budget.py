"""Limits the open connections of a process, and chooses which one to close for the next.

Silent connections must not keep a child's request out: over the budget the least useful connection
is closed. A connection whose request is being answered never is.
"""

from __future__ import annotations

import ipaddress
import resource
from collections import Counter
from enum import IntEnum
from typing import Protocol

DESCRIPTORS_KEPT_BACK = 384
"""Descriptors not for browsers: Rasa (200), the database, the spool, and a burst of accepts."""
MOST_CONNECTIONS = 2_048
MOST_BYTES = 32 * 1024 * 1024
"""Total size of the requests that are still arriving."""


class ConnectionState(IntEnum):
    """What a connection is doing. The lowest is closed first; among equals, the oldest."""

    SILENT = 0
    """It has not sent anything yet."""
    WAITING = 1
    """It is kept alive between two requests."""
    HEADERS = 2
    BODY = 3
    """A request that is still arriving."""
    READING = 4
    """Its answer is ready, and the browser does not read it."""
    ANSWERED = 5
    """Its request is being answered: it is never closed."""


class Connection(Protocol):
    """One connection to a browser: web.connections.BoundedProtocol."""

    held_bytes: int
    """Bytes of a request that is not yet answered."""

    def use(self) -> ConnectionState:
        """Return what it is doing now."""

    def drop(self) -> None:
        """Close it at once, without an answer."""


class Budget:
    """The open connections of this process."""

    def __init__(self, most: int, most_of_an_address: int | None, most_bytes: int = MOST_BYTES):
        """`most_of_an_address` is None behind a proxy, whose address all connections share."""
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
        """Make the budget that the descriptors of this process allow."""
        most = allowed_by(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        # Half: a school may be one address, but one address must not take everything.
        return cls(most, None if trusted_proxies else most // 2)

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: Connection, address: str) -> bool:
        """Count a new connection; return False if it is refused, because all others are in use."""
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
        """Stop counting a closed connection. A second call changes nothing."""
        network = self._open.pop(connection, None)
        if network is None:
            return
        self._bytes -= connection.held_bytes
        self._of_address[network] -= 1
        if not self._of_address[network]:
            del self._of_address[network]

    def holds(self, connection: Connection, count: int) -> None:
        """Record the bytes it holds; over the budget, close the largest arriving request."""
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
        """Close the least useful connection of a network, unless all are being answered.

        Without `network` it is the one with most connections, so that a single connection stays.
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
    """Return how many connections a process with this many descriptors may hold."""
    left = max(descriptors - DESCRIPTORS_KEPT_BACK, descriptors // 4)
    return max(1, min(left, MOST_CONNECTIONS))


def raise_descriptor_limit() -> None:
    """Raise the soft limit of descriptors to the hard one; call it before making a budget."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def network_of(address: str) -> str:
    """Return the network of an address: IPv4 itself, or the /64 of an IPv6 subscriber."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
