"""Figures for the operator. No label ever holds anything of a person's."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from safeguarding.logs import LOGGED


class GatewayMetrics:
    """The gateway's figures, in a registry of their own: several apps may live in one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(LOGGED)
        self.messages = Counter(
            "lantern_messages",
            "Messages answered, by who answered them.",
            ["answered_by"],
            registry=self._registry,
        )
        self.fallbacks = Counter(
            "lantern_fallbacks",
            "Messages that Rasa did not answer, by reason.",
            ["reason"],
            registry=self._registry,
        )
        self.upgrades = Counter(
            "lantern_upgrades",
            "Replies of Rasa's that lacked the help card our own screen asked for.",
            registry=self._registry,
        )
        self.recorded = Counter(
            "lantern_escalations",
            "Escalations raised by the gateway, by severity and where they were written.",
            ["severity", "where"],
            registry=self._registry,
        )
        self.seconds = Histogram(
            "lantern_reply_seconds",
            "Time from a message to its answer.",
            buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 4, 6, 10),
            registry=self._registry,
        )
        self.conversations = Gauge(
            "lantern_conversations",
            "Conversations in progress.",
            registry=self._registry,
        )
        self.conversation_bytes = Gauge(
            "lantern_conversation_bytes",
            "Memory that they take, nearly.",
            registry=self._registry,
        )
        self.conversations_unsaved = Gauge(
            "lantern_conversations_unsaved",
            "Of conversations that gateways share, those that Redis does not know as they are now.",
            registry=self._registry,
        )
        self.rasa_under_way = Gauge(
            "lantern_rasa_under_way",
            "Messages that a Rasa server is answering.",
            ["server"],
            registry=self._registry,
        )
        self.rasa_breaker = Gauge(
            "lantern_rasa_breaker",
            "Of a Rasa server: 0 it is asked, 1 it is tried, 2 it is left alone.",
            ["server"],
            registry=self._registry,
        )
        self.rasa_waiting = Gauge(
            "lantern_rasa_waiting",
            "Messages that wait until a Rasa server is free.",
            registry=self._registry,
        )
        self.rasa_asked_again = Gauge(
            "lantern_rasa_asked_again",
            "How often another Rasa server was asked, because the first did not answer.",
            registry=self._registry,
        )
        self.backlog = Gauge(
            "lantern_spool_backlog",
            "Escalations waiting on this machine for the database.",
            registry=self._registry,
        )
        self.unsaved = Gauge(
            "lantern_unsaved_escalations",
            "Escalations in memory only, because neither database nor disk could take them.",
            registry=self._registry,
        )
        self.connections = Gauge(
            "lantern_connections",
            "Connections that are open.",
            registry=self._registry,
        )
        self.most_connections = Gauge(
            "lantern_connections_most",
            "Connections that may be open: over it, one that is worth least is closed.",
            registry=self._registry,
        )
        self.closed_connections = Gauge(
            "lantern_connections_closed",
            "Connections closed to make room for others since the start, or refused.",
            ["how"],
            registry=self._registry,
        )

    def as_text(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self._registry)
