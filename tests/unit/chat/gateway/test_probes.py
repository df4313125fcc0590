"""What is asked at most once a second or once in ten minutes, and never waited for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic

import pytest

from chat.gateway import probes
from chat.gateway.probes import Probes
from chat.gateway.recorder import BoundedPool
from storage.integrity import PageState
from tests.peers import frozen_server


class Pages:
    """Pages to look at; `gate` holds a look up."""

    def __init__(self) -> None:
        self.state = PageState.SOUND
        self.looks = 0
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self) -> PageState:
        self.looks += 1
        self.gate.wait(30)
        return self.state


@pytest.fixture
def pages() -> Iterator[Pages]:
    made = Pages()
    yield made
    made.gate.set()


@pytest.fixture
def pool() -> Iterator[BoundedPool]:
    made = BoundedPool("checks", threads=2, room=2)
    yield made
    made.close()


class ActionServer(ThreadingHTTPServer):
    """Counts who asks how it is."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Health)
        self.asked: list[str] = []


class _Health(BaseHTTPRequestHandler):
    server: ActionServer

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def action_server() -> Iterator[ActionServer]:
    with ActionServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


async def test_several_who_ask_at_once_are_one_question(pages: Pages, pool: BoundedPool) -> None:
    with action_server() as server:
        made = Probes(f"http://127.0.0.1:{server.server_port}", pages, pool)
        async with asyncio.timeout(20):
            answers = await asyncio.gather(*(made.ask() for _ in range(10)))
        await made.close()

    assert answers == [(True, PageState.SOUND)] * 10
    assert server.asked == ["/health"]
    assert pages.looks == 1


async def test_a_server_that_comes_back_is_seen_again(
    pages: Pages, pool: BoundedPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "KEPT_S", 0.0)
    with action_server() as server:
        made = Probes(f"http://127.0.0.1:{server.server_port}", pages, pool)
        assert await made.actions_are_up()
    assert not await made.actions_are_up()
    await made.close()


async def test_a_frozen_server_is_down_in_bounded_time(
    pages: Pages, pool: BoundedPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "PROBE_S", 0.2)
    with frozen_server() as port:
        made = Probes(f"http://127.0.0.1:{port}", pages, pool)
        async with asyncio.timeout(20):
            assert not await made.actions_are_up()
        await made.close()


async def test_a_look_that_takes_long_is_not_waited_for_and_counts_when_it_is_done(
    pages: Pages, pool: BoundedPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "PROBE_S", 0.1)
    pages.gate.clear()
    pages.state = PageState.CORRUPT
    made = Probes("http://127.0.0.1:9", pages, pool)
    async with asyncio.timeout(20):
        assert await made.pages() is PageState.UNCHECKED
        assert await made.pages() is PageState.UNCHECKED
        pages.gate.set()
        while await made.pages() is PageState.UNCHECKED:  # noqa: ASYNC110 - a thread ends it
            await asyncio.sleep(0.01)

    assert await made.pages() is PageState.CORRUPT
    assert pages.looks == 1
    await made.close()


async def test_the_pages_are_looked_at_again_after_ten_minutes(
    pages: Pages, pool: BoundedPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Probes("http://127.0.0.1:9", pages, pool)
    assert await made.pages() is PageState.SOUND
    pages.state = PageState.CORRUPT
    assert await made.pages() is PageState.SOUND

    monkeypatch.setattr(probes, "monotonic", lambda: monotonic() + probes.PAGES_EVERY_S)

    assert await made.pages() is PageState.CORRUPT
    assert pages.looks == 2
    await made.close()


async def test_a_look_for_which_no_thread_is_free_is_tried_again(pages: Pages) -> None:
    narrow, freed = BoundedPool("narrow", threads=1, room=1), threading.Event()
    busy = asyncio.create_task(narrow.run(None, freed.wait, 20))
    await asyncio.sleep(0)
    made = Probes("http://127.0.0.1:9", pages, narrow)
    assert await made.pages() is PageState.UNCHECKED
    freed.set()
    await busy

    assert await made.pages() is PageState.SOUND
    await made.close()
    narrow.close()
