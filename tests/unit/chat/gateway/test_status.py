"""Alive, ready, and figures for those who may see them."""

from __future__ import annotations

import pytest

from storage.integrity import PageState
from tests.peers import frozen_server
from tests.unit.chat.gateway.conftest import Gateway, World
from tests.unit.chat.gateway.test_recorder import escalation


async def test_alive_says_so(gateway: Gateway) -> None:
    answer = await gateway.http.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_ready_names_each_dependency(gateway: Gateway) -> None:
    answer = await gateway.http.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "screening": "up",
        "rasa": "up",
        "rasa_servers": {gateway.world.rasa.url.removeprefix("http://"): "up"},
        "answers_by": "rasa",
        "actions": "up",
        "redis": "unused",
        "database": "up",
        "database_pages": "sound",
        "disk": "up",
        "spool": 0,
        "unsaved": 0,
    }


async def test_not_ready_while_something_is_away(world: World) -> None:
    world.rasa.url = "http://127.0.0.1:9"
    world.database = False
    world.pages = PageState.UNCHECKED
    world.log.down = True
    world.spool.keep(escalation())
    world.screener.is_up = False
    async with world.gateway() as gateway:
        answer = await gateway.http.get("/readyz")
        alive = await gateway.http.get("/healthz")

    assert answer.status_code == 503
    assert answer.json() == {
        "status": "degraded",
        "screening": "down",
        "rasa": "down",
        "rasa_servers": {"127.0.0.1:9": "down"},
        "answers_by": "rasa",
        "actions": "down",
        "redis": "unused",
        "database": "down",
        "database_pages": "unchecked",
        "disk": "up",
        "spool": 1,
        "unsaved": 0,
    }
    assert alive.status_code == 200


async def test_not_ready_while_the_action_server_is_frozen_or_away(world: World) -> None:
    with frozen_server() as frozen:
        for port in (frozen, 9):
            world.env["LANTERN_ACTIONS_URL"] = f"http://127.0.0.1:{port}"
            async with world.gateway() as gateway:
                answer = await gateway.http.get("/readyz")
                figures = (await gateway.http.get("/metrics")).text

            state = answer.json()
            assert (answer.status_code, state["status"]) == (503, "degraded")
            assert (state["actions"], state["rasa"], state["database"]) == ("down", "up", "up")
            assert "lantern_actions_up 0.0" in figures


async def test_not_ready_while_a_page_of_the_database_is_damaged(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.pages = PageState.CORRUPT
    async with world.gateway() as gateway:
        answer = await gateway.http.get("/readyz")

    state = answer.json()
    assert (answer.status_code, state["status"]) == (503, "degraded")
    assert (state["database"], state["database_pages"]) == ("up", "corrupt")
    [line] = [line for line in capsys.readouterr().out.splitlines() if "database.corrupt" in line]
    assert '"level": "critical"' in line


async def test_not_ready_while_the_screening_process_alone_is_away(gateway: Gateway) -> None:
    gateway.world.screener.is_up = False
    away = await gateway.http.get("/readyz")
    gateway.world.screener.is_up = True
    back = await gateway.http.get("/readyz")

    assert (away.status_code, away.json()["status"]) == (503, "degraded")
    assert (away.json()["screening"], away.json()["rasa"]) == ("down", "up")
    assert (back.status_code, back.json()["screening"]) == (200, "up")


async def test_a_record_that_goes_from_memory_to_the_spool_meanwhile_is_counted(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, spool = gateway.inside.recorder, gateway.world.spool
    gateway.world.log.down = spool.full = True
    await recorder.record(escalation())

    def counted_then_saved() -> int:
        counted = len(spool.kept)
        recorder._held.clear()
        spool.kept["m1"] = escalation()
        return counted

    monkeypatch.setattr(recorder, "backlog", counted_then_saved)
    state = (await gateway.http.get("/readyz")).json()

    assert state["spool"] + state["unsaved"] > 0


async def test_figures_count_and_hold_nothing_of_a_person(gateway: Gateway) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "someone hurt me")

    figures = (await gateway.http.get("/metrics")).text

    assert 'lantern_messages_total{answered_by="rasa"} 1.0' in figures
    assert "lantern_upgrades_total 1.0" in figures
    assert 'lantern_escalations_total{severity="urgent",where="log"} 1.0' in figures
    assert "lantern_conversations 1.0" in figures
    assert "hurt" not in figures


async def test_figures_are_not_for_the_public(world: World) -> None:
    world.env["LANTERN_TRUSTED_PROXIES"] = "1"
    async with world.gateway() as gateway:
        for path in ("/metrics", "/readyz"):
            public = await gateway.http.get(path, headers={"X-Forwarded-For": "8.8.8.8"})
            inside = await gateway.http.get(path, headers={"X-Forwarded-For": "10.1.2.3"})

            assert (public.status_code, inside.status_code) == (404, 200)


async def test_a_proxy_nobody_told_us_of_does_not_open_the_figures(gateway: Gateway) -> None:
    answer = await gateway.http.get("/metrics", headers={"X-Forwarded-For": "10.1.2.3"})

    assert answer.status_code == 404
