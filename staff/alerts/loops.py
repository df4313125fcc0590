"""The threads of the dispatcher: one takes the steps of the plan, and each channel has a sender.

A channel that hangs holds up its own thread only. Each thread records a beat in each round; when
one stops, the process ends itself and is restarted.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial

import structlog
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.clock import utc_now
from staff.alerts import outcomes, plan, queue
from staff.alerts.channels.channel import Channel
from staff.alerts.flood import Flood
from staff.alerts.formatter import AlertFormatter, Notice
from staff.alerts.plan import Plan
from staff.alerts.queue import IMMEDIATE_LEASE, Delivery, NotSentError
from staff.audit.trail import short_anchor
from storage.engine import AWAY, READING

EVERY_S = 1.0
"""Seconds that a thread with nothing to do waits."""
BATCH = 10
STEADY_S = IMMEDIATE_LEASE.total_seconds() / 3
"""Seconds after which a claim is renewed, and after which the rest of a batch is given back so that
another dispatcher can send it."""
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


class Loop:
    """Repeats one task on a thread of its own, also after failures."""

    def __init__(self, name: str, beats: Beats, every_s: float = EVERY_S) -> None:
        self.name = name
        self._beats = beats
        self._every_s = every_s
        self._thread: threading.Thread | None = None
        self._woken = threading.Event()
        self._next: tuple[Loop, ...] = ()

    def once(self) -> int:
        """Do what is due and return how much it was; after 0 the loop waits."""
        raise NotImplementedError

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


class Planner(Loop):
    """Takes the steps of the plan that are due."""

    def __init__(self, engine: Engine, steps: Plan, beats: Beats) -> None:
        super().__init__("plan", beats)
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._steps = steps

    def once(self) -> int:
        """Take the steps that are due, up to a batch of them."""
        with self._reading.connect() as connection:
            if not plan.is_due(connection, utc_now()):
                return 0
        with self._engine.begin() as connection:
            taken = plan.advance(connection, self._steps, utc_now())
        for step in taken:
            facts = {
                "case_id": step.case_id,
                "severity": step.severity.label,
                "step": step.step.name.lower(),
                "recipients": {channel: len(ids) for channel, ids in step.recipients.items()},
            }
            if step.beyond_area:
                log.warning("alert.beyond_area", **facts, area=step.area)
            if step.nobody_on_duty:
                log.warning("alert.nobody_on_duty", **facts)
            if step.reaches:
                log.info("alert.step", **facts)
            else:
                log.critical("alert.reached_nobody", **facts)
        return len(taken)


class Sender(Loop):
    """Sends the queued deliveries of one channel."""

    def __init__(
        self,
        name: str,
        channel: Channel,
        engine: Engine,
        words: AlertFormatter,
        flood: Flood,
        beats: Beats,
    ) -> None:
        super().__init__(name, beats)
        self._channel = channel
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._words = words
        self._flood = flood
        self._claim: str | None = None
        """The claim of a batch in which the database failed."""
        self._outcome: Callable[[], None] | None = None
        """Writes what became of the message sent last, if the database failed to keep it."""

    def once(self) -> int:
        """Claim a batch and send it; return how many were claimed."""
        self._settle()
        with self._reading.connect() as connection:
            if not queue.is_due(connection, self.name, utc_now()):
                return 0
        by = uuid.uuid4().hex
        try:
            return self._send_batch(by)
        except AWAY:
            # Also when the claim itself failed: the database may have kept it all the same.
            self._claim = by
            raise

    def _send_batch(self, by: str) -> int:
        started = time.monotonic()
        with self._engine.begin() as connection:
            batch = queue.claim(connection, self.name, by, utc_now(), BATCH, self._flood)
        with _renewed(self._engine, by, STEADY_S):
            for delivery in batch:
                if time.monotonic() - started > STEADY_S:
                    with self._engine.begin() as connection:
                        queue.release(connection, by)
                    break
                if self._still_holds(delivery):
                    self._send(delivery)
                self._beats.beat(self.name)
        return len(batch)

    def _still_holds(self, delivery: Delivery) -> bool:
        with self._engine.begin() as connection:
            return queue.still_holds(connection, delivery, utc_now())

    def _settle(self) -> None:
        """Note what became of the message sent last, and give back the rest of its batch.

        Both are left over when the database failed in the middle of a batch. Without this, the rest
        waits until its claim expires, and the message sent last is sent again.
        """
        if self._outcome is not None:
            outcome, self._outcome = self._outcome, None
            self._note(outcome)
        if self._claim is not None:
            with self._engine.begin() as connection:
                queue.release(connection, self._claim)
            self._claim = None

    def _send(self, delivery: Delivery) -> None:
        try:
            self._channel.send(delivery, self._notice(delivery))
        except NotSentError as error:
            self._note(partial(self._failed, delivery, error, utc_now()))
        except Exception as error:  # noqa: BLE001 - the others of the batch must still be sent
            unknown = NotSentError(type(error).__name__)
            self._note(partial(self._failed, delivery, unknown, utc_now()))
        else:
            self._note(partial(self._sent, delivery, utc_now()))

    def _note(self, outcome: Callable[[], None]) -> None:
        """Write what became of a message; keep it for the next round if the database is away."""
        try:
            outcome()
        except AWAY:
            self._outcome = outcome
            raise

    def _sent(self, delivery: Delivery, at: datetime) -> None:
        with self._engine.begin() as connection:
            outcomes.mark_sent(connection, delivery, at)
        log.info("alert.sent", **self._facts(delivery))

    def _failed(self, delivery: Delivery, error: NotSentError, at: datetime) -> None:
        with self._engine.begin() as connection:
            given_up = outcomes.mark_failed(connection, delivery, error, at)
        say = log.error if given_up else log.warning
        event = "alert.given_up" if given_up else "alert.not_sent"
        say(event, **self._facts(delivery), error=error.kind)

    def _facts(self, delivery: Delivery) -> dict[str, object]:
        return {
            "delivery": delivery.id,
            "channel": self.name,
            "attempts": delivery.attempts,
            "together": len(delivery.every),
        }

    def _notice(self, delivery: Delivery) -> Notice:
        anchor = short_anchor(self._reading)
        if delivery.others:
            outside = sum(each.outside for each in delivery.every)
            alerts = [each.alert for each in delivery.every]
            if delivery.burst is not None:
                return self._words.burst(
                    alerts, delivery.burst, utc_now(), outside=outside, anchor=anchor
                )
            return self._words.digest(alerts, utc_now(), outside=outside, anchor=anchor)
        alert, outside = delivery.alert, delivery.outside
        return self._words.notice(alert, utc_now(), outside=outside, anchor=anchor)


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


@contextmanager
def _renewed(engine: Engine, by: str, every_s: float) -> Iterator[None]:
    """Renew the claim `by` every `every_s` seconds while its messages are sent, on another thread.

    One message may take longer than a claim lasts.
    """
    stop = threading.Event()

    def renew() -> None:
        while not stop.wait(every_s):
            try:
                with engine.begin() as connection:
                    queue.renew(connection, by, utc_now())
            except SQLAlchemyError as error:
                log.warning("alert.claim_not_renewed", error=type(error).__name__)

    # A daemon thread that is not waited for: the database may hang, and renewing a claim that has
    # ended changes nothing.
    threading.Thread(target=renew, name="renew", daemon=True).start()
    try:
        yield
    finally:
        stop.set()
