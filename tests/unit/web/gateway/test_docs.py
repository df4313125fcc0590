"""The description says what the gateway does: no more, no less."""

from __future__ import annotations

from typing import get_args

from safeguarding.messages import ContactCard, Kind, Message
from safeguarding.taxonomy import taxonomy
from tests.unit.web.gateway.conftest import Gateway
from web.gateway.docs import description


async def test_every_address_is_described(gateway: Gateway) -> None:
    served = {
        (f"/{route.path}", method.lower())
        for route in gateway.app.router.routes
        for method in route.methods
        if route.path.startswith("v1/") or route.path in {"healthz", "readyz", "metrics"}
    }
    described = {
        (path, method) for path, methods in description()["paths"].items() for method in methods
    }

    assert described == served


def test_the_shapes_are_those_of_the_code() -> None:
    schemas = description()["components"]["schemas"]

    assert set(schemas["Message"]["properties"]) == set(Message.__annotations__)
    assert set(schemas["Contact"]["properties"]) == set(ContactCard.__annotations__)
    assert tuple(schemas["Message"]["properties"]["kind"]["enum"]) == get_args(Kind)
    assert schemas["Beginning"]["properties"]["audience"]["enum"] == list(taxonomy().audiences)


async def test_the_page_names_each_address_and_loads_nothing_from_elsewhere(
    gateway: Gateway,
) -> None:
    page = (await gateway.http.get("/docs/")).text
    machine = (await gateway.http.get("/docs/openapi.json")).json()

    assert all(path in page for path in machine["paths"])
    assert "src=" not in page
    assert 'href="http' not in page
