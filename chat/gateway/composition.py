"""Puts the gateway together: from settings and content to a Sanic application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sanic import Sanic
from sqlalchemy.engine import Engine

from chat.gateway.api import GatewayParts, api, status
from chat.gateway.assistant import OwnAssistant
from chat.gateway.callbacks import CallbackDialogue
from chat.gateway.conversations import Conversations
from chat.gateway.duty import Duty, ReadRota, read_rota
from chat.gateway.handoff import HandoffWriter
from chat.gateway.letterbox import LetterboxDialogue
from chat.gateway.letterbox_key import PhraseKey
from chat.gateway.letters import LetterReader
from chat.gateway.limits import RateLimits, SenderFingerprint
from chat.gateway.live.api import live_api
from chat.gateway.live.chat import LiveStorage, live_chat_parts
from chat.gateway.messages import Messages
from chat.gateway.metrics import GatewayMetrics
from chat.gateway.pages import docs, keep_pages, pages, plain_errors, policy_for
from chat.gateway.plain_page import keep_plain_page, plain
from chat.gateway.pressure import Pressure
from chat.gateway.probes import Probes
from chat.gateway.rasa import RasaPool, ReplySource
from chat.gateway.recorder import BoundedPool, Recorder
from chat.gateway.replies import OwnReplies
from chat.gateway.requests import RefusalPhrases, Tokens, kept_bytes
from chat.gateway.screening import Screener, Screening
from chat.gateway.shared_conversations import SharedConversations
from chat.gateway.shared_store import Seal, SharedStore
from safeguarding.clock import utc_now
from safeguarding.content.reader import Content, read_content
from safeguarding.dialogue.model import DialogueModel, read_dialogue_model
from safeguarding.logs import configure_logs
from safeguarding.screening.process import COMMAND, ScreeningProcess
from safeguarding.settings import Settings
from storage.answering import compose_answers
from storage.engine import can_be_written, connect
from storage.handoffs import HandoffMailbox
from storage.integrity import PageState, page_state
from storage.letterboxes import Letterboxes
from storage.live_chats import LiveChats
from storage.live_messages import LiveMessages
from storage.replies import ReplyMailbox
from storage.spool import Spool
from storage.vault import Vault, note_key_in_use
from web.connections import bound
from web.http import App, add_security_headers

DATABASE_ANSWER_S = 3.0
"""The longest time for one statement, in seconds. No answer waits so long; a connection that hangs
is freed."""
FINISH_S = 20.0
"""Seconds for requests in progress when the gateway stops: longer than any answer takes, and with
the records after it far below the TimeoutStopSec of deploy/systemd/."""
START_S = 30.0
"""Seconds after which the gateway says that it has started, also without its screening process."""
NICENESS = 3
"""The niceness of the screening process: in a crowd, help comes before an assessment."""
LARGEST_BODY_READ = 1024 * 1024
"""A body over MAX_BODY_BYTES is refused but read up to this size, in bytes: a connection that is
cut short shows no help."""


@dataclass(frozen=True)
class Dependencies:
    """What is outside the gateway; tests replace it with fakes."""

    screener: Screener
    mailbox: HandoffMailbox
    letterboxes: Letterboxes
    replies: ReplyMailbox
    live_chats: LiveChats
    live_messages: LiveMessages
    spool: Spool
    token_key: str
    channel_secret: str
    database_is_up: Callable[[], bool]
    page_state: Callable[[], PageState]
    rota: ReadRota
    reply_source: Callable[[Content, DialogueModel], ReplySource] | None = None
    """Makes what answers messages; None for the Rasa servers of the settings."""


def create_app(
    *,
    settings: Settings | None = None,
    content: Content | None = None,
    build: Callable[[Settings], Dependencies] | None = None,
    limits: RateLimits | None = None,
    name: str = "lantern-gateway",
) -> App:
    """Make the application. `content`, `build` and `limits` are for tests.

    Raises ContentError and SettingsError. Content is read here, so that pages and errors need no
    file later.
    """
    settings = settings or Settings.from_env()
    content = content or read_content()
    configure_logs()
    errors = plain_errors(content)
    app: App = Sanic(name, error_handler=errors, configure_logging=False)
    app.config.update(
        ACCESS_LOG=False,
        REQUEST_MAX_SIZE=LARGEST_BODY_READ,
        GRACEFUL_SHUTDOWN_TIMEOUT=FINISH_S,
        PROXIES_COUNT=settings.gateway_trusted_proxies or None,
    )
    bound(app, settings.gateway_trusted_proxies, kept_bytes, errors)
    for blueprint in (pages, plain, api, live_api, status, docs):
        app.blueprint(blueprint)
    keep_pages(app, content)
    keep_plain_page(app, content)
    add_security_headers(app, partial(policy_for, ancestors=settings.widget_ancestors))

    async def start(app: App) -> None:
        outside = await asyncio.to_thread(build or dependencies, settings)
        gateway = compose(settings, outside, content, limits)
        app.ctx.gateway = gateway
        gateway.live.listeners.seats.leave_to_others(app.ctx.budget.most)
        # Meanwhile the gateway answers all the same: with help, and for staff.
        app.ctx.starting = asyncio.create_task(outside.screener.start(START_S))
        app.ctx.draining = False
        app.ctx.works = [
            asyncio.create_task(gateway.recorder.work_forever()),
            asyncio.create_task(gateway.duty.read_forever()),
            asyncio.create_task(gateway.screening.pressure.measure_forever()),
            *map(asyncio.create_task, gateway.live.works()),
        ]

    async def drain(app: App) -> None:
        # New connections are still taken, until the load balancer sees it in /readyz.
        app.ctx.draining = True
        app.ctx.gateway.live.listeners.stop()
        await asyncio.sleep(settings.drain_s)

    async def stop(app: App) -> None:
        for work in (app.ctx.starting, *app.ctx.works):
            work.cancel()
        await app.ctx.gateway.finish()

    app.register_listener(start, "before_server_start")
    app.register_listener(drain, "before_server_stop")
    app.register_listener(stop, "after_server_stop")
    return app


def dependencies(settings: Settings, screening: Sequence[str] = COMMAND) -> Dependencies:
    """Make the real dependencies.

    Raises SettingsError and VaultError. `screening` is the command of the screening process; tests
    have one that needs no model.
    """
    database = connect(settings.database_url, answer_s=DATABASE_ANSWER_S)
    vault = Vault.of(settings)
    note_key_in_use(settings, vault)
    return Dependencies(
        screener=ScreeningProcess(screening, niceness=NICENESS),
        mailbox=HandoffMailbox(database, vault),
        letterboxes=Letterboxes(database),
        replies=ReplyMailbox(database, vault),
        live_chats=LiveChats(database),
        live_messages=LiveMessages(database, vault),
        spool=Spool.of(settings, vault),
        token_key=settings.secret("token_key"),
        channel_secret=settings.secret("channel_secret"),
        database_is_up=partial(can_be_written, database),
        page_state=partial(page_state, database),
        rota=partial(read_rota, database),
        reply_source=partial(_own_assistant, settings, database) if settings.without_rasa else None,
    )


def compose(
    settings: Settings, outside: Dependencies, content: Content, limits: RateLimits | None = None
) -> GatewayParts:
    """Make the gateway. Needs a running event loop. Raises ContentError."""
    asyncio.get_running_loop()
    metrics = GatewayMetrics()
    model = read_dialogue_model()
    replies = OwnReplies(content, model, utc_now, demonstration=not settings.require_approval)
    screening = Screening(outside.screener, Pressure())
    recorder = Recorder(outside.mailbox, outside.spool, metrics)
    callbacks = CallbackDialogue(outside.mailbox, content, utc_now)
    limits = limits or RateLimits.of(settings, outside.token_key)
    key = PhraseKey(outside.token_key)
    letters = LetterReader(outside.letterboxes, outside.replies, key, utc_now)
    letterbox = LetterboxDialogue(outside.mailbox, letters, key, limits, content, utc_now)
    duty = Duty(outside.rota, content, utc_now)
    handoff = HandoffWriter(recorder, callbacks, letterbox, duty, content.facts, utc_now)
    conversations = _conversations(settings, outside.token_key)
    storage = LiveStorage(outside.live_chats, outside.live_messages, outside.mailbox)
    live = live_chat_parts(storage, conversations, duty, content, utc_now, is_on=settings.live_chat)
    if outside.reply_source is None:
        rasa: ReplySource = rasa_pool(settings, outside.channel_secret)
    else:
        rasa = outside.reply_source(content, model)
    checks = BoundedPool("checks", threads=4, room=8)
    messages = Messages(rasa, screening, replies, handoff, live, metrics, content=content)
    return GatewayParts(
        choices=content.choices,
        tokens=Tokens(outside.token_key),
        conversations=conversations,
        limits=limits,
        fingerprint=SenderFingerprint(outside.token_key, utc_now),
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
        live=live,
        database_is_up=outside.database_is_up,
        checks=checks,
        probes=Probes(
            None if settings.without_rasa else settings.actions_url, outside.page_state, checks
        ),
    )


def rasa_pool(settings: Settings, channel_secret: str) -> RasaPool:
    """Make the client of the Rasa servers."""
    return RasaPool(settings.rasa_urls, channel_secret, settings.rasa_timeout_s)


def _own_assistant(
    settings: Settings, database: Engine, content: Content, model: DialogueModel
) -> OwnAssistant:
    """Make the assistant that takes the place of the Rasa servers."""
    composition = compose_answers(settings, database, content)
    return OwnAssistant.load(composition, model, settings.rasa_timeout_s)


def _conversations(settings: Settings, token_key: str) -> Conversations:
    """Make the store of conversations: in this process, or shared by all gateways."""
    ttl_s = settings.conversation_ttl_s
    if settings.redis_url is None:
        return Conversations(ttl_s)
    shared = SharedConversations(SharedStore(settings.redis_url), Seal(token_key), ttl_s)
    shared.start()
    return shared
