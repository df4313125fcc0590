"""The pages: Jinja templates on the components of the GOV.UK design system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup
from sanic import HTTPResponse
from sanic.response import html

from safeguarding.staff_sessions import Session
from web.console import wording


class Pages:
    """Renders templates. A name that a template misspells is an error, not an empty place."""

    def __init__(self, *, unsigned_content: bool) -> None:
        """`unsigned_content` puts the notice of a demonstration on top of every page."""
        self._components = _component_environment()
        self._environment = Environment(
            loader=PackageLoader("web.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(
            govuk=self._component, unsigned_content=unsigned_content, wording=wording
        )

    def render(
        self, template: str, *, status: int = 200, session: Session | None = None, **context: object
    ) -> HTTPResponse:
        """The page made from `template`; `session` is the reader's."""
        text = self._environment.get_template(template).render(session=session, **context)
        return html(text, status=status)

    def _component(self, name: str, params: Mapping[str, Any]) -> Markup:
        """A component of the design system: `govuk("error-summary", {...})`."""
        template = self._components.get_template(
            f"govuk_frontend_jinja/components/{name}/macro.html"
        )
        macro = "govuk" + "".join(part.capitalize() for part in name.split("-"))
        return Markup(getattr(template.module, macro)(params))  # noqa: S704 - escaped by the macro


def _component_environment() -> Environment:
    # The components ask for parameters that nobody gave, so they cannot be strict.
    loader = PackageLoader("govuk_frontend_jinja")
    return Environment(loader=PrefixLoader({"govuk_frontend_jinja": loader}), autoescape=True)
