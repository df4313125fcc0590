"""The gateway of `make chaos`: `python -m lab.chaos.gateway`. Its screening is its own."""

from __future__ import annotations

from functools import partial

from chat.gateway.composition import create_app, dependencies
from lab.chaos.screening import COMMAND
from safeguarding.settings import Settings
from web.budget import raise_descriptor_limit
from web.connections import LastingProtocol, serve

if __name__ == "__main__":
    settings = Settings.from_env()
    raise_descriptor_limit()
    app = create_app(settings=settings, build=partial(dependencies, screening=COMMAND))
    serve(app, settings.gateway_host, settings.gateway_port, LastingProtocol)
