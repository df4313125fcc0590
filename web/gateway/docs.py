"""The description of the public interface: openapi.yml as JSON, and a page a person can read."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sanic import Blueprint, HTTPResponse, Request
from sanic.response import html as html_response
from sanic.response import json as json_response

HERE = Path(__file__).resolve().parent
docs = Blueprint("docs", url_prefix="/docs")


@cache
def description(path: Path = HERE / "openapi.yml") -> dict[str, Any]:
    """The OpenAPI description, read once per process."""
    read: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read


@cache
def page() -> str:
    """The description as a page: no script, nothing from elsewhere."""
    pages = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
    )
    return pages.get_template("docs.html").render(api=description(), whole=_whole)


def _whole(part: dict[str, Any]) -> dict[str, Any]:
    """The part itself, or the one it refers to ("#/components/responses/NoToken")."""
    for step in part.get("$ref", "").split("/")[1:]:
        part = part[step] if step in part else description()[step]
    return part


@docs.get("/")
async def read(_request: Request) -> HTTPResponse:
    """The page."""
    return html_response(page())


@docs.get("/openapi.json")
async def machine_readable(_request: Request) -> HTTPResponse:
    """The same for programs."""
    return json_response(description())
