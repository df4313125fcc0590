"""The gateway's metrics. No label holds anything about a person."""

from __future__ import annotations

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from safeguarding.logs import LOGGED


class GatewayMetrics:
    """The metrics, in a registry of their own: tests run several gateways in one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(LOGGED)
        counter = partial(Counter, registry=self._registry)
        gauge = partial(Gauge, registry=self._registry)

        self.messages = counter(
            "lantern_messages", "Messages answered, by who answered them.", ["answered_by"]
        )
        self.fallbacks = counter(
            "lantern_fallbacks", "Messages that Rasa did not answer, by reason.", ["reason"]
        )
        self.upgrades = counter(
            "lantern_upgrades",
            "Replies of Rasa that lacked the help card that the assessment asks for.",
        )
        self.recorded = counter(
            "lantern_escalations",
            "Escalations raised by the gateway, by severity and where they were written.",
            ["severity", "where"],
        )
        self.seconds = Histogram(
            "lantern_reply_seconds",
            "Time from a message to its answer.",
            buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 4, 6, 10),
            registry=self._registry,
        )
        self.conversations = gauge("lantern_conversations", "Conversations in progress.")
        self.conversation_bytes = gauge(
            "lantern_conversation_bytes", "Memory that conversations take, roughly."
        )
        self.conversations_unsaved = gauge(
            "lantern_conversations_unsaved",
            "Shared conversations that Redis does not have as they are now.",
        )
        self.rasa_under_way = gauge(
            "lantern_rasa_under_way", "Messages that a Rasa server is answering.", ["server"]
        )
        self.rasa_breaker = gauge(
            "lantern_rasa_breaker",
            "Circuit breaker of a Rasa server: 0 closed, 1 half open, 2 open (no messages).",
            ["server"],
        )
        self.actions_up = gauge("lantern_actions_up", "Whether the action server answers.")
        self.rasa_waiting = gauge(
            "lantern_rasa_waiting", "Messages that wait until a Rasa server is free."
        )
        self.rasa_asked_again = gauge(
            "lantern_rasa_asked_again",
            "How often another Rasa server was asked, because the first did not answer.",
        )
        self.backlog = gauge(
            "lantern_spool_backlog", "Escalations waiting on this machine for the database."
        )
        self.unsaved = gauge(
            "lantern_unsaved_escalations",
            "Escalations in memory only, because neither database nor disk could take them.",
        )
        self.listeners = gauge(
            "lantern_live_listeners", "Pages that wait for what a person in the chat writes."
        )
        self.connections = gauge("lantern_connections", "Open connections.")
        self.most_connections = gauge(
            "lantern_connections_most",
            "Most connections that may be open; over it, the least useful one is closed.",
        )
        self.closed_connections = gauge(
            "lantern_connections_closed",
            "Connections closed to make room for others since the start, or refused.",
            ["how"],
        )

    def as_text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)
