"""A whole gateway on a free port, with fakes for what lies outside it."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from sanic import Sanic

from chat.gateway import api
from chat.gateway.composition import Dependencies, create_app
from chat.gateway.limits import FINGERPRINT_LETTERS, RateLimits
from safeguarding.dialogue.encoder import DialogueEncoder
from safeguarding.escalation import (
    SENDER,
    CallbackChange,
    CallbackLeft,
    Escalation,
    Handoff,
    LetterboxChange,
    LetterboxClosed,
    LetterboxOpened,
    LiveChatChange,
    merged,
)
from safeguarding.risk.assessment import NO_RISK, Analysis, Assessment, Signal, Turn, read_in_part
from safeguarding.screening.languages import LanguageDetector
from safeguarding.screening.screener import MessageScreener
from safeguarding.settings import Settings
from safeguarding.taxonomy import Severity
from storage.duty import Watch
from storage.engine import connect
from storage.handoffs import HandoffMailbox
from storage.integrity import PageState
from storage.letterboxes import Letterboxes
from storage.live_chats import LiveChats
from storage.live_messages import LiveMessages
from storage.replies import ReplyMailbox
from tests.content import real_content
from tests.fakes.plain_engine import plain_alarm, plain_encode
from tests.fakes.rasa import FakeRasa, running_rasa
from tests.fakes.screener_in_threads import ScreenerInThreads
from tests.fakes.unsure_model import UnsureModel
from tests.records import vault
from web.connections import LastingProtocol

Sanic.test_mode = True
VECTOR = np.linspace(-0.05, 0.05, 768, dtype=np.float32)
NAMES = itertools.count()
LEVELS = {"worried": Severity.CONCERN, "hurt": Severity.URGENT, "now": Severity.IMMEDIATE}
CATEGORIES = {"dying": "suicide", "cutting": "self_harm", "nudes": "image_abuse"}


def assessed(severity: Severity, category: str = "distress") -> Assessment:
    """Return an assessment of this severity."""
    signal = Signal("word", "lexicon", "1", category, severity, 0, 0)
    return Assessment(severity, (category,), "self", (signal,))


def noted(handed_over: Escalation) -> dict[str, str]:
    """Return the facts about a hand-off, without the fingerprint of its sender, which it has."""
    assert len(handed_over.extra[SENDER]) == FINGERPRINT_LETTERS
    return {name: value for name, value in handed_over.extra.items() if name != SENDER}


class WordEngine:
    """A risk engine of three words for the severity and three for the category.

    `gate` holds it up; `broken` makes it raise; `in_part` makes every message too long.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[str, tuple[Turn, ...]]] = []
        self.contexts: list[str | None] = []
        self.gate = threading.Event()
        self.gate.set()
        self.broken = False
        self.in_part = False

    def assess(
        self, text: str, history: Sequence[Turn] = (), context: str | None = None
    ) -> Assessment:
        self.seen.append((text, tuple(history)))
        self.contexts.append(context)
        self.gate.wait(30)
        if self.broken:
            raise RuntimeError(text)
        words = text.split()
        severity = max((LEVELS[w] for w in LEVELS if w in words), default=Severity.NONE)
        category = next((CATEGORIES[w] for w in CATEGORIES if w in words), "distress")
        found = assessed(severity, category) if severity else NO_RISK
        return read_in_part(found) if self.in_part else found

    def analyse(
        self, text: str, history: Sequence[Turn] = (), context: str | None = None
    ) -> Analysis:
        return Analysis(self.assess(text, history, context), text, VECTOR)

    def canonical(self, text: str) -> str:
        return text

    def phrased(self, text: str) -> Severity:
        if self.broken:
            raise RuntimeError(text)
        return max((LEVELS[w] for w in LEVELS if w in text.split()), default=Severity.NONE)

    def vector(self, _text: str) -> npt.NDArray[np.float32]:
        return VECTOR


