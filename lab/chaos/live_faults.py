"""The faults of the live chats in `make chaos` that only some young people have."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from lab.chaos.faults import Fault
from lab.chaos.live_record import Trouble
from tests.fakes.school_network import SchoolNetwork

NETWORKS = 4
"""Schools, each with a network of its own."""
SHORTEST_CUT_S, LONGEST_CUT_S = 2.0, 120.0
HELD_S = (15.0, 40.0)


@dataclass
class School:
    """A network, and the times in which it was cut."""

    network: SchoolNetwork
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The address of the gateways in this network."""
        return f"http://127.0.0.1:{self.network.port}"


def cut(schools: Sequence[School], longest_s: float) -> Fault:
    """Return a fault that cuts the network of a school; most cuts are short.

    Half of them end the connections, and the others only pass nothing on.
    """

    def one(chance: random.Random) -> None:
        school, begun = chance.choice(schools), time.time()
        school.network.cut(silently=chance.random() < 0.5)  # noqa: PLR2004 - half
        try:
            time.sleep(SHORTEST_CUT_S * (longest_s / SHORTEST_CUT_S) ** chance.random())
        finally:
            school.network.mend()
        school.troubles.append(Trouble(begun, time.time(), "connections cut"))

    return one


def hold_streams(schools: Sequence[School]) -> Fault:
    """Return a fault in which the proxy of a school holds streams that begin meanwhile."""

    def one(chance: random.Random) -> None:
        network = chance.choice(schools).network
        network.holds_streams = True
        try:
            time.sleep(chance.uniform(*HELD_S))
        finally:
            network.holds_streams = False

    return one
