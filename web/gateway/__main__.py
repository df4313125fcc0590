"""Runs the gateway: `python -m web.gateway`."""

from __future__ import annotations

from safeguarding.settings import Settings
from web.budget import raise_descriptor_limit
from web.connections import serve
from web.gateway.app import create_app
from web.gateway.connections import LastingProtocol

if __name__ == "__main__":
    settings = Settings.from_env()
    raise_descriptor_limit()
    app = create_app(settings=settings)
    # One process: conversations live in its memory.
    serve(app, settings.gateway_host, settings.gateway_port, LastingProtocol)
