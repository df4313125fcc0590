"""The threads of the dispatcher that alert staff: the plan, and a sender for each channel."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
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
from staff.loops import Beats, ClaimingLoop, Loop
from storage.engine import READING

BATCH = 10
STEADY_S = IMMEDIATE_LEASE.total_seconds() / 3
"""Seconds after which a claim is renewed, and after which the rest of a batch is given back so that
another dispatcher can send it."""
log = structlog.get_logger("dispatcher")


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


class Sender(ClaimingLoop):
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
        super().__init__(name, beats, engine, queue.release)
        self._channel = channel
        self._words = words
        self._flood = flood

    def is_due(self) -> bool:
        """Return whether a delivery of the channel is due."""
        with self._reading.connect() as connection:
            return queue.is_due(connection, self.name, utc_now())

    def send_batch(self, by: str) -> int:
        """Claim a batch and send it; return how many were claimed."""
        started = time.monotonic()
        with self._engine.begin() as connection:
            batch = queue.claim(connection, self.name, by, utc_now(), BATCH, self._flood)
        with _renewed(self._engine, by, STEADY_S):
            for delivery in batch:
                if time.monotonic() - started > STEADY_S:
                    self.give_back(by)
                    break
                if self._still_holds(delivery):
                    self._send(delivery)
                self._beats.beat(self.name)
        return len(batch)

    def _still_holds(self, delivery: Delivery) -> bool:
        with self._engine.begin() as connection:
            return queue.still_holds(connection, delivery, utc_now())

    def _send(self, delivery: Delivery) -> None:
        try:
            self._channel.send(delivery, self._notice(delivery))
        except NotSentError as error:
            self.note(partial(self._failed, delivery, error, utc_now()))
        except Exception as error:  # noqa: BLE001 - the others of the batch must still be sent
            unknown = NotSentError(type(error).__name__)
            self.note(partial(self._failed, delivery, unknown, utc_now()))
        else:
            self.note(partial(self._sent, delivery, utc_now()))

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
