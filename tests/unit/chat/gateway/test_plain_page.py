"""The chat without JavaScript: what its form sends, what comes back, and what can go wrong."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import httpx
import pytest
from limits import RateLimitItemPerHour

from chat.gateway.limits import RateLimits
from chat.gateway.live.listening import Listening
from chat.gateway.live.progress import Cursor
from chat.gateway.pages import ELSEWHERE, PLAIN
from chat.gateway.requests import MOST_TYPED, Tokens
from safeguarding.clock import utc_now
from safeguarding.messages import Message
from safeguarding.risk.assessment import Turn
from tests.content import real_content
from tests.fakes.rasa import answering
from tests.unit.chat.gateway.conftest import Gateway, World

PHRASES = real_content().phrases.group("plain_page")
HOSTILE = '<script>alert(1)</script> & "quotes" </textarea><b>\''
NONE: dict[str, Any] = {
    "cursor": "0.0",
    "state": "none",
    "chat": None,
    "person": None,
    "typing": False,
    "listen": False,
    "choices": [],
    "messages": [],
}
OPEN = NONE | {
    "state": "open",
    "chat": "chat-1",
    "person": {"name": "Sam", "role": "Safeguarding adviser"},
    "listen": True,
    "choices": [{"id": "live_stop", "label": "Stop talking to Sam"}],
}


class LiveAnswers:
    """What the gateway says of the live chat: these answers in turn, and the last for ever."""

    def __init__(self, real: object, *answers: dict[str, Any]) -> None:
        self._real = real
        self.answers = [*answers]
        self.asked: list[Listening] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def next(self, _bearer: object, listening: Listening) -> dict[str, Any]:
        self.asked.append(listening)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@dataclass
class Read(HTMLParser):
    """A page as a browser without JavaScript reads it."""

    status: int
    source: str
    hidden: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    box: str | None = None

    def __post_init__(self) -> None:
        super().__init__()
        self._in_box = False
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if known.get("type") == "hidden":
            self.hidden[known["name"]] = known["value"]
        if tag == "button":
            self.buttons.append((known["name"], known["value"]))
        if tag == "a":
            self.links.append(known["href"])
        if tag == "textarea":
            self._in_box, self.box = True, ""

    def handle_endtag(self, tag: str) -> None:
        self._in_box &= tag != "textarea"

    def handle_data(self, data: str) -> None:
        if self._in_box and self.box is not None:
            self.box = (self.box + data).removeprefix("\n")
        elif data.strip():
            self.said.append(data.strip())

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.said))


class Browser:
    """A browser without JavaScript, on one page after another."""

    def __init__(self, gateway: Gateway) -> None:
        self._http = gateway.http
        self.answer: httpx.Response
        self.page: Read

    async def open(self) -> Read:
        return self._read(await self._http.get(PLAIN))

    async def send(self, words: str = "", act: str = "send", **other: str) -> Read:
        """Send the form as the page has it; `other` replaces and adds fields."""
        fields = {**self.page.hidden, "words": words.replace("\n", "\r\n"), "act": act, **other}
        parts = {name: (None, value) for name, value in fields.items() if value is not None}
        return self._read(await self._http.post(PLAIN, files=parts))  # type: ignore[arg-type]

    async def press(self, choice: str, words: str = "") -> Read:
        return await self.send(words, act="", choice=choice)

    def _read(self, answer: httpx.Response) -> Read:
        self.answer = answer
        self.page = Read(answer.status_code, answer.text)
        return self.page


@pytest.fixture
async def gateway(world: World) -> AsyncIterator[Gateway]:
    """Run a gateway that waits for the answer however busy the machine is."""
    world.env["LANTERN_RASA_TIMEOUT_S"] = "20"
    async with world.gateway() as gateway:
        yield gateway


@pytest.fixture
async def browser(gateway: Gateway) -> Browser:
    """Open the page in a conversation without a live chat."""
    with_live(gateway, NONE)
    browser = Browser(gateway)
    await browser.open()
    return browser


def with_live(gateway: Gateway, *answers: dict[str, Any]) -> LiveAnswers:
    """Let the gateway say this of the live chat."""
    answering = LiveAnswers(gateway.inside.live.listeners, *answers)
    object.__setattr__(gateway.inside.live, "listeners", answering)
    return answering


def limited(*, messages: int = 1000, beginnings: int = 1000) -> RateLimits:
    many = RateLimitItemPerHour(1000)
    return RateLimits(
        None,
        "k" * 40,
        per_conversation=RateLimitItemPerHour(messages),
        per_address=many,
        beginnings=RateLimitItemPerHour(beginnings),
    )


async def test_opens_with_help_the_exit_and_a_form_and_leaves_nothing(browser: Browser) -> None:
    page, headers = browser.page, browser.answer.headers

    assert page.status == 200
    assert page.links[:4] == [ELSEWHERE, "#newest", "tel:999", "tel:08001111"]
    assert "Who is asking?" in page.text
    assert ("act", "send") in page.buttons
    assert "script" not in page.tags
    assert headers["cache-control"] == "no-store"
    assert "set-cookie" not in headers
    policy = headers["content-security-policy"]
    assert "script-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.hidden["token"] not in str(browser.answer.url)


async def test_it_says_where_to_complain_before_anything_is_typed(browser: Browser) -> None:
    page = browser.page

    assert "Unhappy with this chat?" in page.text
    assert "within 30 days" in page.text


async def test_what_is_said_is_answered_and_stays_on_the_page(browser: Browser) -> None:
    await browser.send("hello there")
    page = await browser.send("and again")

    assert page.text.index("hello there") < page.text.index("and again")
    assert page.text.count("Hello from Rasa") == 2
    assert page.box == ""
    assert "Who is asking?" not in page.text


async def test_words_are_words_and_never_markup(browser: Browser) -> None:
    page = await browser.send(HOSTILE)
    kept = await browser.send(HOSTILE, act="look")

    for each in (page, kept):
        assert "script" not in each.tags
        assert "b" not in each.tags
    assert HOSTILE in page.text
    assert kept.box == HOSTILE


async def test_a_line_break_is_one_character(browser: Browser, world: World) -> None:
    await browser.send("one\n\ntwo")

    assert world.rasa.received[0]["text"] == "one\n\ntwo"


async def test_a_form_that_is_sent_twice_is_one_message(browser: Browser, world: World) -> None:
    before = dict(browser.page.hidden)
    first = await browser.send("i am hurt")
    again = await browser.send("i am hurt", **before)

    assert first.text.count("i am hurt") == again.text.count("i am hurt") == 1
    assert len({each.message_id for each in world.log.rows}) == 1


async def test_help_comes_as_a_card_with_numbers_and_buttons(browser: Browser) -> None:
    page = await browser.send("i am hurt")

    assert "message--help" in page.source
    assert "tel:08001111" in page.links[4:]
    assert ("choice", "not_safe_now") in page.buttons
    # Further ways are folded, by an element that opens without a script.
    folded = page.source.index("<details>\n<summary>More ways to get help")
    assert (
        page.source.index('value="not_safe_now"') < folded < page.source.index('value="leave_wish"')
    )


async def test_a_button_is_pressed_and_what_is_typed_stays_in_the_box(
    browser: Browser, world: World
) -> None:
    await browser.send("i am hurt")
    page = await browser.press("leave_wish", words="half a sen")

    assert page.box == "half a sen"
    assert "Let someone get back to me" in page.text
    assert real_content().phrases.group("wishes")["ask_name"].split(".")[0] in page.text
    assert all(each.text != "half a sen" for each in world.log.rows)


async def test_an_unknown_button_loses_no_words(browser: Browser) -> None:
    page = await browser.press("no_such_button", words="half a sen")

    assert page.status == 200
    assert PHRASES["gone"] in page.text
    assert page.box == "half a sen"


async def test_what_is_typed_as_a_secret_is_not_shown_now_or_later(browser: Browser) -> None:
    prompt = await browser.press("letterbox_enter")
    assert prompt.hidden["hides"] == "yes"

    page = await browser.send("marmalade")

    assert "marmalade" not in page.source
    assert "(only you know this)" in page.text
    assert "hides" not in page.hidden
    assert "marmalade" not in (await browser.send("hello")).source


@pytest.mark.parametrize("token", ["", "forged", "\N{SNOWMAN}"])
async def test_a_token_that_is_not_valid_begins_anew_with_numbers_and_keeps_the_words(
    browser: Browser, token: str
) -> None:
    page = await browser.send("please help", token=token)

    assert page.status == 401
    assert PHRASES["expired"] in page.text
    assert page.box == "please help"
    assert {"tel:999", "tel:08001111"} <= set(page.links)
    assert "hello" in (await browser.send("hello")).text


async def test_an_expired_token_begins_anew(browser: Browser, gateway: Gateway) -> None:
    late = Tokens("k" * 40, lifetime_s=-1)
    object.__setattr__(gateway.inside, "tokens", late)

    page = await browser.send("please help")

    assert (page.status, page.box) == (401, "please help")
    assert page.hidden["token"]


async def test_a_text_that_is_too_long_stays_in_the_box(browser: Browser, world: World) -> None:
    text = "\N{WAVING HAND SIGN}" * (MOST_TYPED // 2) + "abc"

    page = await browser.send(text)

    assert page.status == 413
    assert PHRASES["too_long"].format(over=3) in page.text
    assert page.box == text
    assert world.rasa.received == []


async def test_the_longest_text_gets_through(browser: Browser, world: World) -> None:
    page = await browser.send("\N{EURO SIGN}" * MOST_TYPED)

    assert page.status == 200
    assert world.engine.seen[0][0].count("\N{EURO SIGN}") == MOST_TYPED


async def test_a_body_that_is_too_large_is_answered_in_the_conversation(browser: Browser) -> None:
    await browser.send("hello there")
    page = await browser.send("la " * 100_000)

    assert page.status == 413
    assert PHRASES["too_big"] in page.text
    assert "hello there" in page.text


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "multipart/form-data; boundary=x"),
        (b"--x\r\nno header\r\n\r\n--x--", "multipart/form-data; boundary=x"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"", "text/plain"),
    ],
)
async def test_a_body_that_is_no_form_gets_a_page_with_numbers(
    browser: Browser, gateway: Gateway, content: bytes, kind: str
) -> None:
    answer = await gateway.http.post(PLAIN, content=content, headers={"Content-Type": kind})

    assert answer.status_code == 401
    assert "tel:999" in answer.text


async def test_a_form_of_another_encoding_is_read_too(browser: Browser, gateway: Gateway) -> None:
    fields = {**browser.page.hidden, "words": "hello there"}

    answer = await gateway.http.post(PLAIN, data=fields)

    assert "hello there" in answer.text
    assert "Hello from Rasa" in answer.text


async def test_a_message_id_that_is_none_is_no_reason_to_be_silent(browser: Browser) -> None:
    assert "Hello from Rasa" in (await browser.send("hello", id="7")).text


async def test_another_site_cannot_write_here(browser: Browser, gateway: Gateway) -> None:
    fields = {**browser.page.hidden, "words": "hello"}
    headers = {"Sec-Fetch-Site": "cross-site"}

    answer = await gateway.http.post(PLAIN, data=fields, headers=headers)

    assert answer.status_code == 403
    assert "0800 1111" in answer.text


async def test_clearing_forgets_the_conversation(browser: Browser, gateway: Gateway) -> None:
    await browser.send("hello there")
    old = browser.page.hidden["token"]

    page = await browser.send("half a sen", act="clear")

    assert PHRASES["cleared"] in page.text
    assert "hello there" not in page.text
    assert page.box == ""
    assert page.hidden["token"] != old
    known = await gateway.http.get("/v1/conversations", headers={"Authorization": f"Bearer {old}"})
    assert known.json()["messages"] == []


async def test_once_staff_have_it_the_page_can_look_for_an_offer(
    browser: Browser, gateway: Gateway
) -> None:
    with_live(gateway, NONE | {"listen": True})

    assert ("act", "look") in (await browser.send("i am hurt")).buttons


@pytest.mark.parametrize("words", ["", "  \n "])
async def test_sending_nothing_changes_nothing(browser: Browser, world: World, words: str) -> None:
    page = await browser.send(words)

    assert page.status == 200
    assert "Who is asking?" in page.text
    assert world.engine.seen == []


async def test_over_the_limit_help_comes_and_the_words_stay(world: World) -> None:
    async with world.gateway(limited(messages=1)) as gateway:
        with_live(gateway, NONE)
        browser = Browser(gateway)
        await browser.open()
        await browser.send("hello")
        page = await browser.send("i am hurt")

    assert page.status == 429
    assert page.box == "i am hurt"
    assert "message--help" in page.source
    assert real_content().phrases.group("gateway")["too_fast"][:40] in page.text


async def test_where_too_many_chats_begin_there_are_numbers_and_a_way_to_try_again(
    world: World,
) -> None:
    async with world.gateway(limited(beginnings=0)) as gateway:
        page = await Browser(gateway).open()

    assert page.status == 429
    assert PHRASES["busy"] in page.text
    assert {"tel:999", "tel:08001111", PLAIN} <= set(page.links)
    assert page.hidden == {}


# ---- a person in the chat ------------------------------------------------------------------------
def from_sam(number: int, text: str) -> dict[str, Any]:
    return {"kind": "text", "by": "person", "name": "Sam", "number": number, "text": text}


async def test_before_staff_have_it_there_is_nothing_to_look_for(
    browser: Browser,
) -> None:
    page = await browser.send("hello")

    assert ("act", "look") not in page.buttons
    assert PHRASES["look"] not in page.text


async def test_a_person_is_named_and_can_be_stopped_and_looking_keeps_the_words(
    browser: Browser, gateway: Gateway
) -> None:
    came = OPEN | {"cursor": "1.5", "typing": True, "messages": [from_sam(1, "Hi, I'm here.")]}
    live = with_live(gateway, came, OPEN | {"cursor": "1.5"})

    page = await browser.send("half a sen", act="look")

    assert "You're talking to Sam" in page.text
    assert "Safeguarding adviser" in page.text
    assert "Sam is typing" in page.text
    assert "Sam says: Hi, I'm here." in page.text
    assert ("choice", "live_stop") in page.buttons
    assert page.box == "half a sen"
    assert page.hidden["live"] == "chat-1"
    await browser.send(page.box, act="look")
    assert [each.after for each in live.asked] == [None, Cursor(1, 5)]
    assert [each.state for each in live.asked] == [None, "open"]


async def test_words_of_a_person_are_on_the_page_once_and_in_their_place(
    browser: Browser, gateway: Gateway
) -> None:
    bearer = gateway.inside.tokens.read(browser.page.hidden["token"])
    conversation = gateway.inside.conversations.of(bearer)
    conversation.remember(str(uuid4()), Turn("user", "earlier words"))
    conversation.remember("live offer chat-1", Turn("assistant", "An offer\n[Yes]"))
    conversation.remember("live 1", Turn("assistant", "the first of Sam"))
    conversation.remember(str(uuid4()), Turn("user", "later words"))
    two = [from_sam(1, "the first of Sam"), from_sam(2, "the second of Sam")]
    with_live(gateway, OPEN | {"cursor": "2.0", "messages": two}, OPEN | {"cursor": "2.0"})

    page = await browser.send(act="look")

    order = ["earlier words", "Sam says: the first of Sam", "later words", "the second of Sam"]
    places = [page.text.index(each) for each in order]
    assert places == sorted(places)
    assert page.text.count("the first of Sam") == 1
    assert "An offer" not in page.text
    later = await browser.send(act="look")
    assert f"{PHRASES['person_said']} the first of Sam" in later.text


async def test_an_offer_and_a_request_show_their_buttons(
    browser: Browser, gateway: Gateway
) -> None:
    yes = [{"id": "live_yes", "label": "Yes"}, {"id": "live_not_now", "label": "Not now"}]
    with_live(gateway, OPEN | {"state": "offered", "choices": yes})
    offered = await browser.send(act="look")
    with_live(gateway, OPEN | {"state": "asked", "person": None})
    asked = await browser.send(act="look")

    assert "Sam could talk to you here" in offered.text
    assert ("choice", "live_yes") in offered.buttons
    assert "Waiting for a person to join" in asked.text
    assert ("choice", "live_stop") in asked.buttons


async def test_a_notice_of_lantern_is_told_as_its_own(browser: Browser, gateway: Gateway) -> None:
    notice = Message(kind="text", text="Sam is here now.")
    with_live(gateway, OPEN | {"messages": [{**notice, "notice": 3}]})

    assert "Lantern says: Sam is here now." in (await browser.send(act="look")).text


async def test_days_are_written_as_people_write_them(browser: Browser, world: World) -> None:
    day = utc_now().date().isoformat()
    world.rasa.behave = answering({
        "kind": "answer", "text": "About it.", "title": "It", "steps": ["One."],
        "sources": [{"title": "T", "publisher": "P", "url": "javascript:alert(1)", "date": ""}],
        "reviewed_on": day, "approved": False,
    })  # fmt: skip

    page = await browser.send("what is it")

    assert f"Checked on {int(day[-2:])} " in page.text
    assert not any(each.startswith("javascript") for each in page.links)
