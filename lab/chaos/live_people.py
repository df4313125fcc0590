"""The live chats of `make chaos`: who talks to whom about what, one chat after the other."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

from chat.gateway.requests import Tokens
from lab.chaos.live_desk import Desk
from lab.chaos.live_faults import School
from lab.chaos.live_record import LiveRecord
from lab.chaos.live_staff import PAUSE_S, StaffChat
from lab.chaos.live_young import GivenUpError, YoungPerson
from tests.fakes.plain_engine import DISCLOSES, HARMLESS

MESSAGES = 10
"""Messages of each side in one chat."""
DANGER = "hes outside my door with a knife"
_SAID_AGAIN_S = (4.0, 8.0)
_BUTTON_S = 10.0
"""Seconds in which a young person who would like to ask finds the button, or waits for an offer."""
_ASK, _YES = "live_ask", "live_yes"
_SHARE_ASKING, _SHARE_IN_DANGER = 0.33, 0.1


class LiveChats:
    """Holds `wanted` live chats at the desks that there are."""

    def __init__(
        self,
        desks: Sequence[Desk],
        schools: Sequence[School],
        tokens: Tokens,
        seed: int,
        longest_s: float,
    ) -> None:
        """Prepare the chats; one that is not over after `longest_s` seconds is given up."""
        self._longest_s = longest_s
        self._desks: asyncio.Queue[Desk] = asyncio.Queue()
        for desk in desks:
            self._desks.put_nowait(desk)
        self._schools, self._tokens, self._seed = schools, tokens, seed
        self._chats: list[StaffChat] = []
        self.records: list[LiveRecord] = []
        self.schools: dict[str, School] = {}
        """The school of each conversation."""
        self.again = 0
        """How often anything was sent again."""

    async def hold(self, wanted: int, goes_on: Callable[[], bool]) -> None:
        """Hold all chats, and more while it `goes_on`; returns when the last one is over."""
        running: set[asyncio.Task[None]] = set()
        for number in count():
            desk = await self._desks.get()
            if number >= wanted and not goes_on():
                self._desks.put_nowait(desk)
                break
            task = asyncio.create_task(self._chat(number, desk))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)

    async def read_again(self) -> None:
        """Let each member of staff read once more what they talked about."""
        for chat in self._chats:
            chat.until = time.time() + self._longest_s
            await chat.read_again()

    async def _chat(self, number: int, desk: Desk) -> None:
        chance = random.Random(f"{self._seed} {number}")  # noqa: S311 - chaos, not secrets
        until = time.time() + self._longest_s
        record = LiveRecord("", by_events=number % 2 == 0)
        school = chance.choice(self._schools)
        young = YoungPerson(school.address, record, chance)
        self.records.append(record)
        staff = StaffChat(desk, record, chance, until)
        self._chats.append(staff)
        try:
            token = await young.begin(until)
            record.conversation_id = str(self._tokens.read(token).conversation_id)
            self.schools[record.conversation_id] = school
            while not young.listens:
                # Where it could not be assessed in time, the young person says it again.
                await young.say(f"he keeps {DISCLOSES}, {new_id(chance)}", until)
                await asyncio.sleep(0 if young.listens else chance.uniform(*_SAID_AGAIN_S))
            asks = chance.random() < _SHARE_ASKING and await self._asks(young)
            words = [f"I am here with you, {new_id(chance)}" for _ in range(MESSAGES)]
            all_said = asyncio.Event()
            await both(
                self._talk(young, record, chance, until, all_said, asked=asks),
                staff.hold(record.conversation_id, words, all_said, asked=asks),
            )
        except GivenUpError as error:
            record.left_open = str(error)
        finally:
            await young.leave()
            self.again += young.again + staff.again
            self._desks.put_nowait(desk)

    async def _asks(self, young: YoungPerson) -> bool:
        """Press "Talk to someone here" where it is offered. Returns whether it was."""
        with suppress(GivenUpError):
            await young.offered(_ASK, time.time() + _BUTTON_S)
            await young.press(_ASK, time.time() + _BUTTON_S)
            return True
        return False

    async def _talk(
        self,
        young: YoungPerson,
        record: LiveRecord,
        chance: random.Random,
        until: float,
        all_said: asyncio.Event,
        *,
        asked: bool,
    ) -> None:
        if not asked:
            await young.offered(_YES, until)
            await young.press(_YES, until)
        await young.until_state("open", "none", until=until)
        danger_at = chance.randrange(MESSAGES) if chance.random() < _SHARE_IN_DANGER else None
        for number in range(MESSAGES):
            await asyncio.sleep(chance.uniform(*PAUSE_S))
            if young.state != "open":
                break
            in_danger = number == danger_at
            told = DANGER if in_danger else chance.choice((HARMLESS, f"he is {DISCLOSES}"))
            record.danger_at = time.time() if in_danger else record.danger_at
            await young.say(f"{told}, {new_id(chance)}", until)
        all_said.set()
        await young.until_state("none", until=until)
        shown = await young.say(f"he keeps {DISCLOSES}, {new_id(chance)}", until)
        record.answered_after = any(line.by != "person" for line in shown)


async def both(*works: Coroutine[Any, Any, None]) -> None:
    """Wait for all these works; when one fails, end the others and raise its error."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def new_id(chance: random.Random) -> str:
    """Return an id by which the words of a message are found again."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
