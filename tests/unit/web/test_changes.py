"""Open pages learn of a change at once, and the database is asked only for them."""

from __future__ import annotations

import asyncio
import operator

from sqlalchemy.exc import OperationalError

from web.changes import ChangeWatch

SOON_S, NEVER_S = 0.001, 0.05


def watching(*answers: str | Exception) -> ChangeWatch[str]:
    return ChangeWatch(Database(*answers).newest, SOON_S, operator.ne)


class Database:
    """Counts how often it is asked, and answers what a test says."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    def newest(self) -> str:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_every_waiting_page_learns_of_a_change_whatever_it_has_seen() -> None:
    watch = watching("9.1", "9.1", "7.5")

    found = await asyncio.gather(*(watch.after("9.1", within_s=5) for _ in range(3)))

    # Not a number that grows: anything else than before is a change.
    assert found == ["7.5", "7.5", "7.5"]


async def test_without_a_change_the_waiting_ends_in_time_with_what_was_seen() -> None:
    watch = watching("9.1")

    assert await watch.after("9.1", within_s=NEVER_S) == "9.1"


async def test_what_was_known_before_a_pause_is_asked_again() -> None:
    database = Database("1", "2")
    watch = ChangeWatch(database.newest, SOON_S, operator.ne)
    assert await watch.after("0", within_s=5) == "1"
    await asyncio.sleep(NEVER_S)

    assert await watch.after("0", within_s=5) == "2"


async def test_the_database_is_not_asked_while_no_page_waits() -> None:
    database = Database("1")
    watch = ChangeWatch(database.newest, SOON_S, operator.ne)
    await watch.after("1", within_s=NEVER_S)
    await asyncio.sleep(NEVER_S)
    before = database.asked

    await asyncio.sleep(NEVER_S)

    assert before > 1
    assert database.asked == before


async def test_a_database_that_is_away_is_asked_again() -> None:
    away = OperationalError("", {}, Exception())
    watch = watching(away, away, "5")

    assert await watch.after("4", within_s=5) == "5"


async def test_while_the_database_stays_away_a_page_keeps_what_it_has() -> None:
    watch = watching(OperationalError("", {}, Exception()))

    assert await watch.after("4", within_s=NEVER_S) == "4"


async def test_stopping_the_server_releases_every_page() -> None:
    watch = ChangeWatch(Database("3").newest, 60, operator.lt)
    waiting = asyncio.create_task(watch.after("3", within_s=60))
    await asyncio.sleep(NEVER_S)

    watch.stop()

    assert await waiting == "3"


async def test_marks_that_grow_are_news_only_when_they_are_greater() -> None:
    def watch() -> ChangeWatch[int]:
        return ChangeWatch(lambda: 3, SOON_S, operator.lt)

    assert await watch().after(2, within_s=5) == 3
    # A page that has seen more, as after a restored backup, is not told at once each time.
    assert await asyncio.wait_for(watch().after(4, within_s=NEVER_S), 5) == 3
    began = asyncio.get_running_loop().time()
    await watch().after(4, within_s=NEVER_S)
    assert asyncio.get_running_loop().time() - began >= NEVER_S
