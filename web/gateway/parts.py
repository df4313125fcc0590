"""What the gateway is built from, in one place; a test puts its own parts in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

import sqlalchemy as sa

from safeguarding.choices import Choices, choices
from safeguarding.content.contacts import contact_directory
from safeguarding.content.help_card import help_cards
from safeguarding.content.opening import opening
from safeguarding.escalations import wiring
from safeguarding.risk.engine import risk_engine
from safeguarding.settings import Settings
from web.gateway.conversations import Conversations
from web.gateway.hearing import Hearing
from web.gateway.limits import Limits
from web.gateway.messages import Messages
from web.gateway.metrics import Metrics
from web.gateway.rasa import RasaClient
from web.gateway.recording import Log, Recorder, Spool
from web.gateway.screening import Engine, Screening
from web.gateway.tokens import Tokens
from web.gateway.words import Words, own_words


@dataclass(frozen=True)
class Foundation:
    """What comes from outside the gateway."""

    engine: Engine
    escalations: Log
    spool: Spool
    token_key: str
    channel_secret: str
    database_is_up: Callable[[], bool]


@dataclass(frozen=True)
class Parts:
    """The running gateway."""

    catalogue: Choices
    tokens: Tokens
    conversations: Conversations
    limits: Limits
    messages: Messages
    words: Words
    metrics: Metrics
    recorder: Recorder
    screening: Screening
    hearing: Hearing
    rasa: RasaClient
    database_is_up: Callable[[], bool]

    async def finish(self) -> None:
        """Let what is under way come to its end: answers first, their records after."""
        await self.messages.finish()
        await self.hearing.finish()
        await self.recorder.finish()
        self.screening.close()
        await self.rasa.close()


def foundation(settings: Settings) -> Foundation:
    """The real parts; takes seconds to read. Raises ContentError, SettingsError."""

    def database_is_up() -> bool:
        try:
            with wiring.engine(settings).connect() as connection:
                connection.execute(sa.text("SELECT 1"))
        except sa.exc.SQLAlchemyError:
            return False
        return True

    return Foundation(
        engine=risk_engine(),
        escalations=wiring.escalation_log(settings),
        spool=wiring.escalation_spool(settings),
        token_key=settings.secret("token_key"),
        channel_secret=settings.secret("channel_secret"),
        database_is_up=database_is_up,
    )


def assemble(settings: Settings, base: Foundation, limits: Limits | None = None) -> Parts:
    """Put the gateway together. Needs a running event loop."""
    asyncio.get_running_loop()
    catalogue, metrics = choices(), Metrics()
    words = Words(
        help_cards(),
        contact_directory(),
        own_words(),
        opening,
        _now,
        demonstration=not settings.require_approval,
    )
    screening = Screening(base.engine)
    recorder = Recorder(base.escalations, base.spool, metrics)
    hearing = Hearing(recorder, _now)
    rasa = RasaClient(settings.rasa_url, base.channel_secret)
    messages = Messages(
        rasa,
        screening,
        words,
        hearing,
        metrics,
        catalogue=catalogue,
        timeout_s=settings.rasa_timeout_s,
    )
    return Parts(
        catalogue=catalogue,
        tokens=Tokens(base.token_key),
        conversations=Conversations(settings.conversation_ttl_s),
        limits=limits or Limits.of(settings, base.token_key),
        messages=messages,
        words=words,
        metrics=metrics,
        recorder=recorder,
        screening=screening,
        hearing=hearing,
        rasa=rasa,
        database_is_up=base.database_is_up,
    )


def _now() -> datetime:
    return datetime.now(timezone.utc)
