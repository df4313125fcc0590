"""Loops of the dispatcher: each repeats one task on a thread of its own.

A task that hangs holds up its own thread only. Each thread records a beat in each round; when one
stops, the process ends itself and is restarted.
"""

from __future__ import annotations

import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import date

import structlog
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.clock import utc_now
from storage.engine import AWAY, READING

EVERY_S = 1.0
"""Seconds that a thread with nothing to do waits."""
log = structlog.get_logger("dispatcher")


class Beats:
    """When each thread last finished a round. Thread-safe."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    def beat(self, name: str) -> None:
        """Record that a thread is alive."""
        self._at[name] = time.monotonic()

    def ages(self) -> Mapping[str, float]:
        """Return the seconds since the last beat of each thread."""
        now = time.monotonic()
        return {name: now - at for name, at in list(self._at.items())}


class Loop(ABC):
    """Repeats one task on a thread of its own, also after failures."""

    def __init__(self, name: str, beats: Beats, every_s: float = EVERY_S) -> None:
        self.name = name
        self._beats = beats
        self._every_s = every_s
        self._thread: threading.Thread | None = None
        self._woken = threading.Event()
        self._next: tuple[Loop, ...] = ()

    @abstractmethod
    def once(self) -> int:
        """Do what is due and return how much it was; after 0 the loop waits."""

    def followed_by(self, *loops: Loop) -> None:
        """Wake these when this one has done all that was due: there may be work for them."""
        self._next = loops

    def wake(self) -> None:
        """Look at once whether there is something to do."""
        self._woken.set()

    def rest(self, stop: threading.Event) -> None:
        """Wait until it is time to look again."""
        self._woken.wait(self._every_s)

    def start(self, stop: threading.Event) -> None:
        """Start the thread; it runs until `stop` is set."""
        self._beats.beat(self.name)
        # A daemon thread, so that a hanging server does not delay the end of the process.
        self._thread = threading.Thread(target=self._run, args=[stop], name=self.name, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def join(self, within_s: float) -> None:
        """Wait for the end of the thread, for `within_s` seconds at most."""
        self.wake()
        if self._thread is not None:
            self._thread.join(within_s)

    def _run(self, stop: threading.Event) -> None:
        has_news = False
        while not stop.is_set():
            done = 0
            # Before it looks: a call that comes meanwhile is for the next round.
            self._woken.clear()
            try:
                done = self.once()
            except SQLAlchemyError as error:
                log.warning("dispatcher.no_database", thread=self.name, error=type(error).__name__)
            except Exception as error:  # noqa: BLE001 - an alert that stops all others is worse
                log.critical("dispatcher.failed", thread=self.name, error=type(error).__name__)
            self._beats.beat(self.name)
            if done:
                has_news = True
                continue
            if has_news:
                # Not after each batch: the first digest of a flood should hold all of it.
                has_news = False
                for loop in self._next:
                    loop.wake()
            self.rest(stop)


class ClaimingLoop(Loop):
    """Claims a batch of a queue in each round, sends it, and writes what became of each item.

    A database that fails in between loses nothing. In the next round, what became of the item sent
    last is written, so that it is not sent again, and the rest of its batch is given back, so that
    it need not wait until its claim expires.
    """

    def __init__(
        self,
        name: str,
        beats: Beats,
        engine: Engine,
        release: Callable[[Connection, str], object],
    ) -> None:
        """`release` gives back what a claim still holds."""
        super().__init__(name, beats)
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._release = release
        self._claim: str | None = None
        """The claim of a batch in which the database failed."""
        self._outcome: Callable[[], None] | None = None
        """Writes what became of the item sent last, if the database failed to keep it."""

    def once(self) -> int:
        """Claim a batch and send it; return how many items were done."""
        self._settle()
        if not self.is_due():
            return 0
        by = uuid.uuid4().hex
        try:
            return self.send_batch(by)
        except AWAY:
            # Also when the claim itself failed: the database may have kept it all the same.
            self._claim = by
            raise

    @abstractmethod
    def is_due(self) -> bool:
        """Return whether there is anything to claim, without a lock."""

    @abstractmethod
    def send_batch(self, by: str) -> int:
        """Claim a batch under the name `by`, send it, and return how many items were done."""

    def give_back(self, by: str) -> None:
        """Give back what this claim still holds."""
        with self._engine.begin() as connection:
            self._release(connection, by)

    def note(self, outcome: Callable[[], None]) -> None:
        """Write what became of an item; keep it for the next round if the database is away."""
        try:
            outcome()
        except AWAY:
            self._outcome = outcome
            raise

    def _settle(self) -> None:
        if self._outcome is not None:
            outcome, self._outcome = self._outcome, None
            self.note(outcome)
        if self._claim is not None:
            self.give_back(self._claim)
            self._claim = None


class Daily(Loop):
    """Runs tasks once a day and after each start: a task must be harmless when run twice."""

    def __init__(self, tasks: Mapping[str, Callable[[], object]], beats: Beats) -> None:
        super().__init__("daily", beats, every_s=10.0)
        self._tasks = tasks
        self._done_on: dict[str, date] = {}

    def once(self) -> int:
        """Run the tasks that have not run today; a failed task is tried again in the next round."""
        today = utc_now().date()
        for name, task in self._tasks.items():
            if self._done_on.get(name) == today:
                continue
            try:
                task()
            except Exception as error:  # noqa: BLE001 - the other tasks must still run
                log.critical("daily.failed", task=name, error=type(error).__name__)
            else:
                self._done_on[name] = today
                log.info("daily.done", task=name)
        return 0
