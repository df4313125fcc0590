"""The gateway with a screening process that needs no model: `python -m tests.fakes.plain_gateway`.

For faults that have nothing to do with what a message means. It starts in seconds and needs no
model. The server, the record, the spool and the limits are the real ones.
"""

from __future__ import annotations

import sys
from functools import partial

from chat.gateway.composition import create_app, dependencies
from safeguarding.settings import Settings
from web.budget import raise_descriptor_limit
from web.connections import LastingProtocol, serve

if __name__ == "__main__":
    settings = Settings.from_env()
    raise_descriptor_limit()
    command = (sys.executable, "-m", "tests.fakes.plain_screening")
    build = partial(dependencies, screening=command)
    app = create_app(settings=settings, build=build)
    serve(app, settings.gateway_host, settings.gateway_port, LastingProtocol)
