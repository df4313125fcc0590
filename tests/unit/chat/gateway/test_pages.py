"""The widget's files: who may frame them, what they may load, what is kept."""

from __future__ import annotations

import pytest

from tests.unit.chat.gateway.conftest import Gateway, World

FILES = ["/widget/chat.mjs", "/widget/embed.js", "/widget/help.html"]
PATHS = ["/", "/chat", "/widget/", *FILES, "/healthz", "/docs/", "/nothing"]


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_inline_and_nothing_from_elsewhere(gateway: Gateway, path: str) -> None:
    headers = (await gateway.http.get(path)).headers
    policy = headers["content-security-policy"]

    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"


async def test_only_named_sites_may_frame_the_widget_and_nobody_the_rest(world: World) -> None:
    world.env["LANTERN_WIDGET_ANCESTORS"] = "'self' https://school.example"
    async with world.gateway() as gateway:
        policies = {
            path: (await gateway.http.get(path)).headers["content-security-policy"]
            for path in PATHS
        }

    assert policies["/widget/"].endswith("frame-ancestors 'self' https://school.example")
    for path in ("/", "/chat", "/healthz", "/docs/", "/nothing"):
        assert policies[path].endswith("frame-ancestors 'none'")


@pytest.mark.parametrize("address", ["/widget/", "/chat"])
async def test_the_chat_is_never_kept_and_scripts_are_asked_after(
    gateway: Gateway, address: str
) -> None:
    page = await gateway.http.get(address)
    script = await gateway.http.get("/widget/chat.mjs")
    tag = script.headers["etag"]
    again, compressed = [
        await gateway.http.get("/widget/chat.mjs", headers={"If-None-Match": known})
        for known in (tag, f"W/{tag}")
    ]

    assert page.headers["cache-control"] == "no-store"
    assert script.headers["cache-control"] == "no-cache"
    assert script.headers["content-type"].startswith("text/javascript")
    assert (again.status_code, compressed.status_code) == (304, 304)


async def test_the_embed_script_outlives_a_gateway_that_is_away_for_a_day(
    gateway: Gateway,
) -> None:
    headers = (await gateway.http.get("/widget/embed.js")).headers

    assert headers["cache-control"] == "max-age=300, stale-while-revalidate=86400"
    assert headers["cross-origin-resource-policy"] == "cross-origin"


async def test_the_service_worker_may_look_after_the_chat_s_own_address(gateway: Gateway) -> None:
    headers = (await gateway.http.get("/widget/help_worker.mjs")).headers

    assert headers["service-worker-allowed"] == "/chat"


@pytest.mark.parametrize("name", ["..%2F..%2Fpyproject.toml", "chat", "%2e%2e/gateway/api.py"])
async def test_no_other_file_is_served(gateway: Gateway, name: str) -> None:
    assert (await gateway.http.get(f"/widget/{name}")).status_code == 404
