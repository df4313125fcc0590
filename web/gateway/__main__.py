"""Runs the gateway: `python -m web.gateway`."""

from __future__ import annotations

from safeguarding.settings import Settings
from web.gateway.app import create_app
from web.gateway.connections import LastingProtocol

if __name__ == "__main__":
    settings = Settings.from_env()
    # One process: conversations live in its memory.
    create_app(settings=settings).run(
        host=settings.gateway_host,
        port=settings.gateway_port,
        protocol=LastingProtocol,
        single_process=True,
        access_log=False,
        motd=False,
    )
