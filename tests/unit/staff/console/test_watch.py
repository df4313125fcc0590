"""All open pages learn of a change by one look at the database, and nobody looks for nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sqlalchemy.exc import OperationalError

from staff.console.watch import Changes

SOON, NEVER_S = 0.001, 0.02


def counting(answers: list[int]) -> tuple[Callable[[], int], list[int]]:
    """A database that gives these answers, the last for ever; and how often it was asked."""
    asked: list[int] = []

    def newest() -> int:
        asked.append(1)
        return answers[min(len(asked), len(answers)) - 1]

    return newest, asked


async def test_everybody_who_waits_learns_of_a_change() -> None:
    newest, _ = counting([3, 3, 4])
    changes = Changes(newest, every_s=SOON)

    found = await asyncio.gather(*(changes.after(3, within_s=5) for _ in range(3)))

    assert found == [4, 4, 4]


async def test_what_is_new_already_is_told_at_once() -> None:
    newest, _ = counting([9])

    assert await Changes(newest, every_s=60).after(2, within_s=5) == 9


async def test_without_a_change_the_waiting_ends_in_time() -> None:
    newest, _ = counting([3])

    assert await Changes(newest, every_s=SOON).after(3, within_s=NEVER_S) == 3


async def test_nobody_asks_when_nobody_waits() -> None:
    newest, asked = counting([3])
    changes = Changes(newest, every_s=SOON)
    await changes.after(3, within_s=NEVER_S)
    await asyncio.sleep(NEVER_S)
    before = len(asked)

    await asyncio.sleep(NEVER_S)

    assert len(asked) == before


async def test_a_database_that_is_away_is_asked_again() -> None:
    answers = iter([OperationalError("", {}, Exception()), 5])

    def newest() -> int:
        found = next(answers, 5)
        if isinstance(found, Exception):
            raise found
        return found

    assert await Changes(newest, every_s=SOON).after(4, within_s=5) == 5


async def test_the_end_of_the_server_lets_everybody_go() -> None:
    newest, _ = counting([3])
    changes = Changes(newest, every_s=60)
    waiting = asyncio.create_task(changes.after(3, within_s=60))
    await asyncio.sleep(NEVER_S)

    changes.stop()

    assert await waiting == 3
