"""Puts the gateway together: the settings in, what its addresses work with out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial

from chat.gateway.bounded_pool import BoundedPool
from chat.gateway.callbacks import CallbackDialogue, CallbackPhrases
from chat.gateway.conversation_record import Seal
from chat.gateway.conversations import Conversations
from chat.gateway.duty import Duty, DutyPhrases, ReadRota, nobody_known
from chat.gateway.handoff import HandOff
from chat.gateway.languages import LanguageDetector
from chat.gateway.limits import RateLimits
from chat.gateway.messages import Messages
from chat.gateway.metrics import GatewayMetrics
from chat.gateway.rasa_pool import RasaPool
from chat.gateway.recorder import Backlog, Recorder
from chat.gateway.replies import GatewayPhrases, OwnReplies
from chat.gateway.requests import RefusalPhrases, Tokens
from chat.gateway.screening import Engine, Screening
from chat.gateway.shared_conversations import SharedConversations
from chat.gateway.shared_store import SharedStore
from safeguarding.content.choices import Choices
from safeguarding.content.reader import Content
from safeguarding.risk.engine import build_engine
from safeguarding.settings import Settings
from storage.duty import Watch, watches
from storage.engine import READING, can_be_written, connect
from storage.handoffs import HandoffMailbox
from storage.spool import Spool
from storage.vault import Vault, note_key_in_use
from web.http import ErrorPhrases, PlainErrors

ANSWER_S = 3.0
"""Seconds that the database may take for one statement of the gateway's. Nobody waits so long: by
then the record is on the spool, and a connection that hangs makes room."""


@dataclass(frozen=True)
class Dependencies:
    """What the gateway uses and does not make: a test hands in fakes."""

    engine: Engine
    mailbox: HandoffMailbox
    spool: Backlog
    token_key: str
    channel_secret: str
    database_is_up: Callable[[], bool]
    rota: ReadRota = nobody_known


@dataclass(frozen=True)
class Gateway:
    """The collaborators of every address, one of each in the process."""

    choices: Choices
    tokens: Tokens
    conversations: Conversations
    limits: RateLimits
    messages: Messages
    replies: OwnReplies
    refusals: RefusalPhrases
    errors: PlainErrors
    metrics: GatewayMetrics
    recorder: Recorder
    screening: Screening
    handoff: HandOff
    rasa: RasaPool
    duty: Duty
    database_is_up: Callable[[], bool]
    checks: BoundedPool
    """Where readiness is found out: a check that hangs holds up no other."""

    async def finish(self) -> None:
        """Let what is under way come to its end: answers first, their records after."""
        await self.messages.finish()
        await self.handoff.finish()
        await self.recorder.finish()
        await self.conversations.finish()
        self.screening.close()
        self.checks.close()
        self.duty.close()
        await self.rasa.close()


def dependencies(settings: Settings, engine: Engine | None = None) -> Dependencies:
    """The real ones; takes seconds to read. Raises ContentError, SettingsError, VaultError.

    `engine` is for injected faults, which need no network to understand what is written.
    """
    database = connect(settings.database_url, answer_s=ANSWER_S)
    vault = Vault.of(settings)
    note_key_in_use(settings, vault)

    def on_duty(start: datetime, end: datetime) -> list[Watch]:
        with database.connect().execution_options(**READING) as connection:
            return watches(connection, start, end)

    return Dependencies(
        engine=engine or build_engine(miss_cost=settings.miss_cost),
        mailbox=HandoffMailbox(database, vault),
        spool=Spool.of(settings, vault),
        token_key=settings.secret("token_key"),
        channel_secret=settings.secret("channel_secret"),
        database_is_up=partial(can_be_written, database),
        rota=on_duty,
    )


def plain_errors(content: Content) -> PlainErrors:
    """Answers to every error, in the phrases of the content. Raises ContentError."""
    return PlainErrors(content.phrases.of("errors", ErrorPhrases))


def compose(
    settings: Settings, outside: Dependencies, content: Content, limits: RateLimits | None = None
) -> Gateway:
    """The gateway of these settings. Needs a running event loop. Raises ContentError."""
    asyncio.get_running_loop()
    metrics = GatewayMetrics()
    replies = OwnReplies(
        content.help_cards,
        content.guides,
        content.contacts,
        content.phrases.of("gateway", GatewayPhrases),
        content.opening.messages,
        _now,
        demonstration=not settings.require_approval,
    )
    screening = Screening(outside.engine, LanguageDetector(content.languages), content.questions)
    recorder = Recorder(outside.mailbox, outside.spool, metrics)
    callbacks = CallbackDialogue(
        outside.mailbox,
        content.phrases.of("wishes", CallbackPhrases),
        content.choices,
        content.questions,
        _now,
    )
    endings, duty_phrases = content.help_cards.ending, content.phrases.of("duty", DutyPhrases)
    duty = Duty(outside.rota, endings, duty_phrases, _now)
    handoff = HandOff(recorder, callbacks, duty, _now)
    rasa = RasaPool(settings.rasa_urls, outside.channel_secret, settings.rasa_timeout_s)
    conversations = _conversations(settings, outside.token_key)
    messages = Messages(
        conversations,
        rasa,
        screening,
        replies,
        handoff,
        metrics,
        content=content,
    )
    return Gateway(
        choices=content.choices,
        tokens=Tokens(outside.token_key),
        conversations=conversations,
        limits=limits or RateLimits.of(settings, outside.token_key),
        messages=messages,
        replies=replies,
        refusals=content.phrases.of("refusals", RefusalPhrases),
        errors=plain_errors(content),
        metrics=metrics,
        recorder=recorder,
        screening=screening,
        handoff=handoff,
        rasa=rasa,
        duty=duty,
        database_is_up=outside.database_is_up,
        checks=BoundedPool("checks", threads=4, room=8),
    )


def _conversations(settings: Settings, token_key: str) -> Conversations:
    """Where conversations in progress are: in this process, or shared by all gateways."""
    ttl_s = settings.conversation_ttl_s
    if settings.redis_url is None:
        return Conversations(ttl_s)
    shared = SharedConversations(SharedStore(settings.redis_url), Seal(token_key), ttl_s)
    shared.start()
    return shared


def _now() -> datetime:
    return datetime.now(timezone.utc)
