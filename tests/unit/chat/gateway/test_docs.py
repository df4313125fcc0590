"""The description says what the gateway does: no more, no less."""

from __future__ import annotations

from typing import Any, get_args

from safeguarding.messages import ContactCard, Kind, Message
from safeguarding.taxonomy import taxonomy
from tests.content import real_content
from tests.unit.chat.gateway.conftest import Gateway


async def described(gateway: Gateway) -> dict[str, Any]:
    answer: dict[str, Any] = (await gateway.http.get("/docs/openapi.json")).json()
    return answer


async def test_every_address_is_described(gateway: Gateway) -> None:
    served = {
        (f"/{route.path}", method.lower())
        for route in gateway.app.router.routes
        for method in route.methods
        if route.path.startswith("v1/") or route.path in {"healthz", "readyz", "metrics"}
    }
    paths = (await described(gateway))["paths"]

    assert {(path, method) for path, methods in paths.items() for method in methods} == served


async def test_the_shapes_are_those_of_the_code(gateway: Gateway) -> None:
    schemas = (await described(gateway))["components"]["schemas"]

    assert set(schemas["Message"]["properties"]) == set(Message.__annotations__)
    assert set(schemas["Contact"]["properties"]) == set(ContactCard.__annotations__)
    assert tuple(schemas["Message"]["properties"]["kind"]["enum"]) == get_args(Kind)
    assert schemas["Beginning"]["properties"]["audience"]["enum"] == list(taxonomy().audiences)


async def test_the_areas_are_those_that_have_contacts_and_each_is_accepted(
    gateway: Gateway,
) -> None:
    schemas = (await described(gateway))["components"]["schemas"]
    areas = schemas["Beginning"]["properties"]["area"]["enum"]

    assert areas == [*real_content().areas, "elsewhere"]
    for area in areas:
        answer = await gateway.http.post("/v1/conversations", json={"area": area})
        assert answer.status_code == 201


async def test_the_page_names_each_address_and_loads_nothing_from_elsewhere(
    gateway: Gateway,
) -> None:
    page = (await gateway.http.get("/docs/")).text

    assert all(path in page for path in (await described(gateway))["paths"])
    assert "src=" not in page
    assert 'href="http' not in page
