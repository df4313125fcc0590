"""The gateway as a Sanic application: settings in, app out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sanic import Sanic

from chat.gateway.api import api
from chat.gateway.composition import Dependencies, compose, dependencies, plain_errors
from chat.gateway.limits import RateLimits
from chat.gateway.pages import docs, keep_pages, pages, policy_for
from chat.gateway.requests import MAX_BODY_BYTES
from chat.gateway.status import status
from safeguarding.content.reader import Content, read_content
from safeguarding.logs import configure_logs
from safeguarding.settings import Settings
from web.connections import bound
from web.http import App, add_security_headers

FINISH_S = 20.0
"""What is under way when the gateway is stopped may take so long: more than any answer does. With
what is recorded after it, it stays far below the TimeoutStopSec of deploy/systemd/."""
LARGEST_BODY_READ = 1024 * 1024
"""Bodies are refused from 64 KiB on and kept no further, but read to here: a connection cut short
shows no help."""


def create_app(
    *,
    settings: Settings | None = None,
    content: Content | None = None,
    build: Callable[[Settings], Dependencies] = dependencies,
    limits: RateLimits | None = None,
    name: str = "lantern-gateway",
) -> App:
    """The gateway. `content`, `build` and `limits` are for tests.

    Content is read here, before anything can fail: pages and errors then need no file.
    Raises ContentError, SettingsError.
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
    bound(app, settings.gateway_trusted_proxies, MAX_BODY_BYTES + 1, errors)
    for blueprint in (pages, api, status, docs):
        app.blueprint(blueprint)
    keep_pages(app, content)
    ancestors = settings.widget_ancestors
    add_security_headers(app, lambda request: policy_for(request, ancestors))
    _add_life(app, settings, content, build, limits)
    return app


def _add_life(
    app: App,
    settings: Settings,
    content: Content,
    build: Callable[[Settings], Dependencies],
    limits: RateLimits | None,
) -> None:
    async def start(app: App) -> None:
        outside = await asyncio.to_thread(build, settings)
        app.ctx.gateway = compose(settings, outside, content, limits)
        app.ctx.draining = False
        app.ctx.recording = asyncio.create_task(app.ctx.gateway.recorder.work_forever())
        app.ctx.rota = asyncio.create_task(app.ctx.gateway.duty.read_forever())

    async def drain(app: App) -> None:
        # New connections are still taken. Whoever spreads the load may see in time to send
        # nobody here any more.
        app.ctx.draining = True
        await asyncio.sleep(settings.drain_s)

    async def stop(app: App) -> None:
        app.ctx.recording.cancel()
        app.ctx.rota.cancel()
        await app.ctx.gateway.finish()

    app.register_listener(start, "before_server_start")
    app.register_listener(drain, "before_server_stop")
    app.register_listener(stop, "after_server_stop")
