"""A gateway over a real database, and a member of staff who writes the rows as the console does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from chat.gateway.limits import RateLimits
from safeguarding.escalation import Escalation, Handoff, LiveChatChange
from safeguarding.live_chat import LEASE, LiveChatEnd, LiveChatState, LiveChatStep
from staff.accounts.tables import staff
from staff.cases.case import WholeCase
from staff.cases.cases import Cases
from storage import live_messages
from storage.duty import Watch
from storage.live_chats import live_chats, live_readiness
from storage.live_messages import NewLiveMessage
from tests.content import real_content
from tests.records import PASSWORD, Clock, WorkedMailbox, accounts_on, vault
from tests.unit.chat.gateway.conftest import Gateway, World

PHRASES = real_content().phrases.group("live_chat")
WOULD_YOU = PHRASES["would_you_like"].format(name="Sam")
Messages = list[dict[str, Any]]


class LiveMailbox(WorkedMailbox):
    """A hand-off mailbox that also keeps, plainly, what the chat says of its live chats."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        super().__init__(engine, clock)
        self.told: list[LiveChatChange] = []
        self.down = False
        self.holds = False
        """Whether the case worker does not come to what the chat tells of its live chats."""

    def append(self, handoff: Handoff) -> bool:
        if not isinstance(handoff, LiveChatChange):
            return super().append(handoff)
        if self.down:
            raise OSError(handoff.id)
        if not any(each.id == handoff.id for each in self.told):
            self.told.append(handoff)
        return True if self.holds else super().append(handoff)