class MemoryMailbox:
    """A hand-off mailbox in memory. `down` makes it raise; `gate` holds it up.

    `kept` is what shows risk, `attached` what only belongs to it; `wishes` takes call-backs. `rows`
    are all that were appended, and `groups` how many of them at a time.
    """

    def __init__(self) -> None:
        self.wishes = MemoryWishes()
        self.kept: dict[str, Escalation] = {}
        self.attached: dict[str, Escalation] = {}
        self.rows: list[Escalation] = []
        self.letterboxes: list[LetterboxChange] = []
        self.live: list[LiveChatChange] = []
        self.groups: list[int] = []
        self.calls = 0
        self.down = False
        self.gate = threading.Event()
        self.gate.set()

    def append(self, handoff: Handoff, /) -> bool:
        if isinstance(handoff, (LetterboxOpened, LetterboxClosed)):
            self.letterboxes.append(handoff)
            return True
        if isinstance(handoff, LiveChatChange):
            if self.down:
                raise OSError(handoff.id)
            self.live.append(handoff)
            return True
        if not isinstance(handoff, Escalation):
            return self.wishes.apply(handoff)
        return self._append(handoff)

    def append_all(self, group: Sequence[Handoff]) -> None:
        self.groups.append(len(group))
        for handoff in group:
            self.append(handoff)

    def _append(self, escalation: Escalation) -> bool:
        self.calls += 1
        self.gate.wait(30)
        if self.down:
            raise OSError(escalation.text)
        self.rows.append(escalation)
        raised = escalation.assessment.severity > Severity.NONE
        place = self.kept if raised else self.attached
        known = place.get(escalation.message_id)
        place[escalation.message_id] = merged(known, escalation) if known else escalation
        return known is None


class MemorySpool:
    """A spool in memory. `full` makes it raise, as the id it `refuses` does; `gate` holds it up."""

    def __init__(self) -> None:
        self.kept: dict[str, Escalation] = {}
        self.full = False
        self.refuses = ""
        self.rounds = 0
        self.gate = threading.Event()
        self.gate.set()

    def keep(self, escalation: Escalation) -> None:
        self.gate.wait(30)
        if self.full or escalation.message_id == self.refuses:
            raise OSError(escalation.text)
        self.kept[escalation.message_id] = escalation

    def drain(self, mailbox: HandoffMailbox) -> int:
        self.rounds += 1
        taken = 0
        for message_id, escalation in list(self.kept.items()):
            mailbox.append(escalation)
            del self.kept[message_id]
            taken += 1
        return taken

    def waiting(self) -> list[str]:
        return list(self.kept)

    def reserve(self) -> None:
        """Nothing is set aside in memory."""

    def probe(self) -> None:
        if self.full:
            raise OSError


