"""The widget's files: who may frame them, what they may load, what is kept."""

from __future__ import annotations

import pytest

from tests.unit.web.gateway.conftest import Gateway, World

PATHS = ["/", "/widget/", "/widget/chat.mjs", "/widget/embed.js", "/healthz", "/docs/", "/nothing"]


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
    for path in ("/", "/healthz", "/docs/", "/nothing"):
        assert policies[path].endswith("frame-ancestors 'none'")


async def test_the_chat_is_never_kept_and_scripts_are_asked_after(gateway: Gateway) -> None:
    page = await gateway.http.get("/widget/")
    script = await gateway.http.get("/widget/chat.mjs")
    again = await gateway.http.get(
        "/widget/chat.mjs", headers={"If-None-Match": script.headers["etag"]}
    )

    assert page.headers["cache-control"] == "no-store"
    assert script.headers["cache-control"] == "no-cache"
    assert script.headers["content-type"].startswith("text/javascript")
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["..%2F..%2Fpyproject.toml", "chat", "%2e%2e/gateway/app.py"])
async def test_no_other_file_is_served(gateway: Gateway, name: str) -> None:
    assert (await gateway.http.get(f"/widget/{name}")).status_code == 404