class Young:
    """A young person with an open page."""

    def __init__(self, office: LiveOffice, headers: dict[str, str]) -> None:
        self.office = office
        self.headers = headers
        self.cursor = "0.0"
        self.state, self.typing = "none", False
        self.chat: str | None = None

    @property
    def id(self) -> str:
        """The id of the conversation."""
        tokens = self.office.gateway.inside.tokens
        return str(tokens.read(self.headers["Authorization"].partition(" ")[2]).conversation_id)

    async def say(self, text: str, message_id: str | None = None, **more: str) -> Messages:
        """Send typed words; return what is shown."""
        return self._shown(await self.office.gateway.say(self.headers, text, message_id, **more))

    async def press(self, choice: str, **more: str) -> Messages:
        """Press a button; return what is shown."""
        return self._shown(await self.office.gateway.press(self.headers, choice, **more))

    async def listen(self, wait: float = 0, *, shows: bool = True) -> Messages:
        """Ask once at /v1/live as the page does; return what is shown."""
        asked = {"after": self.cursor, "wait": str(wait)}
        if shows:
            asked |= {"state": self.state, "typing": str(self.typing).lower()}
            asked |= {"chat": self.chat or ""}
        answer = await self.office.gateway.http.get("/v1/live", params=asked, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return self.take(answer.json())

    async def look(self, **more: str) -> str:
        """Look for news as the page without JavaScript does; return the page."""
        token = self.headers["Authorization"].partition(" ")[2]
        fields = {"token": token, "act": "look", "after": self.cursor, "state": self.state}
        fields |= {"live": self.chat or "", "id": str(uuid4()), "words": "", **more}
        answer = await self.office.gateway.http.post("/chat/plain", data=fields)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def until(self, text: str) -> Messages:
        """Listen until a message begins with this text; return all that came."""
        came: Messages = []
        for _ in range(40):
            came += await self.listen(1)
            if any(each["text"].startswith(text) for each in came):
                return came
        raise AssertionError(f"{text!r} did not come, but {texts(came)}")

    def take(self, view: dict[str, Any]) -> Messages:
        """Show what the gateway answered."""
        self.cursor, self.state, self.typing = view["cursor"], view["state"], view["typing"]
        self.chat = view["chat"]
        messages: Messages = view["messages"]
        return messages

    def _shown(self, answer: httpx.Response) -> Messages:
        self.office.mailbox.worker.work_off()
        body = answer.json()
        if "live" in body:
            self.state, self.chat = body["live"]["state"], body["live"]["chat"]
        messages: Messages = body["messages"]
        return messages


class LiveOffice:
    """The gateway, the database, and a member of staff."""

    def __init__(self, gateway: Gateway, engine: Engine, clock: Clock) -> None:
        self.gateway = gateway
        self.engine = engine
        self.clock = clock
        self.mailbox: LiveMailbox = gateway.world.mailbox
        self.sam = _sam(engine, clock)

    async def young(self, said: str = "i am hurt") -> Young:
        """Return a young person who has said this."""
        young = Young(self, await self.gateway.begin())
        if said:
            await young.say(said)
        return young

    def told(self, step: LiveChatStep) -> list[LiveChatChange]:
        """Return what the chat told of such a step."""
        return [each for each in self.mailbox.told if each.step is step]

    def ends(self) -> list[LiveChatEnd | None]:
        """Return why the chat ended live chats."""
        return [each.why for each in self.told(LiveChatStep.ENDED)]

    def read(self, young: Young, text: str) -> Escalation:
        """Return a message as staff read it now."""
        return next(each for each in self.whole(young).messages if each.text == text)

    def whole(self, young: Young) -> WholeCase:
        """Return the case as staff read it now."""
        self.mailbox.worker.work_off()
        return Cases(self.engine, vault()).whole(young.id)

    # ---- what staff do ---------------------------------------------------------------------------
    def begin(self, young: Young, state: LiveChatState, chat: str = "chat", **more: Any) -> str:
        """Write a new row."""
        at = self.clock()
        row = {
            "id": chat,
            "conversation_id": young.id,
            "case_id": young.id,
            "state": state.value,
            "term": 0 if state is LiveChatState.ASKED else 1,
            "owner": None if state is LiveChatState.ASKED else self.sam,
            "shown_name": None if state is LiveChatState.ASKED else "Sam",
            "shown_role": None if state is LiveChatState.ASKED else "safeguarding adviser",
            "begun_at": at,
            "present_until": at + LEASE,
        }
        with self.engine.begin() as connection:
            connection.execute(sa.insert(live_chats).values(**row | more))
        return chat

    def change(self, chat: str = "chat", **values: Any) -> None:
        """Write some columns of a row."""
        if isinstance(values.get("state"), LiveChatState):
            values["state"] = values["state"].value
        with self.engine.begin() as connection:
            mine = live_chats.c.id == chat
            connection.execute(sa.update(live_chats).where(mine).values(**values))

    def offer(self, young: Young, chat: str = "chat") -> str:
        """Offer to join."""
        return self.begin(young, LiveChatState.OFFERED, chat)

    def open(self, chat: str = "chat", **more: Any) -> None:
        """Have the chat from now on."""
        at = self.clock()
        known = {"state": LiveChatState.OPEN, "term": 1, "owner": self.sam, "opened_at": at}
        known |= {"spoke_at": at, "present_until": at + LEASE}
        self.change(chat, **known | {"shown_name": "Sam", "shown_role": "adviser"} | more)

    def beat(self, chat: str = "chat") -> None:
        """Tell that the page is open."""
        self.change(chat, present_until=self.clock() + LEASE)

    def end(self, why: LiveChatEnd, chat: str = "chat") -> None:
        """End the chat as staff."""
        at = self.clock()
        self.change(chat, state=LiveChatState.ENDED, ended_at=at, ended_why=why.value)

    def write(self, young: Young, text: str, chat: str = "chat", name: str = "Sam") -> None:
        """Write to the young person."""
        at = self.clock()
        new = NewLiveMessage(str(uuid4()), young.id, chat, name, text, at)
        with self.engine.begin() as connection:
            mine = live_chats.c.id == chat
            connection.execute(sa.update(live_chats).where(mine).values(spoke_at=at))
            live_messages.add(connection, vault(), new)

    async def ready(self, areas: list[str] | None = None) -> None:
        """Be on duty, and ready to chat."""
        at = self.clock()
        row = {"ready_until": at + timedelta(hours=1), "areas": areas, "room": 2}
        with self.engine.begin() as connection:
            connection.execute(sa.delete(live_readiness))
            connection.execute(sa.insert(live_readiness).values(staff_id=self.sam, **row))
        inside = self.gateway.inside
        self.gateway.world.rota = (Watch(at - timedelta(hours=1), at + timedelta(hours=8)),)
        await inside.duty.read_once()
        await inside.live.ready.read_once()


def _sam(engine: Engine, clock: Clock) -> str:
    """Return the id of the member of staff, who may be there from an earlier gateway."""
    with engine.connect() as connection:
        known = connection.execute(sa.select(staff.c.id).where(staff.c.name == "sam")).scalar()
    return known or accounts_on(engine, clock).add("sam", PASSWORD, "Sam Smith").id


def texts(messages: Messages) -> list[str]:
    """Return the texts of messages."""
    return [each["text"] for each in messages]


def choices(messages: Messages) -> list[str]:
    """Return the ids of the buttons on messages."""
    return [choice["id"] for each in messages for choice in each.get("choices", [])]


def events(lines: str) -> list[dict[str, Any]]:
    """Return the events of a stream."""
    found = (line.removeprefix("data: ") for line in lines.splitlines() if line[:6] == "data: ")
    return [json.loads(each) for each in found]


@asynccontextmanager
async def live_office(
    world: World, engine: Engine, clock: Clock, limits: RateLimits | None = None
) -> AsyncIterator[LiveOffice]:
    """Run a gateway over this database."""
    world.env["LANTERN_RASA_TIMEOUT_S"] = "20"
    world.mailbox, world.database_engine = LiveMailbox(engine, clock), engine
    async with world.gateway(limits) as gateway:
        yield LiveOffice(gateway, engine, clock)


async def joined(office: LiveOffice) -> Young:
    """Return a young person with whom Sam talks."""
    young = await office.young()
    office.offer(young)
    await young.until(WOULD_YOU)
    await young.press("live_yes")
    return young