class MemoryWishes:
    """Wishes in memory. `down` makes it raise; `gate` holds it up."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, str]] = {}
        self.down = False
        self.gate = threading.Event()
        self.gate.set()

    def apply(self, change: CallbackChange) -> bool:
        if isinstance(change, CallbackLeft):
            self.gate.wait(30)
        if self.down:
            raise OSError(change.id)
        if isinstance(change, CallbackLeft):
            self.kept[change.conversation_id] = (change.name, change.reach)
            return True
        return self.kept.pop(change.conversation_id, None) is not None


class Gateway:
    """A running gateway as a browser sees it, and the fakes behind it."""

    def __init__(self, http: httpx.AsyncClient, app: Sanic[Any, Any], world: World) -> None:
        self.http = http
        self.app = app
        self.inside: api.GatewayParts = app.ctx.gateway
        self.world = world

    async def begin(self, **known: str) -> dict[str, str]:
        """Begin a conversation and return its headers."""
        answer = await self.http.post("/v1/conversations", json=known)
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    async def say(
        self, headers: dict[str, str], text: str, message_id: str | None = None, **more: str
    ) -> httpx.Response:
        """Send typed words."""
        body = {"id": message_id or str(uuid4()), "text": text, **more}
        return await self.http.post("/v1/messages", json=body, headers=headers)

    async def press(self, headers: dict[str, str], choice: str, **more: str) -> httpx.Response:
        """Press a button."""
        body = {"id": str(uuid4()), "choice": choice, **more}
        return await self.http.post("/v1/messages", json=body, headers=headers)


class World:
    """Everything outside the gateway."""

    def __init__(self, rasa: FakeRasa, state_dir: Path) -> None:
        self.rasa = rasa
        self.engine = WordEngine()
        self.log = MemoryMailbox()
        self.spool = MemorySpool()
        self.mailbox: Any = self.log
        self.database_engine = connect(f"sqlite:///{state_dir / 'none.db'}")
        """Without a table: a test of letterboxes sets another."""
        self.wishes = self.log.wishes
        self.screener = ScreenerInThreads(self._screener())
        self.database = True
        self.pages = PageState.SOUND
        self.rota: Sequence[Watch] = ()
        self.state_dir = state_dir
        self.env: dict[str, str] = {"LANTERN_RASA_TIMEOUT_S": "2"}

    def settings(self) -> Settings:
        """Return settings that point here."""
        env = {"LANTERN_STATE_DIR": str(self.state_dir), "LANTERN_RASA_URL": self.rasa.url}
        # The fake Rasa answers for the action server, too.
        env["LANTERN_ACTIONS_URL"] = self.rasa.url.replace(",", " ").split()[-1]
        return Settings.from_env(env | self.env)

    def _screener(self) -> MessageScreener:
        content = real_content()
        dialogue = DialogueEncoder.of(plain_encode, content.replies.all(), self.engine.canonical)
        languages = LanguageDetector(content.languages)
        return MessageScreener(self.engine, dialogue, languages, content.questions, plain_alarm)

    def dependencies(self, _settings: Settings) -> Dependencies:
        """Return the fakes."""
        return Dependencies(
            screener=self.screener,
            mailbox=self.mailbox,
            letterboxes=Letterboxes(self.database_engine),
            replies=ReplyMailbox(self.database_engine, vault()),
            live_chats=LiveChats(self.database_engine),
            live_messages=LiveMessages(self.database_engine, vault()),
            spool=self.spool,
            token_key="k" * 40,
            channel_secret="secret",
            database_is_up=lambda: self.database,
            page_state=lambda: self.pages,
            rota=lambda _start, _end: self.rota,
        )

    @asynccontextmanager
    async def gateway(self, limits: RateLimits | None = None) -> AsyncIterator[Gateway]:
        """Run a gateway in front of these fakes."""
        app = create_app(
            settings=self.settings(),
            content=real_content(),
            build=self.dependencies,
            limits=limits,
            name=f"gateway-{next(NAMES)}",
        )
        async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=15) as http:
            yield Gateway(http, app, self)


@asynccontextmanager
async def serving(app: Sanic[Any, Any]) -> AsyncIterator[str]:
    """Run the app on a free port of this machine, in this event loop."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        server: Any = await app.create_server(
            sock=sock, protocol=LastingProtocol, return_asyncio_server=True
        )
        await server.startup()
        await server.before_start()
        await server.after_start()
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            await server.before_stop()
            server.close()
            await server.after_stop()


async def until(true: Callable[[], bool]) -> None:
    """Wait until something is true; the test's own time limit ends a wait that never does."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - the world has no event to wait for
            await asyncio.sleep(0.01)


@pytest.fixture
def rasa() -> Iterator[FakeRasa]:
    with running_rasa() as rasa:
        yield rasa


@pytest.fixture
def world(rasa: FakeRasa, tmp_path: Path) -> World:
    return World(rasa, tmp_path)


@pytest.fixture(autouse=True)
def no_reply_is_likely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.gateway.composition.read_dialogue_model", UnsureModel)


@pytest.fixture(autouse=True)
def a_busy_machine_is_no_pressure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.gateway.pressure.MOST_LAG_S", 10.0)


@pytest.fixture
async def gateway(world: World) -> AsyncIterator[Gateway]:
    async with world.gateway() as gateway:
        yield gateway
